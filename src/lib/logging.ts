import type { FastifyServerOptions } from "fastify";
import pino from "pino";

/** Wherever these appear in a logged object, their values are not written. */
const redacted = [
  "authorization",
  "cookie",
  "password",
  "secret",
  "token",
  "email",
  "phone",
  "contact",
];

/** Bytes of lines that are kept while they cannot be written; further ones are dropped. */
const keptAtMost = 4 * 1024 * 1024;

/**
 * Where lines go. A log that cannot be written, on a full disk or to a reader that died, must not end the
 * service, as an error without a listener would, nor keep it from ending.
 */
function destination(isTerminal: boolean) {
  if (isTerminal) {
    const options = { ignore: "pid,hostname" };
    return pino.transport({ target: "pino-pretty", options }).on("error", () => {});
  }
  const stream = pino.destination({ fd: 1, maxLength: keptAtMost });
  let fails = false;
  stream.on("error", () => {
    fails = true;
  });
  stream.on("write", () => {
    fails = false;
  });
  const flush = stream.flushSync.bind(stream);
  // It tries for ever, with the whole process waiting, while the disk is full.
  stream.flushSync = () => {
    if (!fails) flush();
  };
  return stream;
}

/** Options of pino: JSON lines, pretty only for a person at a terminal. */
export function loggerOptions(level: string, isTerminal: boolean): FastifyServerOptions["logger"] {
  return {
    level,
    redact: {
      paths: redacted.flatMap((key) => [key, `*.${key}`]),
      censor: "[redacted]",
    },
    // The default serializers write URLs and addresses; the log line of a request is made by us.
    serializers: { req: () => ({}), res: () => ({}) },
    stream: destination(isTerminal),
  };
}
