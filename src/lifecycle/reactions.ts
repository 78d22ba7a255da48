/**
 * What follows elsewhere from a change, in the same transaction: a listing that leaves public view takes
 * its proposals with it. Sources do not know their consumers; `src/reactions.ts` is the one table that
 * knows both, and it is given here when the program starts.
 */
import type { Executor } from "../database/connect.ts";
import type { Origin } from "../lib/access.ts";
import type { StatusOf, Subject } from "./resource.ts";

/** A change that was written, with its audit record. */
export interface Change<S extends Subject> {
  tx: Executor;
  origin: Origin;
  /** The step, or `create` and `update`. */
  action: string;
  /** The program took the step by itself, whatever set it off. */
  byRule: boolean;
  /** Null when it was created. */
  before: S | null;
  after: S;
  reason: string | null;
  /** The audit record: what is counted or fed from the change names it. */
  auditRecordId: string;
}

export type Follow<S extends Subject> = (change: Change<S>) => Promise<unknown>;

/** A change that is being written. */
export type Coming<S extends Subject> = Pick<Change<S>, "tx" | "after"> & { before: S };

/** What follows, where some of its work needs not wait until the row is written. */
export interface Prepared<S extends Subject> {
  meanwhile: (coming: Coming<S>) => Promise<unknown>;
  follow: (change: Change<S>, prepared: never) => Promise<unknown>;
}

/**
 * What follows in two parts.
 * @param begin runs while the server writes the row
 * @param follow gets what that gave; undefined for what has just been made
 */
export const meanwhile = <S extends Subject, P>(
  begin: (coming: Coming<S>) => Promise<P>,
  follow: (change: Change<S>, prepared: P | undefined) => Promise<unknown>,
): Prepared<S> => ({ meanwhile: begin, follow });

/** Whether something follows from a change; `before` is null when it was made. Its name says when. */
export type When<S extends Subject> = (before: S | null, after: S) => boolean;

/** The page of lifecycles reads off the name when something follows. */
const ofStatuses = <S extends Subject>(
  verb: string,
  statuses: readonly StatusOf<S>[],
  when: When<S>,
): When<S> => Object.defineProperty(when, "name", { value: `${verb} ${statuses.join(", ")}` });

/** It comes into one of these statuses. */
export const enters = <S extends Subject>(...statuses: StatusOf<S>[]): When<S> =>
  ofStatuses(
    "enters",
    statuses,
    (before, after) =>
      statuses.includes(after.row.status) && !(before && statuses.includes(before.row.status)),
  );

/** It leaves these statuses. */
export const leaves = <S extends Subject>(...statuses: StatusOf<S>[]): When<S> =>
  ofStatuses(
    "leaves",
    statuses,
    (before, after) =>
      before !== null &&
      statuses.includes(before.row.status) &&
      !statuses.includes(after.row.status),
  );

/** It was made or changed, and is in one of these statuses. */
export const isIn = <S extends Subject>(...statuses: StatusOf<S>[]): When<S> =>
  ofStatuses("is made or changed, and is", statuses, (_, after) =>
    statuses.includes(after.row.status),
  );

/** One row of the table. */
export interface Reaction {
  noun: string;
  /** What it is called, here and in the page of lifecycles. */
  name: string;
  when: (before: never, after: never) => boolean;
  meanwhile: ((coming: Coming<never>) => Promise<unknown>) | undefined;
  follow: (change: Change<never>, prepared: unknown) => Promise<unknown>;
}

/** What reactions have prepared. */
export type Preparations = ReadonlyMap<Reaction, unknown>;

/**
 * When this happens to such a resource, these follow, one after the other.
 * @param source the resource whose change it is
 * @param follow each by its name
 */
export function on<S extends Subject>(
  source: { noun: string; standing: (subject: S, ...rest: never) => unknown },
  when: When<NoInfer<S>>,
  follow: Record<string, Follow<NoInfer<S>> | Prepared<NoInfer<S>>>,
): Reaction[] {
  return Object.entries(follow).map(([name, one]) => {
    const parts = typeof one === "function" ? { meanwhile: undefined, follow: one } : one;
    // Only changes of this resource are given to it.
    return { noun: source.noun, name, when, ...parts } as Reaction;
  });
}

let table: ReadonlyMap<string, readonly Reaction[]> | null = null;

/** Sets what follows from what, once, before anything is changed. */
export function setReactions(reactions: readonly Reaction[]): void {
  const rows = new Map<string, Reaction[]>();
  for (const one of reactions) rows.set(one.noun, [...(rows.get(one.noun) ?? []), one]);
  table = rows;
}

const reactionsOf = (noun: string): readonly Reaction[] => {
  if (!table) throw new Error("nothing is changed before it is known what follows from it");
  return table.get(noun) ?? [];
};

const isSo = <S extends Subject>({ when }: Reaction, before: S | null, after: S): boolean =>
  (when as When<S>)(before, after);

/** Begins what need not wait until a change is written. */
export async function prepare<S extends Subject>(
  noun: string,
  coming: Coming<S>,
): Promise<Preparations> {
  const prepared = new Map<Reaction, unknown>();
  for (const one of reactionsOf(noun)) {
    if (!one.meanwhile || !isSo(one, coming.before, coming.after)) continue;
    prepared.set(one, await one.meanwhile(coming as Coming<never>));
  }
  return prepared;
}

/** Lets follow what follows from a change. */
export async function react<S extends Subject>(
  noun: string,
  change: Change<S>,
  prepared: Preparations = new Map(),
): Promise<void> {
  for (const one of reactionsOf(noun)) {
    if (!isSo(one, change.before, change.after)) continue;
    await one.follow(change as Change<never>, prepared.get(one));
  }
}
