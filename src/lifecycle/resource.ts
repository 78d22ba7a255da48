/**
 * A resource's lifecycle as data: its steps with who may take each, from where, to where, and what
 * stands in the way. Nothing here knows SQL or HTTP; `stored.ts` runs a step, `routes.ts` offers it.
 */
import type { PgTable } from "drizzle-orm/pg-core";
import type { z } from "zod";
import {
  type Access,
  type Actor,
  type Origin,
  type Role,
  refusalOf,
  type Scope,
} from "../lib/access.ts";
import {
  AppError,
  type ErrorCode,
  type ErrorDetails,
  type Fault,
  type Noun,
} from "../lib/errors.ts";
import { statusOf } from "../words.ts";

/** A row that has a lifecycle. */
export interface Row {
  id: string;
  status: string;
  version: number;
}

/** What a step is decided on: the row, and beside it the facts that guards need of other tables. */
export interface Subject {
  row: Row;
}

export type StatusOf<S extends Subject> = S["row"]["status"];

/**
 * How a caller stands to something. `owner`: of the organization that owns it; `asker`, `broker`,
 * `party`, `applicant`, `registrar`: their part in a deal.
 */
export type Standing =
  | "owner"
  | "operator"
  | "asker"
  | "broker"
  | "party"
  | "applicant"
  | "registrar";

/** A rule that runs on time, or that fires with another step. */
export type Rule = "job" | "system";

/** One line of a lifecycle's table: from, by whom, to where. */
export interface Line<S extends Subject> {
  from: readonly StatusOf<S>[];
  by: Standing | Rule | readonly Standing[];
  /** `same`: the status stays. Several: the handler says which. */
  to: StatusOf<S> | "same" | readonly (StatusOf<S> | "same")[];
  /** What else must be so for the step to exist now, such as something pending to retract. */
  when?: (subject: S, actor: Actor) => boolean;
}

/**
 * What may stand in the way of a step that its status allows. One whose code is a 403 says who may not
 * take the step at all, and is looked at before the version; others are looked at all together.
 */
export interface Guard<S extends Subject> {
  code: ErrorCode;
  blocks: (subject: S, actor: Actor) => boolean;
  /** What is particular about it, once it blocks. */
  details?: (subject: S, actor: Actor) => ErrorDetails;
}

export const guard = <S extends Subject>(
  code: ErrorCode,
  blocks: (subject: S, actor: Actor) => boolean,
  details?: Guard<S>["details"],
): Guard<S> => ({ code, blocks, ...(details && { details }) });

type Lines<S extends Subject> = Line<S> | { lines: readonly Line<S>[] };

/** A step that the program takes by itself: it follows from another one, or from time. */
export type RuleStep<S extends Subject> = Lines<S> & { action: string };

/** A step that people or machine clients take. */
export type CallerStep<S extends Subject> = Lines<S> & {
  /** As it stands in the URL: `request-supplement`. */
  action: string;
  /** Roles that may take it; absent: every role. */
  roles?: readonly Role[];
  /** Only members of an organization that the operator has verified. */
  verified?: true;
  /** Only an `isAdmin` member. */
  admin?: true;
  /** The scope that lets a machine client take it; absent: people only. */
  scope?: Scope;
  guards?: readonly Guard<S>[];
  body?: z.ZodType;
  /** What else is wrong with a body than its schema says, such as a day that has passed. */
  faults?: (input: never) => Fault[];
  /** Offers `?dryRun=true`: every check, nothing written. */
  dryRun?: true;
  /** Refusals of its handler, beside those of its guards. */
  errors?: readonly ErrorCode[];
  summary: string;
  description: string;
  /** What somebody of another standing is told at this step alone. */
  otherwise?: ErrorCode;
  /** Schema of its reply, where that is not the resource itself. */
  reply?: z.ZodType;
  /** Its reply holds a secret, so it is not kept for the same key again. */
  idempotency?: "refused";
  /** It judges what the caller has read, so it names that version (428 without `If-Match`). */
  ifMatch?: "required";
  /** A route of its own takes it: with more than this resource in hand, or with another reply. */
  elsewhere?: true;
};

export type AnyStep<S extends Subject> = CallerStep<S> | RuleStep<S>;
type AnySteps<S extends Subject> = Record<string, AnyStep<S>>;

/** What an audit record says beside what changed. */
export interface Audited {
  /** The organization whose record it is. */
  owner: string | null;
  /** Further organizations whose admins may read it. */
  readers?: readonly (string | null)[];
  /** Columns that are personal in this resource: a record says that they changed, not to what. */
  personal?: readonly string[];
  /** The operator reads only that it happened; what was secret before a step stays so in its record. */
  secret?: boolean;
}

/** The whole of a resource's lifecycle. */
export interface Definition<S extends Subject, Steps extends AnySteps<S>> {
  /** Names its error codes and audit records. */
  noun: Noun;
  table: PgTable;
  /** Address of one of them: `/v1/registrations/:id`. */
  path: string;
  /** Tag of its operations. */
  tag: string;
  /** Schema of the reply of every step. */
  reply: z.ZodType;
  /** Path parameters, where one `id` is not all. */
  params?: z.ZodType;
  /** A step changes who may do what. */
  changesAccess?: true;
  /** How a caller stands to it. */
  standing: (subject: S, actor: Actor) => Standing[];
  /** What keeps somebody of the right standing from every step, such as a reviewer of its own case. */
  guards?: readonly Guard<S>[];
  /** What somebody of another standing is told, where it is not `<noun>.not_owner`. */
  otherwise?: ErrorCode;
  /** What is particular about telling somebody of another standing so, by the code that it is told with. */
  notOwner?: (subject: S, actor: Actor, code: ErrorCode) => ErrorDetails;
  audit: (subject: S, origin: Origin, action: string) => Audited;
  /** What is written down of one of them; its row when absent. */
  recorded?: (subject: S) => Record<string, unknown>;
  steps: Steps;
}

