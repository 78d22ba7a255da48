import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { nowInstant } from "../../lib/clock.ts";
import { isCreditCode, legalTypeOf, looksLikeCreditCode } from "../../lib/credit-code.ts";
import { AppError, type Fault } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { allowedActions, nextStatus, type Transition } from "../../lib/lifecycle.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { withdrawNeedsOf } from "../needs/needs.service.ts";
import { withdrawResultsOf } from "../results/results.service.ts";
import { assertCodes, broughtIn } from "../taxonomies/taxonomies.service.ts";
import { organizationLifecycle } from "./organizations.lifecycle.ts";
import {
  type ListOrganizationsQuery,
  type Organization,
  type OrganizationByOperatorInput,
  OrganizationDetails,
  type OrganizationInput,
} from "./organizations.schema.ts";
import * as store from "./organizations.store.ts";

type Action = (typeof organizationLifecycle.transitions)[number]["action"];

const auditOf = (row: store.OrganizationRow) => ({ id: row.id, organizationId: row.id });

/** How the caller stands to an organisation: what the lifecycle table calls them. */
function standingOf(
  actor: Actor | null,
  row: store.OrganizationRow,
): Transition<string, string>["by"][] {
  const standing: Transition<string, string>["by"][] = [];
  if (isOperator(actor)) standing.push("operator");
  if (actor?.isAdmin && actor.organizationId === row.id) standing.push("owner");
  return standing;
}

/** A row as this caller may see it: contact and reasons are for the organisation itself and the operator. */
export function toOrganization(row: store.OrganizationRow, actor: Actor | null): Organization {
  const { contact, statusReason, creditCodeOverrideReason, ...open } = row;
  const actions = actor
    ? { allowedActions: allowedActions(organizationLifecycle, row.status, standingOf(actor, row)) }
    : {};
  if (!isOperator(actor) && actor?.organizationId !== row.id) return { ...open, ...actions };
  return { ...open, ...actions, contact, statusReason, creditCodeOverrideReason };
}

/** The taxonomy codes that an organisation's fields hold. */
const codesOf = (
  prefix: string[],
  input: { regionCode: string; industryCode: string | null; scale: string | null },
) => [
  { path: [...prefix, "regionCode"], taxonomy: "regions", code: input.regionCode },
  { path: [...prefix, "industryCode"], taxonomy: "industries", code: input.industryCode },
  { path: [...prefix, "scale"], taxonomy: "enterprise-scales", code: input.scale },
];

/**
 * Writes an organisation that registers itself; it waits for the operator to verify it.
 * @param input checked but for its taxonomy codes
 * @throws AppError `request.invalid` for an unknown code
 */
export async function registerOrganization(
  tx: Executor,
  context: WriteContext,
  input: OrganizationInput,
): Promise<store.OrganizationRow> {
  await assertCodes(tx, codesOf(["organization"], input));
  const [row] = await tx
    .insert(organizations)
    .values({ ...input, id: newId(), legalType: legalTypeOf(input.creditCode) })
    .returning();
  if (!row) throw new Error("insert returned no row");
  await recordAudit(tx, context, {
    type: "organization.register",
    subject: auditOf(row),
    before: null,
    after: row,
  });
  return row;
}

/**
 * Writes an organisation that the operator vouches for: verified at once, of any kind, with a credit
 * code that may fail its check digit when the operator says why.
 * @throws AppError `request.invalid`, `organization.credit_code_taken` (409)
 */
export async function createOrganization(
  tx: Executor,
  context: WriteContext,
  input: OrganizationByOperatorInput,
): Promise<Organization> {
  const faults: Fault[] = [];
  if (!looksLikeCreditCode(input.creditCode))
    faults.push(bodyFault(["creditCode"], "credit_code.shape"));
  else if (!isCreditCode(input.creditCode) && !input.creditCodeOverrideReason) {
    faults.push(bodyFault(["creditCode"], "credit_code.check_digit"));
  }
  await assertCodes(tx, codesOf([], input), faults);
  await store.lockCreditCode(tx, input.creditCode);
  const [row] = await tx
    .insert(organizations)
    .values({
      ...input,
      id: newId(),
      legalType: legalTypeOf(input.creditCode),
      status: "verified",
      verifiedAt: nowInstant(),
    })
    .returning();
  if (!row) throw new Error("insert returned no row");
  await rejectOtherClaims(tx, context, row);
  await recordAudit(tx, context, {
    type: "organization.create",
    subject: auditOf(row),
    before: null,
    after: row,
    reason: input.creditCodeOverrideReason,
  });
  return toOrganization(row, context.actor);
}

