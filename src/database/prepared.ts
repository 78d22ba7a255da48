import type { Executor } from "./connect.ts";

const memo = new WeakMap<object, Map<string, unknown>>();

/**
 * A statement prepared once for each executor that outlives a request (the pool's). `build` gets the
 * name to prepare under, which must tell apart statements of different text.
 */
export function prepared<T>(db: Executor, name: string, build: (name: string) => T): T {
  const statements = memo.get(db) ?? new Map<string, unknown>();
  memo.set(db, statements);
  const statement = (statements.get(name) as T | undefined) ?? build(name);
  statements.set(name, statement);
  return statement;
}
