import { writeSync } from "node:fs";
import type { FastifyServerOptions } from "fastify";
import pino from "pino";
import { loggable } from "./loggable.ts";

/** Wherever these appear in a logged object, or in one that it holds, their values are not written. */
const secret = new Set([
  "authorization",
  "cookie",
  "password",
  "secret",
  "token",
  "email",
  "phone",
  "contact",
]);

/** An object whose secret members are not told, and the others as `write` has them; itself when that changes nothing. */
function censored(given: object, write: (value: unknown) => unknown): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const [key, value] of Object.entries(given)) {
    const written = secret.has(key) ? "[redacted]" : write(value);
    if (written === value) continue;
    // What an error inherits is written with it, its own fields in place of those.
    copy ??= (given instanceof Error ? Object.create(given) : { ...given }) as Record<
      string,
      unknown
    >;
    copy[key] = written;
  }
  return copy ?? (given as Record<string, unknown>);
}

function member(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return censored(value, (held) => held);
}

/**
 * What is logged, without secrets. Pino's own `redact` goes through a path for each name and depth: the line
 * of a request costs seven times as much with it.
 */
export const withoutSecrets = (logged: object) => censored(logged, member);

/** Fastify's type of it wants the message, which may not be written. */
type SerializeError = (error: unknown) => { type: string; message: string; stack: string };

/**
 * How lines are made of what is logged, by us and by Fastify, which logs whole errors when nobody is left
 * to be told of them.
 */
export const lineOptions = {
  formatters: { log: withoutSecrets },
  // The default serializers write URLs, addresses and messages; the log line of a request is made by us.
  serializers: { req: () => ({}), res: () => ({}), err: loggable as SerializeError },
  hooks: {
    // Of an error without words of its own Pino would make the message the line's.
    logMethod(args, method) {
      const [logged, message] = args as [unknown, unknown];
      const isError = logged instanceof Error;
      const err = isError ? logged : (logged as { err?: unknown } | null)?.err;
      if (message !== undefined || !(err instanceof Error)) method.apply(this, args);
      else method.call(this, isError ? { err } : logged, "an error");
    },
  },
} satisfies pino.LoggerOptions;

/** Characters of lines that go out together, and milliseconds after which fewer do: each write costs a turn of its own. */
const together = { most: 4096, after: 200 };

const stdout = 1;

/** Bytes of lines that are kept while they cannot be written; further ones are dropped. */
const keptAtMost = 4 * 1024 * 1024;

/** Has something done when the process ends, however it ends. */
type AtExit = (last: () => void) => void;

/**
 * Where lines go. A log that cannot be written, on a full disk or to a reader that died, must not end the
 * service, as an error without a listener would, nor keep it from ending.
 */
function destination(isTerminal: boolean, atExit: AtExit) {
  if (isTerminal) {
    const options = { ignore: "pid,hostname" };
    return pino.transport({ target: "pino-pretty", options }).on("error", () => {});
  }
  const stream = pino.destination({ fd: stdout, maxLength: keptAtMost });
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
  return gathered(stream, atExit);
}

/**
 * Gathers lines before they go to a stream. (Its own `minLength` would have them tried for ever at the end,
 * on a full disk of which no write has told yet.)
 */
function gathered(stream: ReturnType<typeof pino.destination>, atExit: AtExit) {
  let lines = "";
  const send = () => {
    if (lines !== "") stream.write(lines);
    lines = "";
  };
  setInterval(send, together.after).unref();
  /** Lines that must be out before anything else happens: tried once, then left to the stream. */
  const flushSync = () => {
    stream.flushSync();
    try {
      while (lines !== "") {
        const bytes = Buffer.from(lines);
        lines = bytes.subarray(writeSync(stdout, bytes)).toString();
      }
    } catch {
      send();
    }
  };
  atExit(flushSync);
  return {
    write(line: string): void {
      lines += line;
      if (lines.length >= together.most) send();
    },
    flushSync,
  };
}

/**
 * Options of pino: JSON lines, pretty only for a person at a terminal.
 * @param atExit told what writes the last lines, which the process does when it ends
 */
export function loggerOptions(
  level: string,
  isTerminal: boolean,
  atExit: AtExit,
): FastifyServerOptions["logger"] {
  return {
    level,
    ...lineOptions,
    stream: destination(isTerminal, atExit),
  };
}
