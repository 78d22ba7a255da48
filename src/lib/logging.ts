import type { FastifyServerOptions } from "fastify";

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
    ...(isTerminal
      ? { transport: { target: "pino-pretty", options: { ignore: "pid,hostname" } } }
      : {}),
  };
}