/** Whoever else waits with the same credit code cannot be verified any more. */
async function rejectOtherClaims(
  tx: Executor,
  context: WriteContext,
  verified: store.OrganizationRow,
) {
  for (const claim of await store.lockOtherClaims(tx, verified.creditCode, verified.id)) {
    const status = nextStatus(organizationLifecycle, claim.status, "reject", "system");
    const statusReason =
      "Another organization with this credit code was verified. 该统一社会信用代码已由另一机构通过核验。";
    const after = await updateRow(tx, organizations, claim, { status, statusReason });
    await recordAudit(tx, context, {
      type: "organization.reject",
      subject: auditOf(claim),
      before: claim,
      after,
      reason: statusReason,
    });
  }
}

/** @throws AppError `organization.not_found` (404) for one that the caller may not see */
export async function readOrganization(
  db: Executor,
  actor: Actor | null,
  id: string,
): Promise<Organization> {
  const row = await store.selectOrganization(db, actor, id);
  if (!row) throw new AppError("organization.not_found");
  return toOrganization(row, actor);
}

/** Verified organisations; for the operator all of them. */
export async function listOrganizations(
  db: Executor,
  actor: Actor | null,
  query: ListOrganizationsQuery,
): Promise<Page<store.OrganizationRow>> {
  const rows = await store.selectOrganizations(
    db,
    actor,
    query,
    readCursor("organizations", query),
  );
  const page = toPage(
    "organizations",
    query,
    rows,
    () => "",
    (row) => row,
  );
  if (query.include) page.total = totalOf(await store.countOrganizations(db, actor, query));
  return page;
}

async function lock(
  tx: Executor,
  context: WriteContext,
  id: string,
): Promise<store.OrganizationRow> {
  const { actor } = context;
  const row = actor && (await store.lockOrganization(tx, actor, id));
  if (!row) throw new AppError("organization.not_found");
  const mayChange = isOperator(actor) || actor.organizationId === row.id;
  if (!mayChange) throw new AppError("organization.not_owner");
  assertVersion(row.version, context.expected);
  return row;
}

/**
 * Changes what an organisation says of itself, by merge patch. Its name is what the operator
 * verified: from then on only the operator changes it.
 * @throws AppError `organization.name_verified` (409)
 */
export async function updateOrganization(
  tx: Executor,
  context: WriteContext,
  id: string,
  patch: Record<string, unknown>,
): Promise<Organization> {
  const before = await lock(tx, context, id);
  const current = OrganizationDetails.keyof().options.map((key) => [key, before[key]]);
  const details = parsePatched(OrganizationDetails, Object.fromEntries(current), patch);
  await assertCodes(tx, broughtIn(codesOf([], details), codesOf([], before)));
  if (details.name !== before.name && before.status === "verified" && !isOperator(context.actor)) {
    throw new AppError("organization.name_verified");
  }
  const after = await updateRow(tx, organizations, before, details);
  await recordAudit(tx, context, {
    type: "organization.update",
    subject: auditOf(after),
    before,
    after,
  });
  return toOrganization(after, context.actor);
}

/**
 * One step of the organisation's lifecycle.
 * @param reason what the other side is told; kept with the status
 * @throws AppError `organization.invalid_transition`, `organization.credit_code_taken` (409),
 *   `organization.has_open_deals` (409, close only), `organization.not_owner` (403)
 */
export async function moveOrganization(
  tx: Executor,
  context: WriteContext,
  id: string,
  action: Action,
  reason: string | null,
): Promise<Organization> {
  const by = action === "resubmit" ? "owner" : "operator";
  if (action === "verify") {
    // Before the row's own lock, so that two claims of one code cannot wait for each other.
    const { creditCode } = await readOrganization(tx, context.actor, id);
    await store.lockCreditCode(tx, creditCode);
  }
  const before = await lock(tx, context, id);
  if (by === "owner" && context.actor?.organizationId !== id) {
    throw new AppError("organization.not_owner");
  }
  const stops = action === "suspend" || action === "close";
  if (stops && before.id === context.actor?.organizationId) throw new AppError("organization.own");
  const status = nextStatus(organizationLifecycle, before.status, action, by);
  if (action === "close" && (await store.hasOpenDeals(tx, id))) {
    throw new AppError("organization.has_open_deals");
  }
  const verifiedAt = action === "verify" ? nowInstant() : before.verifiedAt;
  const after = await updateRow(tx, organizations, before, {
    status,
    statusReason: reason,
    verifiedAt,
  });
  if (action === "verify") await rejectOtherClaims(tx, context, after);
  if (action === "close") {
    await withdrawResultsOf(tx, context, id);
    await withdrawNeedsOf(tx, context, id);
  }
  await recordAudit(tx, context, {
    type: `organization.${action}`,
    subject: auditOf(after),
    before,
    after,
    reason,
  });
  return toOrganization(after, context.actor);
}
