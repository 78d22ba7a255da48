import type { z } from "zod";
import { members } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { newId } from "../../lib/ids.ts";
import { allowedActions, nextStatus, transitionRefused } from "../../lib/lifecycle.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { recordAudit } from "../audit/audit.service.ts";
import {
  endSignIns,
  issueLink,
  ownerOfLink,
  redeemLink,
  removeLinksOf,
} from "../sessions/sessions.service.ts";
import { memberLifecycle } from "./members.lifecycle.ts";
import {
  type InviteInput,
  type ListMembersQuery,
  type Member,
  MemberDetails,
  MyDetails,
} from "./members.schema.ts";
import * as store from "./members.store.ts";

const personal = ["name"];

const auditOf = (row: store.MemberRow) => ({ id: row.id, organizationId: row.organizationId });

/** A row as the wire shows it; `actor` may take the actions listed. */
export function toMember(row: store.MemberRow, actor: Actor | null): Member {
  const { passwordHash: _, ...shown } = row;
  const administers = actor?.isAdmin === true && actor.organizationId === row.organizationId;
  return {
    ...shown,
    allowedActions: administers ? allowedActions(memberLifecycle, row.status, ["owner"]) : [],
  };
}

/**
 * Writes the first member of a new organisation, an admin with a password.
 * @throws AppError `member.email_taken` (409)
 */
export async function createFirstMember(
  tx: Executor,
  origin: WriteContext,
  organizationId: string,
  person: { name: string; email: string; phone: string | null; passwordHash: string },
): Promise<store.MemberRow> {
  return insertMember(tx, origin, "member.register", {
    ...person,
    organizationId,
    status: "active",
    isAdmin: true,
  });
}

async function insertMember(
  tx: Executor,
  origin: WriteContext,
  type: "member.register" | "member.invite",
  values: Omit<typeof members.$inferInsert, "id">,
): Promise<store.MemberRow> {
  const [row] = await tx
    .insert(members)
    .values({ ...values, id: newId() })
    .returning();
  if (!row) throw new Error("insert returned no row");
  await recordAudit(tx, origin, {
    type,
    subject: auditOf(row),
    before: null,
    after: row,
    personal,
  });
  return row;
}

/**
 * People of an organisation see their colleagues; the operator sees everybody's.
 * @throws AppError `organization.not_owner` (403), `organization.not_found` (404)
 */
export async function listMembers(
  db: Executor,
  actor: Actor,
  organizationId: string,
  query: z.output<typeof ListMembersQuery>,
): Promise<Page<Member>> {
  await assertColleague(db, actor, organizationId);
  const list = `members ${organizationId}`;
  const rows = await store.selectMembers(db, organizationId, query, readCursor(list, query));
  const page = toPage(
    list,
    query,
    rows,
    () => "",
    (row) => toMember(row, actor),
  );
  if (query.include) page.total = totalOf(await store.countMembers(db, organizationId, query));
  return page;
}

async function assertColleague(db: Executor, actor: Actor, organizationId: string): Promise<void> {
  if (actor.organizationId === organizationId) return;
  if (!isOperator(actor)) return refuseForeign(db, actor, organizationId);
  if (!(await store.organizationExists(db, organizationId))) {
    throw new AppError("organization.not_found");
  }
}

/** Another organisation is there for those who may read it: all for the operator, verified ones for the rest. */
async function refuseForeign(db: Executor, actor: Actor, organizationId: string): Promise<never> {
  const status = isOperator(actor) ? undefined : "verified";
  const isVisible = await store.organizationExists(db, organizationId, status);
  throw new AppError(isVisible ? "organization.not_owner" : "organization.not_found");
}

/** @throws AppError `organization.not_owner` (403), `organization.not_found`, `member.not_found` (404) */
export async function readMember(
  db: Executor,
  actor: Actor,
  organizationId: string,
  memberId: string,
): Promise<Member> {
  await assertColleague(db, actor, organizationId);
  const row = await store.selectMember(db, memberId);
  if (row?.organizationId !== organizationId) throw new AppError("member.not_found");
  return toMember(row, actor);
}

