import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow } from "../../database/rows.ts";
import { type Actor, isOperator, type Origin } from "../../lib/access.ts";
import type { Call, OpenCall } from "../../lib/call.ts";
import { readChangesCursor, toChangesPage } from "../../lib/changes.ts";
import { nowInstant } from "../../lib/clock.ts";
import { isCreditCode, legalTypeOf, looksLikeCreditCode } from "../../lib/credit-code.ts";
import { AppError, type Fault } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { type Page, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import { stored, told } from "../../lifecycle/stored.ts";
import { assertCodes, broughtIn, codesIn } from "../taxonomies/taxonomies.service.ts";
import { type OrganizationFound, organization } from "./organizations.lifecycle.ts";
import {
  type ListOrganizationsQuery,
  type Organization,
  OrganizationByOperatorInput,
  OrganizationDetails,
  OrganizationInput,
} from "./organizations.schema.ts";
import * as store from "./organizations.store.ts";

/** A row as this caller may see it: contact and reasons are for the organization itself and the operator. */
export function toOrganization(found: OrganizationFound, actor: Actor | null): Organization {
  const { row } = found;
  const { contact, statusReason, creditCodeOverrideReason, ...open } = row;
  const actions = actor ? { allowedActions: organization.allowedActions(found, actor) } : {};
  if (!isOperator(actor) && actor?.organizationId !== row.id) return { ...open, ...actions };
  return { ...open, ...actions, contact, statusReason, creditCodeOverrideReason };
}

const organizationsKept = stored(organization, {
  lock: (tx, actor, id) => find(tx, actor, id, store.lockOrganization),
  reply: (_, actor, found) => toOrganization(found, actor),
});

/** One that the caller may see, with what guards need of it. */
async function find<A extends Actor | null>(
  db: Executor,
  actor: A,
  id: string,
  select: (db: Executor, actor: A, id: string) => Promise<OrganizationFound["row"] | undefined>,
): Promise<OrganizationFound | undefined> {
  const row = await select(db, actor, id);
  if (!row) return undefined;
  const openDeals = isOperator(actor) ? await store.selectOpenDeals(db, id) : [];
  return { row, openDeals };
}

/** One that has just been made. */
const fresh = (row: OrganizationFound["row"]): OrganizationFound => ({ row, openDeals: [] });

/**
 * Writes an organization that registers itself; it waits for the operator to verify it.
 * @param input checked but for its taxonomy codes
 * @throws AppError `request.invalid` for an unknown code
 */
export async function registerOrganization(
  tx: Executor,
  call: OpenCall,
  input: OrganizationInput,
): Promise<OrganizationFound> {
  await assertCodes(tx, codesIn(OrganizationInput, input, ["organization"]));
  const row = await insertRow(tx, organizations, {
    ...input,
    id: newId(),
    legalType: legalTypeOf(input.creditCode),
  });
  await organizationsKept.made(tx, call, fresh(row), "register");
  return fresh(row);
}

/**
 * Writes an organization that the operator vouches for: verified at once, of any kind, with a credit
 * code that may fail its check digit when the operator says why.
 * @throws AppError `request.invalid`, `organization.credit_code_taken`, `organization.short_name_taken` (409)
 */
export async function createOrganization(
  tx: Executor,
  call: OpenCall,
  input: OrganizationByOperatorInput,
): Promise<Organization> {
  const faults: Fault[] = [];
  if (!looksLikeCreditCode(input.creditCode))
    faults.push(bodyFault(["creditCode"], "credit_code.shape"));
  else if (!isCreditCode(input.creditCode) && !input.creditCodeOverrideReason) {
    faults.push(bodyFault(["creditCode"], "credit_code.check_digit"));
  }
  await assertCodes(tx, codesIn(OrganizationByOperatorInput, input), faults);
  await store.lockCreditCode(tx, input.creditCode);
  const row = await insertRow(tx, organizations, {
    ...input,
    id: newId(),
    legalType: legalTypeOf(input.creditCode),
    status: "verified",
    verifiedAt: nowInstant(),
  });
  await rejectRivalClaims(tx, call, row);
  await organizationsKept.made(tx, call, fresh(row), "create", input.creditCodeOverrideReason);
  return toOrganization(fresh(row), call.actor);
}

/** Others who wait with the same credit code cannot be verified any more. */
async function rejectRivalClaims(
  tx: Executor,
  origin: Origin,
  { creditCode, id }: OrganizationFound["row"],
): Promise<void> {
  const statusReason =
    "Another organization with this credit code was verified. 该统一社会信用代码已由另一机构通过核验。";
  for (const claim of await store.lockOtherClaims(tx, creditCode, id)) {
    const rejected = { changes: { statusReason }, reason: statusReason };
    await organizationsKept.move(tx, origin, fresh(claim), "rejectRivalClaim", rejected);
  }
}

/** @throws AppError `organization.not_found` (404) for one that the caller may not see */
export async function readOrganization(
  db: Executor,
  actor: Actor | null,
  id: string,
): Promise<Organization> {
  const found = await find(db, actor, id, store.selectOrganization);
  if (!found) throw new AppError("organization.not_found");
  return toOrganization(found, actor);
}

/** Some, as lists show them; those that the caller may not read are left out. */
export async function relatedOrganizations(
  db: Executor,
  actor: Actor | null,
  ids: readonly string[],
) {
  const found = await store.selectOrganizationsOf(db, actor, ids);
  return new Map(found.map((row) => [row.id, row]));
}

/** Verified organizations; for the operator all of them. */
export async function listOrganizations(
  db: Executor,
  actor: Actor | null,
  query: ListOrganizationsQuery,
): Promise<Page<store.OrganizationRow>> {
  const rows = await store.selectOrganizations(
    db,
    actor,
    query,
    readChangesCursor("organizations", query),
  );
  const page = toChangesPage("organizations", query, rows, (row) => row);
  if (query.include) page.total = totalOf(await store.countOrganizations(db, actor, query));
  return page;
}

/**
 * Changes what an organization says of itself, by merge patch. Its name is what the operator
 * verified: from then on only the operator changes it.
 * @throws AppError `organization.not_owner` (403), `organization.name_verified`, `organization.short_name_taken` (409)
 */
export async function updateOrganization(
  tx: Executor,
  call: Call,
  id: string,
  patch: Record<string, unknown>,
): Promise<Organization> {
  const { before } = await organizationsKept.lockAs(tx, call, id, ["owner", "operator"]);
  const { row } = before;
  const current = OrganizationDetails.keyof().options.map((key) => [key, row[key]]);
  const details = parsePatched(OrganizationDetails, Object.fromEntries(current), patch);
  const [codes, kept] = [details, row].map((value) => codesIn(OrganizationDetails, value));
  await assertCodes(tx, broughtIn(codes ?? [], kept ?? []));
  if (details.name !== row.name && row.status === "verified" && !isOperator(call.actor)) {
    throw new AppError("organization.name_verified");
  }
  const after = await organizationsKept.change(tx, call, before, { changes: details });
  return toOrganization(after, call.actor);
}

export const rejectOrganization = organizationsKept.handle("rejectOrganization", told);
export const resubmitOrganization = organizationsKept.handle("resubmitOrganization", told);
export const suspendOrganization = organizationsKept.handle("suspendOrganization", told);
export const reinstateOrganization = organizationsKept.handle("reinstateOrganization", told);
export const closeOrganization = organizationsKept.handle("closeOrganization", told);

export const verifyOrganization = organizationsKept.handle(
  "verifyOrganization",
  async ({ tx, call, before }) => {
    await rejectRivalClaims(tx, call, before.row);
    return { changes: { statusReason: null, verifiedAt: nowInstant() } };
  },
  {
    // Before the row's own lock, so that two claims of one code cannot wait for each other.
    first: async ({ tx, actor, key }) => {
      const seen = await store.selectOrganization(tx, actor, key);
      if (seen) await store.lockCreditCode(tx, seen.creditCode);
      return undefined;
    },
  },
);
