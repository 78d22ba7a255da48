import { AppError, type Noun } from "./errors.ts";

/**
 * How a caller stands to something. `owner`: of the organisation that owns it; `asker`, `broker`,
 * `party`, `applicant`, `registrar`: their part in a deal; `job`: a rule that runs on time; `system`:
 * one that fires with another step.
 */
export type Standing =
  | "owner"
  | "operator"
  | "asker"
  | "broker"
  | "party"
  | "applicant"
  | "registrar"
  | "job"
  | "system";

/** One line of a lifecycle table: from -> action (who) -> to. */
export interface Transition<S extends string, A extends string> {
  from: readonly S[];
  action: A;
  by: Standing;
  to: S;
}

export interface Lifecycle<S extends string = string, A extends string = string> {
  noun: Noun;
  transitions: readonly Transition<S, A>[];
}

/** A state machine as data: `noun` names its error codes, `transitions` are all that may happen. */
export function defineLifecycle<const S extends string, const A extends string>(
  noun: Noun,
  transitions: readonly Transition<S, A>[],
): Lifecycle<S, A> {
  return { noun, transitions };
}

/** The actions that `by` may take from `status`, in the order of the table. */
export function allowedActions<S extends string, A extends string>(
  lifecycle: Lifecycle<S, A>,
  status: S,
  by: readonly Transition<S, A>["by"][],
): A[] {
  const actions = lifecycle.transitions
    .filter((t) => t.from.includes(status) && by.includes(t.by))
    .map((t) => t.action);
  return [...new Set(actions)];
}

/**
 * The status that `action` leads to from `status`.
 * @throws AppError `<noun>.invalid_transition` (409) with `currentStatus` and `allowedActions`
 */
export function nextStatus<S extends string, A extends string>(
  lifecycle: Lifecycle<S, A>,
  status: S,
  action: A,
  by: Transition<S, A>["by"],
): S {
  const transition = lifecycle.transitions.find(
    (t) => t.action === action && t.by === by && t.from.includes(status),
  );
  if (transition) return transition.to;
  throw transitionRefused(lifecycle, status, by);
}

/** The refusal of a step that the status does not allow: what it is, and what would be possible. */
export function transitionRefused<S extends string, A extends string>(
  lifecycle: Lifecycle<S, A>,
  status: S,
  by: Transition<S, A>["by"],
): AppError {
  return new AppError(`${lifecycle.noun}.invalid_transition`, {
    members: { currentStatus: status, allowedActions: allowedActions(lifecycle, status, [by]) },
  });
}

/** All `from>to` pairs: what the database's own trigger lets through. */
export function statusPairs<S extends string, A extends string>(
  lifecycle: Lifecycle<S, A>,
): string[] {
  const pairs = lifecycle.transitions.flatMap((t) => t.from.map((from) => `${from}>${t.to}`));
  return [...new Set(pairs)].sort();
}