/**
 * Takes an invitation back: the account goes, its link with it, and the e-mail is free again.
 * @throws AppError `member.invalid_transition` (409) once the person has accepted
 */
export async function withdrawInvitation(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  organizationId: string,
  memberId: string,
): Promise<undefined> {
  if (actor.organizationId !== organizationId) await refuseForeign(tx, actor, organizationId);
  const before = await lockMember(tx, organizationId, memberId);
  assertVersion(before.version, context.expected);
  if (before.status !== "invited") {
    throw transitionRefused(memberLifecycle, before.status, "owner");
  }
  await removeLinksOf(tx, memberId);
  await store.deleteMember(tx, memberId);
  await recordAudit(tx, context, {
    type: "member.withdraw_invitation",
    subject: auditOf(before),
    before,
    after: null,
    personal,
  });
}

/**
 * Of another organisation's people, the operator cares for the first admin and the last: where nobody
 * else could do it.
 * @param person whom it is about, when there is one already
 */
async function assertAdministers(
  tx: Executor,
  actor: Actor,
  organizationId: string,
  person?: store.MemberRow,
) {
  if (actor.organizationId === organizationId) return;
  const others = await store.countActiveAdmins(tx, organizationId, person?.id);
  if (others > 0 || person?.isAdmin === false) throw new AppError("organization.not_owner");
}

/**
 * Invites a person: an account without a password, and the link that gives it one.
 * @throws AppError `member.email_taken` (409), `organization.not_owner` (403),
 *   `organization.not_found` (404)
 */
export async function inviteMember(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  organizationId: string,
  input: InviteInput,
) {
  await assertColleague(tx, actor, organizationId);
  await store.lockOrganization(tx, organizationId);
  await assertAdministers(tx, actor, organizationId);
  const row = await insertMember(tx, context, "member.invite", { ...input, organizationId });
  const link = await issueLink(tx, row.id, "invitation");
  return { member: toMember(row, actor), ...link };
}

/**
 * A new link for a person: an invitation while there is no password, else a reset. The one before
 * stops working.
 * @throws AppError `member.not_found` (404), `member.invalid_transition` (409) when suspended,
 *   `organization.not_owner` (403), `organization.not_found` (404)
 */
export async function issueMemberLink(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  organizationId: string,
  memberId: string,
) {
  await assertColleague(tx, actor, organizationId);
  await store.lockOrganization(tx, organizationId);
  const row = await lockMember(tx, organizationId, memberId);
  await assertAdministers(tx, actor, organizationId, row);
  if (row.status === "suspended") {
    throw transitionRefused(memberLifecycle, row.status, "owner");
  }
  const purpose = row.passwordHash ? "password_reset" : "invitation";
  const link = await issueLink(tx, row.id, purpose);
  const subject = auditOf(row);
  await recordAudit(tx, context, {
    type: "member.issue_link",
    subject,
    before: null,
    after: null,
    reason: purpose,
  });
  return { member: toMember(row, actor), ...link };
}

async function lockMember(tx: Executor, organizationId: string, memberId: string) {
  const row = await store.lockMember(tx, organizationId, memberId);
  if (!row) throw new AppError("member.not_found");
  return row;
}

/**
 * Changes a member by merge patch.
 * @throws AppError `member.last_admin` (409) when nobody active could administer any more
 */
export async function updateMember(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  organizationId: string,
  memberId: string,
  patch: Record<string, unknown>,
): Promise<Member> {
  if (actor.organizationId !== organizationId) await refuseForeign(tx, actor, organizationId);
  await store.lockOrganization(tx, organizationId);
  const before = await lockMember(tx, organizationId, memberId);
  assertVersion(before.version, context.expected);
  const { name, phone, isAdmin } = before;
  const details = parsePatched(MemberDetails, { name, phone, isAdmin }, patch);
  const after = await updateRow(tx, members, before, details);
  await assertAdminLeft(tx, organizationId);
  await recordAudit(tx, context, {
    type: "member.update",
    subject: auditOf(after),
    before,
    after,
    personal,
  });
  return toMember(after, actor);
}

