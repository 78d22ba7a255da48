import { registrationOffices } from "../../../db/schema/registrations.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { allowedActions, nextStatus, transitionRefused } from "../../lib/lifecycle.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { assertCodes } from "../taxonomies/taxonomies.service.ts";
import { registrationOfficeLifecycle } from "./registration-offices.lifecycle.ts";
import {
  type ListOfficesQuery,
  OfficeDetails,
  type RegistrationOffice,
  type RegistrationOfficeInput,
} from "./registration-offices.schema.ts";
import * as store from "./registration-offices.store.ts";

function toOffice(row: store.FoundOffice, actor: Actor | null): RegistrationOffice {
  if (!actor) return row;
  const by = isOperator(actor) ? (["operator"] as const) : [];
  return { ...row, allowedActions: allowedActions(registrationOfficeLifecycle, row.status, by) };
}

const codesOf = (regionCodes: readonly string[]) =>
  regionCodes.map((code, i) => ({ path: ["regionCodes", i], taxonomy: "regions", code }));

const record = (
  tx: Executor,
  context: WriteContext,
  verb: string,
  before: store.FoundOffice | null,
  after: store.FoundOffice,
) =>
  recordAudit(tx, context, {
    type: `registration_office.${verb}`,
    subject: after,
    before,
    after,
  });

/**
 * Makes an office of a registry.
 * @throws AppError `request.invalid` for an organisation that is no registry, `registration_office.code_taken`,
 *   `registration_office.region_taken` (409)
 */
export async function createRegistrationOffice(
  tx: Executor,
  context: WriteContext,
  { regionCodes, ...input }: RegistrationOfficeInput,
): Promise<RegistrationOffice> {
  const isRegistry = await store.isRegistry(tx, input.organizationId);
  const faults = isRegistry ? [] : [bodyFault(["organizationId"], "party.unknown")];
  await assertCodes(tx, codesOf(regionCodes), faults);
  const [row] = await tx
    .insert(registrationOffices)
    .values({ ...input, id: newId() })
    .returning();
  if (!row) throw new Error("insert returned no row");
  await store.replaceRegions(tx, row.id, regionCodes);
  const after = { ...row, regionCodes: [...regionCodes].sort() };
  await record(tx, context, "create", null, after);
  return toOffice(after, context.actor);
}

/** @throws AppError `registration_office.not_found` (404) */
export async function readRegistrationOffice(
  db: Executor,
  actor: Actor | null,
  id: string,
): Promise<RegistrationOffice> {
  const row = await store.selectOffice(db, id);
  if (!row) throw new AppError("registration_office.not_found");
  return toOffice(row, actor);
}

/** Every office, with the regions that it is competent for. */
export async function listRegistrationOffices(
  db: Executor,
  actor: Actor | null,
  query: ListOfficesQuery,
): Promise<Page<RegistrationOffice>> {
  const list = "registration-offices";
  const rows = await store.selectOffices(db, query, readCursor(list, query));
  const page = toPage(
    list,
    query,
    rows,
    () => "",
    (row) => toOffice(row, actor),
  );
  if (query.include) page.total = totalOf(await store.countOffices(db, query));
  return page;
}

async function lock(tx: Executor, context: WriteContext, id: string): Promise<store.FoundOffice> {
  const row = await store.lockOffice(tx, id);
  if (!row) throw new AppError("registration_office.not_found");
  assertVersion(row.version, context.expected);
  return row;
}

/**
 * Changes an office's name or regions; cases that were filed stay where they are.
 * @throws AppError `registration_office.region_taken`, `registration_office.invalid_transition` (409) for a
 *   closed one: it would keep regions from others
 */
export async function updateRegistrationOffice(
  tx: Executor,
  context: WriteContext,
  id: string,
  patch: Record<string, unknown>,
): Promise<RegistrationOffice> {
  const before = await lock(tx, context, id);
  if (before.status === "closed") {
    throw transitionRefused(registrationOfficeLifecycle, before.status, "operator");
  }
  const { name, regionCodes } = before;
  const details = parsePatched(OfficeDetails, { name, regionCodes }, patch);
  await assertCodes(tx, codesOf(details.regionCodes));
  const row = await updateRow(tx, registrationOffices, before, { name: details.name });
  await store.replaceRegions(tx, id, details.regionCodes);
  const after = { ...row, regionCodes: [...details.regionCodes].sort() };
  await record(tx, context, "update", before, after);
  return toOffice(after, context.actor);
}

/** Closes an office: it takes no more cases, and its regions are free for another. */
export async function closeRegistrationOffice(
  tx: Executor,
  context: WriteContext,
  id: string,
): Promise<RegistrationOffice> {
  const before = await lock(tx, context, id);
  const status = nextStatus(registrationOfficeLifecycle, before.status, "close", "operator");
  const row = await updateRow(tx, registrationOffices, before, { status });
  await store.replaceRegions(tx, id, []);
  const after = { ...row, regionCodes: [] };
  await record(tx, context, "close", before, after);
  return toOffice(after, context.actor);
}

/** The office that is competent for a region today; undefined when there is none. */
export const findCompetentOffice = store.selectCompetent;
