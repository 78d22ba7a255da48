/** The page of lifecycles: what a definition says, as a diagram and a table. */
import { getTableColumns } from "drizzle-orm";
import type { z } from "zod";
import type { Reaction } from "../../src/lifecycle/reactions.ts";
import {
  type AnyStep,
  accessOf,
  guardsOf,
  isCallers,
  type Line,
  linesOf,
  otherwiseOf,
  type Subject,
  statusPairs,
} from "../../src/lifecycle/resource.ts";
import { type AnyResource, stepsOf } from "./read.ts";

type Step = AnyStep<Subject>;

/** One arrow, or one row of the table. */
interface Told {
  name: string;
  step: Step;
  line: Line<Subject>;
}

/** As a sentence begins: `registrationOffice` is "Registration office". */
const titleOf = (noun: string): string =>
  (noun.charAt(0).toUpperCase() + noun.slice(1)).replaceAll("_", " ");

const anchorOf = (noun: string): string => `#${noun.replaceAll("_", "-")}`;

const code = (word: string): string => `\`${word}\``;

/** `isNotEnding`, `comesIntoForce`: a rule's name, in words. */
const inWords = (name: string): string =>
  /\s/.test(name) ? name : name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** Whose step it is: how they stand to it, or the program itself. */
const standingsOf = ({ by }: Line<Subject>): string =>
  [by]
    .flat()
    .map((one) => (one === "job" ? "time" : one === "system" ? "the program" : one))
    .join(", ");

/** The same with what a caller must be besides. */
function whoOf({ step, line }: Told): string {
  if (!isCallers(step)) return standingsOf(line);
  const { roles, verified, admin, scope } = accessOf(step);
  const standings = standingsOf(line);
  const besides = [
    admin && "admin",
    roles?.join(", ") !== standings && roles?.join(", "),
    verified && "verified",
    scope && `or a machine client with ${code(scope)}`,
  ].filter(Boolean);
  return standings + (besides.length > 0 ? ` (${besides.join("; ")})` : "");
}

const statusesOf = (statuses: string | readonly string[]): string =>
  [statuses]
    .flat()
    .map((status) => (status === "same" ? "the same" : code(status)))
    .join(", ");

/** What refuses it although somebody of this standing calls it in this status. */
function obstaclesOf(definition: AnyResource, { step, line }: Told): string {
  if (!isCallers(step)) return "";
  const codes = [
    ...guardsOf(definition as { guards?: readonly never[] }, step as never).map((one) => one.code),
    ...(step.errors ?? []),
  ];
  const { when } = line;
  // A rule without a name of its own is called after its place.
  const rule = when && (when.name === "when" || !when.name ? "more than the status" : when.name);
  const otherwise = otherwiseOf(definition, step as never);
  return [
    ...(otherwise === `${definition.noun}.not_owner` ? [] : [code(otherwise)]),
    ...(rule ? [`${code(`${definition.noun}.invalid_transition`)} (${inWords(rule)})`] : []),
    ...[...new Set(codes)].map(code),
  ].join(", ");
}

const bodyOf = (step: Step): string => {
  const body: z.ZodType | undefined = isCallers(step) ? step.body : undefined;
  const { id } = body?.meta() ?? {};
  return id ? code(id) : body ? "yes" : "";
};

/** Arrows between different statuses: what leaves the status as it is would only circle. */
function diagramOf(definition: AnyResource, told: readonly Told[]): string[] {
  const begins = getTableColumns(definition.table).status?.default;
  const pairs = statusPairs(definition).map((pair) => pair.split(">"));
  const ends = new Set(pairs.map(([, to]) => to));
  for (const [from] of pairs) ends.delete(from);
  const arrows = told.flatMap(({ step, line }) =>
    line.from.flatMap((from) =>
      [line.to]
        .flat()
        .filter((to) => to !== "same" && to !== from)
        .map((to) => `  ${from} --> ${to}: ${step.action} (${standingsOf(line)})`),
    ),
  );
  return [
    "```mermaid",
    "stateDiagram-v2",
    ...(typeof begins === "string" ? [`  [*] --> ${begins}`] : []),
    ...new Set(arrows),
    ...[...ends].sort().map((status) => `  ${status} --> [*]`),
    "```",
  ];
}

function tableOf(definition: AnyResource, told: readonly Told[]): string[] {
  const rows = told.map((one) => [
    code(one.step.action),
    one.name,
    whoOf(one),
    statusesOf(one.line.from),
    statusesOf(one.line.to),
    obstaclesOf(definition, one),
    bodyOf(one.step),
  ]);
  return [
    "| action | name | who | from | to | may stand in the way | body |",
    "|---|---|---|---|---|---|---|",
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
  ];
}

/** What follows from its changes, in the order in which it does. */
function followsOf({ noun }: AnyResource, reactions: readonly Reaction[]): string[] {
  const follows = new Map<string, string[]>();
  for (const { when, name } of reactions.filter((one) => one.noun === noun)) {
    follows.set(when.name, [...(follows.get(when.name) ?? []), code(name)]);
  }
  if (follows.size === 0) return [];
  return [
    "",
    "In the same transaction, elsewhere:",
    "",
    ...[...follows].map(([when, names]) => `- it ${inWords(when)}: ${names.join(", ")}`),
  ];
}

function sectionOf(definition: AnyResource, reactions: readonly Reaction[]): string[] {
  const told = stepsOf(definition).flatMap(([name, step]) =>
    linesOf(step).map((line) => ({ name, step, line })),
  );
  return [
    `## ${titleOf(definition.noun)}`,
    "",
    `${code(`POST ${definition.path.replaceAll(/:(\w+)/g, "{$1}")}/<action>`)}`,
    "",
    ...diagramOf(definition, told),
    "",
    ...tableOf(definition, told),
    ...followsOf(definition, reactions),
    "",
  ];
}

/** The whole page. */
export function lifecyclesPage(
  definitions: readonly AnyResource[],
  reactions: readonly Reaction[],
): string {
  return [
    "# Lifecycles",
    "",
    "Generated from the definitions (`src/modules/*/*.lifecycle.ts`) and from `src/reactions.ts` by `npm run lifecycles`.",
    "`name` is the operationId, or what a step of the program's own is called: the word to grep for. Besides what is named, a step",
    "is refused with `<noun>.not_owner` to others, and with `<noun>.invalid_transition` in another status. *time* is a job, *the",
    "program* another step that it follows from. Who may read, and the file of each operation: [access](../openapi/access.md).",
    "",
    definitions.map(({ noun }) => `[${titleOf(noun)}](${anchorOf(noun)})`).join(" · "),
    "",
    ...definitions.flatMap((one) => sectionOf(one, reactions)),
  ].join("\n");
}