/** What a person changes of themselves. */
export async function updateMe(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  patch: Record<string, unknown>,
): Promise<Member> {
  const before = await lockMember(tx, actor.organizationId, actor.id);
  assertVersion(before.version, context.expected);
  const details = parsePatched(MyDetails, { name: before.name, phone: before.phone }, patch);
  const after = await updateRow(tx, members, before, details);
  await recordAudit(tx, context, {
    type: "member.update",
    subject: auditOf(after),
    before,
    after,
    personal,
  });
  return toMember(after, actor);
}

async function assertAdminLeft(tx: Executor, organizationId: string): Promise<void> {
  if ((await store.countActiveAdmins(tx, organizationId)) === 0)
    throw new AppError("member.last_admin");
}

/**
 * Suspends a member, which ends every sign-in at once, or lets them back in.
 * @throws AppError `member.last_admin`, `member.invalid_transition` (409)
 */
export async function moveMember(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  organizationId: string,
  memberId: string,
  action: "suspend" | "reinstate",
): Promise<Member> {
  if (actor.organizationId !== organizationId) await refuseForeign(tx, actor, organizationId);
  await store.lockOrganization(tx, organizationId);
  const before = await lockMember(tx, organizationId, memberId);
  assertVersion(before.version, context.expected);
  const status = nextStatus(memberLifecycle, before.status, action, "owner");
  const after = await updateRow(tx, members, before, { status });
  if (action === "suspend") {
    await assertAdminLeft(tx, organizationId);
    await endSignIns(tx, memberId, "suspension");
  }
  await recordAudit(tx, context, {
    type: `member.${action}`,
    subject: auditOf(after),
    before,
    after,
    personal,
  });
  return toMember(after, actor);
}

/**
 * Gives the person of a link a password; an invited one becomes active.
 * @throws AppError `auth.invalid_link` (400)
 */
export async function redeemMemberLink(
  tx: Executor,
  context: WriteContext,
  token: string,
  passwordHash: string,
): Promise<Member> {
  const memberId = await ownerOfLink(tx, token);
  const before = await store.lockPerson(tx, memberId);
  const purpose = await redeemLink(tx, token);
  if (!before || before.status === "suspended") throw new AppError("auth.invalid_link");
  const status =
    before.status === "invited"
      ? nextStatus(memberLifecycle, before.status, "accept", "system")
      : before.status;
  const after = await updateRow(tx, members, before, { status, passwordHash });
  await endSignIns(tx, memberId, "password_change");
  await recordAudit(tx, context, {
    type: "member.redeem_link",
    subject: auditOf(after),
    before,
    after,
    reason: purpose,
    personal,
  });
  return toMember(after, null);
}

/**
 * Stores a new password and ends every other way in.
 * @param checked the person as it was when the present password was checked
 * @throws AppError `auth.invalid_credentials` (401) when that password was replaced meanwhile
 */
export async function storePassword(
  tx: Executor,
  context: WriteContext,
  checked: store.MemberRow,
  passwordHash: string,
): Promise<store.MemberRow> {
  const before = await store.lockPerson(tx, checked.id);
  if (before?.status !== "active" || before.passwordHash !== checked.passwordHash) {
    throw new AppError("auth.invalid_credentials");
  }
  const after = await updateRow(tx, members, before, { passwordHash });
  await endSignIns(tx, before.id, "password_change");
  await recordAudit(tx, context, {
    type: "member.change_password",
    subject: auditOf(after),
    before,
    after,
    personal,
  });
  return after;
}

/**
 * Notes a successful sign-in. It is no change of the account, so the version stays.
 * @param row the person as it was when the password was checked
 * @throws AppError `auth.invalid_credentials` (401) when password or status changed meanwhile
 */
export async function noteSignIn(tx: Executor, context: WriteContext, row: store.MemberRow) {
  const noted = await store.setLastSignIn(tx, row, nowInstant());
  if (!noted) throw new AppError("auth.invalid_credentials");
  await recordAudit(tx, context, {
    type: "member.sign_in",
    subject: auditOf(row),
    before: null,
    after: null,
  });
}

/** The person who signs in with this e-mail. */
export const findMemberByEmail = store.selectMemberByEmail;

/** A person by id. */
export const findMember = store.selectMember;
