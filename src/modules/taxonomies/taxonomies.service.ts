import { createHash } from "node:crypto";
import { taxonomyItems } from "../../../db/schema/taxonomies.ts";
import { taxonomies } from "../../../db/taxonomies/index.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow } from "../../database/rows.ts";
import type { Call } from "../../lib/call.ts";
import { AppError, type Fault } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { bodyFault } from "../../lib/faults.ts";
import { parsePatched } from "../../lib/patched.ts";
import { recordAudit } from "../audit/audit.service.ts";
import type { CodeAt } from "./taxonomies.codes.ts";
import { TaxonomyItemDetails, type TaxonomyItemInput } from "./taxonomies.schema.ts";
import * as store from "./taxonomies.store.ts";

export { type CodeAt, codesIn } from "./taxonomies.codes.ts";

const byName = new Map(taxonomies.map((taxonomy) => [taxonomy.name, taxonomy]));
const builtIn = new Map(
  taxonomies.map((taxonomy) => [taxonomy.name, new Set(taxonomy.items.map((item) => item.code))]),
);

/** GB/T 4754-2017: the divisions of each section, from the first to the last. */
const divisions: Readonly<Record<string, readonly [number, number]>> = {
  ...{ A: [1, 5], B: [6, 12], C: [13, 43], D: [44, 46], E: [47, 50], F: [51, 52], G: [53, 60] },
  ...{ H: [61, 62], I: [63, 65], J: [66, 69], K: [70, 70], L: [71, 72], M: [73, 75], N: [76, 79] },
  ...{ O: [80, 82], P: [83, 83], Q: [84, 85], R: [86, 90], S: [91, 96], T: [97, 97] },
};

/** The standard goes deeper than the list: groups and classes of three and four digits below a division. */
function isIndustry(code: string): boolean {
  const [, section = "", division] = /^([A-T])(\d{2})\d{0,2}$/.exec(code) ?? [];
  const [first, last] = divisions[section] ?? [0, -1];
  return Number(division) >= first && Number(division) <= last;
}

/**
 * The codes that a change brings in. What a row holds already it may keep, though the item was
 * retired meanwhile.
 */
export const broughtIn = (codes: readonly CodeAt[], before: readonly CodeAt[]): CodeAt[] =>
  codes.filter(
    ({ taxonomy, code }) => !before.some((b) => b.taxonomy === taxonomy && b.code === code),
  );

/**
 * Checks the codes of an input against their taxonomies. Built-in codes cost no query.
 * @param faults what is wrong with the input already; thrown together with what is found here
 * @throws AppError `request.invalid` with a pointer to each fault
 */
export async function assertCodes(
  db: Executor,
  codes: readonly CodeAt[],
  faults: readonly Fault[] = [],
): Promise<void> {
  const open = codes.flatMap(({ path, taxonomy, code }) => {
    if (code === null || builtIn.get(taxonomy)?.has(code)) return [];
    if (taxonomy === "industries" && isIndustry(code)) return [];
    return [{ path, taxonomy, code }];
  });
  const all = [...faults];
  if (open.length > 0) {
    const found = await store.selectActive(db, open);
    const known = new Set(found.map(({ taxonomy, code }) => `${taxonomy} ${code}`));
    for (const { path, taxonomy, code } of open) {
      if (!known.has(`${taxonomy} ${code}`)) all.push(bodyFault(path, "taxonomy.unknown_code"));
    }
  }
  if (all.length > 0) throw new AppError("request.invalid", { faults: all });
}

const toSummary = ({ name, zh, en, source, certainty }: (typeof taxonomies)[number]) => ({
  name,
  zh,
  en,
  source,
  certainty,
});

/** Every taxonomy, without its items. */
export const listTaxonomies = () => ({ data: taxonomies.map(toSummary) });

function taxonomyNamed(name: string) {
  const taxonomy = byName.get(name);
  if (!taxonomy) throw new AppError("taxonomy.not_found");
  return taxonomy;
}

/** @throws AppError `taxonomy.not_found` (404) */
export async function readTaxonomy(db: Executor, name: string) {
  const taxonomy = taxonomyNamed(name);
  return { ...toSummary(taxonomy), items: await store.selectItems(db, name) };
}

/** Items have no id of their own; audit records want one: a UUID made of taxonomy and code (RFC 9562 version 8). */
function subjectOf(row: store.TaxonomyItemRow) {
  const hex = createHash("sha256").update(`${row.taxonomy} ${row.code}`).digest("hex");
  const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return { id, organizationId: null };
}

/**
 * Adds an item that a list lacks.
 * @throws AppError `taxonomy.not_found` (404), `taxonomy.closed`, `taxonomy_item.code_taken` (409), `request.invalid`
 *   for a parent that does not exist
 */
export async function createTaxonomyItem(
  tx: Executor,
  call: Call,
  name: string,
  input: TaxonomyItemInput,
): Promise<store.TaxonomyItemRow> {
  if (taxonomyNamed(name).closed) throw new AppError("taxonomy.closed");
  await assertCodes(tx, [{ path: ["parentCode"], taxonomy: name, code: input.parentCode }]);
  if (builtIn.get(name)?.has(input.code)) throw new AppError("taxonomy_item.code_taken");
  // Behind the built-in ones, among each other by code.
  const position = 10_000;
  const row = await insertRow(tx, taxonomyItems, {
    ...input,
    taxonomy: name,
    position,
    origin: "operator",
  });
  await recordAudit(tx, call, {
    type: "taxonomy_item.create",
    subject: subjectOf(row),
    before: null,
    after: row,
  });
  return row;
}

/**
 * Changes labels of an item that the operator added, or retires it. Built-in items come with the program.
 * @throws AppError `taxonomy.not_found`, `taxonomy_item.not_found` (404), `taxonomy_item.built_in` (409)
 */
export async function updateTaxonomyItem(
  tx: Executor,
  call: Call,
  name: string,
  code: string,
  patch: Record<string, unknown>,
): Promise<store.TaxonomyItemRow> {
  taxonomyNamed(name);
  const before = await store.lockItem(tx, name, code);
  if (!before) throw new AppError("taxonomy_item.not_found");
  assertVersion({ version: before.version, id: before.code }, call.expected);
  if (before.origin === "built_in") throw new AppError("taxonomy_item.built_in");
  const { zh, en, active } = before;
  const details = parsePatched(TaxonomyItemDetails, { zh, en, active }, patch);
  const after = await store.updateItem(tx, before, details);
  if (!after) throw new AppError("request.precondition_failed");
  await recordAudit(tx, call, {
    type: "taxonomy_item.update",
    subject: subjectOf(after),
    before,
    after,
  });
  return after;
}
