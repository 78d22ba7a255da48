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
 * What may be logged of an unexpected error: its kind and stack, and of a database error the SQLSTATE
 * and constraint. Never its message: drizzle's holds the parameters, PostgreSQL's may hold values.
 */
export function loggable(error: unknown): Record<string, unknown> {
  const cause = driverError(error);
  const isDatabase = isDatabaseError(error);
  const { name, message, stack } = (error ?? {}) as Partial<Error>;
  const frames = stack?.split("\n").filter((line) => line.startsWith("    at "));
  return {
    name,
    sqlstate: isDatabase ? cause?.code : undefined,
    constraint: isDatabase ? cause?.constraint : undefined,
    message: isDatabase ? undefined : message,
    stack: frames?.join("\n"),
  };
}

/** Why a database could not be used, in the driver's words; several addresses may each have failed. */
export function explainDatabase(error: unknown): string {
  const cause: unknown = driverError(error);
  if (cause instanceof AggregateError) return cause.errors.map(String).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}
