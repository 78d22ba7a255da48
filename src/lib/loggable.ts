import { DrizzleQueryError } from "drizzle-orm";
import type { DatabaseError } from "pg";
import { causesOf } from "./outages.ts";

/** The driver's own error: drizzle wraps it in one whose message holds the statement and its parameters. */
export const driverError = (error: unknown): Partial<DatabaseError> | undefined => {
  const causes = causesOf(error).filter((thrown) => !(thrown instanceof DrizzleQueryError));
  // Of all that it came of, the server's own answer says most.
  const answer = causes.find(({ severity }) => typeof severity === "string");
  return (answer ?? causes[0]) as Partial<DatabaseError> | undefined;
};

/** Whether an error is the database's own, or drizzle's around it. */
export const isDatabaseError = (error: unknown): boolean =>
  error instanceof DrizzleQueryError || typeof driverError(error)?.severity === "string";

/**
 * Where an error was thrown, without what it says: a message of several lines may look like a stack.
 */
function framesOf({ message = "", stack = "" }: Partial<Error>): string {
  const begin = stack.indexOf(message);
  const below = begin === -1 ? stack : stack.slice(begin + message.length);
  return below
    .split("\n")
    .filter((line) => line.startsWith("    at "))
    .join("\n");
}

/**
 * What may be logged of an unexpected error: its kind and stack, and of a database error the SQLSTATE
 * and constraint. Never the message of one that has a code, which says enough, or that came of reading
 * text: drizzle's holds the parameters, PostgreSQL's may hold values, Node's and Fastify's the URL, a
 * header or a piece of the body.
 */
export function loggable(error: unknown): Record<string, unknown> {
  const cause = driverError(error);
  const isDatabase = isDatabaseError(error);
  const { name, message, code, stack } = (error ?? {}) as Partial<Error> & { code?: unknown };
  const isTold = !isDatabase && code === undefined && !(error instanceof SyntaxError);
  return {
    name,
    code: isDatabase || typeof code !== "string" ? undefined : code,
    sqlstate: isDatabase ? cause?.code : undefined,
    constraint: isDatabase ? cause?.constraint : undefined,
    message: isTold ? message : undefined,
    stack: framesOf({ message, stack }),
  };
}

/** Why a database could not be used, in the driver's words; several addresses may each have failed. */
export function explainDatabase(error: unknown): string {
  const cause: unknown = driverError(error);
  if (cause instanceof AggregateError) return cause.errors.map(String).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}
