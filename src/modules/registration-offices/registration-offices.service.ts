import { registrationOffices } from "../../../db/schema/registration-offices.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow } from "../../database/rows.ts";
import type { Actor } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { AppError } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import { stored } from "../../lifecycle/stored.ts";
import { assertCodes, broughtIn, codesIn } from "../taxonomies/taxonomies.service.ts";
import { type OfficeFound, registrationOffice } from "./registration-offices.lifecycle.ts";
import {
  type ListOfficesQuery,
  OfficeDetails,
  type RegistrationOffice,
  RegistrationOfficeInput,
} from "./registration-offices.schema.ts";
import * as store from "./registration-offices.store.ts";

function toOffice(found: OfficeFound, actor: Actor | null): RegistrationOffice {
  const shown = { ...found.row, regionCodes: found.regionCodes };
  return actor
    ? { ...shown, allowedActions: registrationOffice.allowedActions(found, actor) }
    : shown;
}

const offices = stored(registrationOffice, {
  lock: (tx, _, id) => store.lockOffice(tx, id),
  reply: (_, actor, found) => toOffice(found, actor),
});

/**
 * That no other office has one of these regions. A race is left to the constraint.
 * @throws AppError `registration_office.region_taken` (409), which names them
 */
async function assertFree(tx: Executor, id: string | null, codes: readonly string[]) {
  const taken = await store.selectTaken(tx, id, codes);
  if (taken.length === 0) return;
  const detail = {
    en: `These belong to other offices: ${taken.join(", ")}.`,
    zh: `已归属其他登记机构的地区：${taken.join("、")}。`,
  };
  throw new AppError("registration_office.region_taken", { detail });
}

/**
 * Makes an office of a registry.
 * @throws AppError `request.invalid` for an organization that is no registry, `registration_office.code_taken`,
 *   `registration_office.region_taken` (409)
 */
export async function createRegistrationOffice(
  tx: Executor,
  call: Call,
  input: RegistrationOfficeInput,
): Promise<RegistrationOffice> {
  const { regionCodes, ...details } = input;
  const isRegistry = await store.isRegistry(tx, input.organizationId);
  const faults = isRegistry ? [] : [bodyFault(["organizationId"], "party.unknown")];
  await assertCodes(tx, codesIn(RegistrationOfficeInput, input), faults);
  await assertFree(tx, null, regionCodes);
  const row = await insertRow(tx, registrationOffices, { ...details, id: newId() });
  await store.replaceRegions(tx, row.id, regionCodes);
  const after = { row, regionCodes: [...regionCodes].sort() };
  await offices.made(tx, call, after);
  return toOffice(after, call.actor);
}

/** @throws AppError `registration_office.not_found` (404) */
export async function readRegistrationOffice(
  db: Executor,
  actor: Actor | null,
  id: string,
): Promise<RegistrationOffice> {
  const found = await store.selectOffice(db, id);
  if (!found) throw new AppError("registration_office.not_found");
  return toOffice(found, actor);
}

/** Every office, with the regions that it is competent for. */
export async function listRegistrationOffices(
  db: Executor,
  actor: Actor | null,
  query: ListOfficesQuery,
): Promise<Page<RegistrationOffice>> {
  const list = "registration-offices";
  const found = await store.selectOffices(db, query, readCursor(list, query));
  const page = toPage(
    list,
    query,
    found.map((one) => ({ ...one, id: one.row.id })),
    () => "",
    (one) => toOffice(one, actor),
  );
  if (query.include) page.total = totalOf(await store.countOffices(db, query));
  return page;
}

/**
 * Changes an office's name or regions; cases that were filed stay where they are.
 * @throws AppError `registration_office.region_taken`, `registration_office.invalid_transition` (409) for a
 *   closed one: it would keep regions from others
 */
export async function updateRegistrationOffice(
  tx: Executor,
  call: Call,
  id: string,
  patch: Record<string, unknown>,
): Promise<RegistrationOffice> {
  const { before } = await offices.lockAs(tx, call, id, ["operator"]);
  const current = { name: before.row.name, regionCodes: before.regionCodes };
  const { name, regionCodes } = parsePatched(OfficeDetails, current, patch);
  const [codes, kept] = [{ name, regionCodes }, current].map((one) => codesIn(OfficeDetails, one));
  await assertCodes(tx, broughtIn(codes ?? [], kept ?? []));
  if (before.row.status === "closed") throw registrationOffice.refused(before, call.actor);
  await assertFree(tx, id, regionCodes);
  await store.replaceRegions(tx, id, regionCodes);
  const facts = { regionCodes: [...regionCodes].sort() };
  const after = await offices.change(tx, call, before, { changes: { name }, facts });
  return toOffice(after, call.actor);
}

/** Closes an office: it takes no more cases, and its regions are free for another. */
export const closeRegistrationOffice = offices.handle(
  "closeRegistrationOffice",
  async ({ tx, before }) => {
    await store.replaceRegions(tx, before.row.id, []);
    return { facts: { regionCodes: [] } };
  },
);

/** The office that is competent for a region today; undefined when there is none. */
export const findCompetentOffice = store.selectCompetent;