export interface Resource<S extends Subject, Steps extends AnySteps<S> = AnySteps<S>>
  extends Definition<S, Steps> {
  /** What this caller may do with it now, by the same checks that refuse the steps. */
  allowedActions: (subject: S, actor: Actor) => string[];
  /** The refusal of what its state does not allow, with what would be possible. */
  refused: (subject: S, actor: Actor | null) => AppError;
}

/** The steps that callers take at this resource's own routes, by operationId. */
export type RoutedSteps<Steps> = {
  [K in keyof Steps as Steps[K] extends { summary: string }
    ? Steps[K] extends { elsewhere: true }
      ? never
      : K
    : never]: Steps[K];
};

/** What the body of a step holds once it is parsed; undefined where it takes none. */
export type InputOf<Step> = Step extends { body: infer B extends z.ZodType }
  ? z.output<B>
  : undefined;

export const linesOf = <S extends Subject>(step: Lines<S>): readonly Line<S>[] =>
  "lines" in step ? step.lines : [step];

/** Whether callers take the step; the others are the program's own. */
export const isCallers = <S extends Subject>(step: AnyStep<S>): step is CallerStep<S> =>
  "summary" in step;

/** Who may call the step's route. */
export const accessOf = <S extends Subject>(step: CallerStep<S>): Access => ({
  ...(step.roles && { roles: step.roles }),
  ...(step.verified && { verified: step.verified }),
  ...(step.admin && { admin: step.admin }),
  ...(step.scope && { scope: step.scope }),
});

/** Guards that say who may not take a step at all: 403, whatever the state. */
export const isAboutWho = <S extends Subject>({ code }: Guard<S>): boolean =>
  statusOf(code) === 403;

/** The line of a step that fits a status and one of the standings. */
export function lineFor<S extends Subject>(
  step: AnyStep<S>,
  subject: S,
  standing: readonly (Standing | Rule)[],
  actor: Actor | null,
): Line<S> | undefined {
  return linesOf(step).find(
    ({ from, by, when }) =>
      from.includes(subject.row.status) &&
      [by].flat().some((one) => standing.includes(one)) &&
      (when === undefined || (actor !== null && when(subject, actor))),
  );
}

/** What somebody of another standing is told. */
export const otherwiseOf = <S extends Subject>(
  definition: { noun: Noun; otherwise?: ErrorCode },
  step?: AnyStep<S>,
): ErrorCode =>
  (step && isCallers(step) ? step.otherwise : undefined) ??
  definition.otherwise ??
  `${definition.noun}.not_owner`;

/** Whether a caller of the step's route may be of another standing: the operator is the operator of everything. */
export const isForOneOfMany = <S extends Subject>(step: CallerStep<S>): boolean =>
  step.roles?.join() !== "operator" ||
  linesOf(step).some(({ by }) => [by].flat().some((one) => one !== "operator"));

/** All guards of a step: the resource's, then its own. */
export const guardsOf = <S extends Subject>(
  { guards = [] }: { guards?: readonly Guard<S>[] },
  step: AnyStep<S>,
): readonly Guard<S>[] => (isCallers(step) ? [...guards, ...(step.guards ?? [])] : []);

/** Defines a resource's lifecycle. */
export function resource<S extends Subject, const Steps extends AnySteps<S>>(
  definition: Definition<S, Steps>,
): Resource<S, Steps> {
  const { noun, standing } = definition;
  const steps: AnyStep<S>[] = Object.values(definition.steps);

  function allowedActions(subject: S, actor: Actor): string[] {
    const standings = standing(subject, actor);
    const open = steps.filter(
      (step) =>
        isCallers(step) &&
        // First what most steps fail, and what costs nothing to ask: a refusal is an error with its stack.
        lineFor(step, subject, standings, actor) !== undefined &&
        refusalOf(accessOf(step), actor, { reads: false }) === undefined &&
        guardsOf(definition, step).every(({ blocks }) => !blocks(subject, actor)),
    );
    return [...new Set(open.map(({ action }) => action))];
  }

  function refused(subject: S, actor: Actor | null): AppError {
    const { status } = subject.row;
    const allowed = actor ? allowedActions(subject, actor) : [];
    const detail = {
      en: `It is ${status}. The caller can now: ${allowed.join(", ") || "nothing"}.`,
      zh: `当前状态为 ${status}，现在可执行的操作：${allowed.join("、") || "无"}。`,
    };
    const members = { currentStatus: status, allowedActions: allowed };
    return new AppError(`${noun}.invalid_transition`, { detail, members });
  }

  return { ...definition, allowedActions, refused };
}

/** All `from>to` pairs of different statuses, sorted: what the database's own trigger lets through. */
export function statusPairs<S extends Subject>({ steps }: { steps: AnySteps<S> }): string[] {
  const lines: readonly Line<S>[] = Object.values(steps).flatMap((step) => linesOf(step));
  const pairs = lines.flatMap(({ from, to }) =>
    from.flatMap((was) => [to].flat().map((is) => [was, is === "same" ? was : is] as const)),
  );
  const moves = pairs.filter(([was, is]) => was !== is).map(([was, is]) => `${was}>${is}`);
  return [...new Set(moves)].sort();
}
