import type { z } from "zod";
import { members } from "../../../db/schema/members.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow } from "../../database/rows.ts";
import { type Actor, isOperator, type Origin } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { instantIn, nowInstant } from "../../lib/clock.ts";
import { AppError, assertAll } from "../../lib/errors.ts";
import { idFromHash, newId, sha256 } from "../../lib/ids.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import { stored } from "../../lifecycle/stored.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { mailLink } from "../mail/mail.service.ts";
import { removeFactorsOf } from "../second-factors/second-factors.service.ts";
import {
  endSignIns,
  issueLink,
  ownerOfLink,
  redeemLink,
  removeLinksOf,
  unlockAccount,
} from "../sessions/sessions.service.ts";
import {
  administeredByOthers,
  isLastAdmin,
  type MemberFound,
  member,
} from "./members.lifecycle.ts";
import {
  type InviteInput,
  type ListMembersQuery,
  type Member,
  MemberDetails,
  type MemberKey,
  MyDetails,
} from "./members.schema.ts";
import * as store from "./members.store.ts";

export type { MemberRow } from "./members.store.ts";

/** A person as the wire shows it; `actor` may take the actions listed. */
export function toMember(found: MemberFound, actor: Actor | null): Member {
  const {
    passwordHash: _,
    resetAt,
    resetBy,
    resetByOrganizationId,
    barredUntil,
    ...shown
  } = found.row;
  const passwordReset =
    resetAt === null
      ? null
      : {
          at: resetAt,
          by: resetBy,
          byOrganizationId: resetByOrganizationId,
          barredUntil,
        };
  const allowedActions = actor ? member.allowedActions(found, actor) : [];
  return { ...shown, passwordReset, allowedActions };
}

const accounts = stored(member, {
  lock: async (tx, actor, { id, memberId }: MemberKey) => {
    await assertColleague(tx, actor, id);
    await store.lockOrganization(tx, id);
    return store.lockMember(tx, id, memberId);
  },
  reply: (_, actor, found) => toMember(found, actor),
});

/**
 * Writes the first member of a new organization, an admin with a password.
 * @throws AppError `member.email_taken` (409)
 */
export async function createFirstMember(
  tx: Executor,
  origin: Origin,
  organizationId: string,
  person: { name: string; email: string; phone: string | null; passwordHash: string },
): Promise<MemberFound> {
  const first = { ...person, organizationId, status: "active", isAdmin: true } as const;
  const found = {
    row: await insertRow(tx, members, { ...first, id: newId() }),
    othersAdminister: false,
  };
  await accounts.made(tx, origin, found, "register");
  return found;
}

/**
 * People of an organization see their colleagues; the operator sees everybody's.
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
  const found = await store.selectMembers(db, organizationId, query, readCursor(list, query));
  const page = toPage(
    list,
    query,
    found.map((one) => ({ ...one, id: one.row.id })),
    () => "",
    (one) => toMember(one, actor),
  );
  if (query.include) page.total = totalOf(await store.countMembers(db, organizationId, query));
  return page;
}

/**
 * People of an organization and the operator may know who is in it. Another organization is there for
 * those who may read it: all for the operator, verified ones for the rest.
 */
async function assertColleague(db: Executor, actor: Actor, organizationId: string): Promise<void> {
  if (actor.organizationId === organizationId) return;
  const status = isOperator(actor) ? undefined : "verified";
  if (!(await store.organizationExists(db, organizationId, status))) {
    throw new AppError("organization.not_found");
  }
  if (!isOperator(actor)) throw new AppError("organization.not_owner");
}

/** @throws AppError `organization.not_owner` (403), `organization.not_found`, `member.not_found` (404) */
export async function readMember(
  db: Executor,
  actor: Actor,
  { id, memberId }: MemberKey,
): Promise<Member> {
  await assertColleague(db, actor, id);
  const found = await store.selectMember(db, memberId);
  if (found?.row.organizationId !== id) throw new AppError("member.not_found");
  return toMember(found, actor);
}

/**
 * Ends what a person has to wait for after wrong passwords.
 * @throws AppError `member.not_found` (404)
 */
export async function unlockMember(
  tx: Executor,
  call: Call,
  { id, memberId }: MemberKey,
): Promise<undefined> {
  const found = await store.selectMember(tx, memberId);
  if (found?.row.organizationId !== id) throw new AppError("member.not_found");
  await unlockAccount(tx, found.row.email);
  await recordAudit(tx, call, {
    type: "member.unlock",
    subject: { id: memberId, organizationId: id },
    before: null,
    after: null,
  });
}

/**
 * Takes an invitation back: the account goes, its link with it, and the e-mail is free again.
 * @throws AppError `member.invalid_transition` (409) once the person has accepted
 */
export async function withdrawInvitation(
  tx: Executor,
  call: Call,
  key: MemberKey,
): Promise<undefined> {
  const { before } = await accounts.lockAs(tx, call, key, ["owner"]);
  if (before.row.status !== "invited") throw member.refused(before, call.actor);
  await removeLinksOf(tx, key.memberId);
  await store.deleteMember(tx, key.memberId);
  await accounts.removed(tx, call, before, "withdraw-invitation");
}

/**
 * Invites a person: an account without a password, and the link that gives it one. The operator invites
 * the first admin of an organization that has none. An e-mail that only an unverified organization has
 * taken is free for a verified one.
 * @throws AppError `member.email_taken` (409), `organization.not_owner` (403),
 *   `organization.not_found` (404)
 */
export async function inviteMember(
  tx: Executor,
  call: Call,
  organizationId: string,
  input: InviteInput,
  isMailOn: boolean,
) {
  const { actor } = call;
  await assertColleague(tx, actor, organizationId);
  await store.lockOrganization(tx, organizationId);
  const isOwn = actor.organizationId === organizationId;
  if (!isOwn && (await store.hasActiveAdmin(tx, organizationId))) {
    throw new AppError("organization.not_owner", { detail: administeredByOthers });
  }
  if (actor.organizationStatus === "verified") await freeUnverified(tx, call, input.email);
  const { id, ...link } = await makeInvitation(tx, call, organizationId, input);
  const invited = await store.selectMember(tx, id);
  if (!invited) throw new Error("who was just invited is there");
  const mailed = isMailOn && mayMail(call);
  if (mailed) await mailLink(tx, invited.row, "invitation", link.token);
  return { member: toMember(invited, actor), ...link, mailed };
}

/**
 * Anybody registers with anybody's e-mail, which nobody checks: as long as that organization is not
 * verified, a verified one that invites the person goes before it. The account that had it stays, suspended
 * and without an address; the operator sees whose it was.
 */
async function freeUnverified(tx: Executor, call: Call, email: string): Promise<void> {
  const held = await store.lockUnverified(tx, email);
  if (!held) return;
  await endSignIns(tx, held.row.id, "suspension");
  // A name that no mail goes to (RFC 2606 2), and no other row has.
  const changes = { email: `${held.row.id}@released.invalid` };
  await accounts.move(tx, call, held, "releaseEmail", { changes, reason: "invitation" });
}

/** Makes the account and its link, without asking who may. */
export async function makeInvitation(
  tx: Executor,
  origin: Origin,
  organizationId: string,
  input: InviteInput,
): Promise<{ id: string; token: string; expiresAt: string }> {
  const row = await insertRow(tx, members, { ...input, organizationId, id: newId() });
  await accounts.made(tx, origin, { row, othersAdminister: false }, "invite");
  return { id: row.id, ...(await issueLink(tx, origin, row.id, "invitation")) };
}

/**
 * A new link for a person: an invitation while there is no password, else a reset. The one before
 * stops working.
 * @throws AppError `member.not_found` (404), `member.invalid_transition` (409) when suspended,
 *   `organization.not_owner` (403), `organization.not_found` (404)
 */
export async function issueMemberLink(tx: Executor, call: Call, key: MemberKey, isMailOn: boolean) {
  // It changes nothing that has a version.
  const unconditional = { ...call, expected: null };
  const { before, checks } = await accounts.begin(tx, unconditional, key, "issueMemberLink");
  assertAll(checks);
  const link = await makeLink(tx, call, before.row);
  const mailed = isMailOn && mayMail(call);
  const kind = before.row.passwordHash ? "password_reset" : "invitation";
  if (mailed) await mailLink(tx, before.row, kind, link.token);
  return { member: toMember(before, call.actor), ...link, mailed };
}

/** Nobody has people of the own choice written to before the operator has looked at who asks for it. */
const mayMail = ({ actor }: Call): boolean => actor.organizationStatus === "verified";

/** Makes the link, without asking who may. */
export async function makeLink(
  tx: Executor,
  origin: Origin,
  { id, organizationId, passwordHash }: store.MemberRow,
): Promise<{ token: string; expiresAt: string }> {
  const purpose = passwordHash ? "password_reset" : "invitation";
  const link = await issueLink(tx, origin, id, purpose);
  await recordAudit(tx, origin, {
    type: "member.issue_link",
    subject: { id, organizationId },
    before: null,
    after: null,
    reason: purpose,
  });
  return link;
}

/**
 * Changes a member by merge patch.
 * @throws AppError `member.last_admin` (409) when nobody active could administer any more
 */
export async function updateMember(
  tx: Executor,
  call: Call,
  key: MemberKey,
  patch: Record<string, unknown>,
): Promise<Member> {
  const { before } = await accounts.lockAs(tx, call, key, ["owner"]);
  const { name, phone, isAdmin } = before.row;
  const changes = parsePatched(MemberDetails, { name, phone, isAdmin }, patch);
  if (!changes.isAdmin && isLastAdmin(before)) throw new AppError("member.last_admin");
  return toMember(await accounts.change(tx, call, before, { changes }), call.actor);
}

/** What a person changes of themselves. */
export async function updateMe(
  tx: Executor,
  call: Call,
  patch: Record<string, unknown>,
): Promise<Member> {
  const { organizationId, id } = call.actor;
  const key = { id: organizationId, memberId: id };
  const { before } = await accounts.lockAs(tx, call, key, ["owner"]);
  const { name, phone } = before.row;
  const changes = parsePatched(MyDetails, { name, phone }, patch);
  return toMember(await accounts.change(tx, call, before, { changes }), call.actor);
}

/** Suspends a member, which ends every sign-in at once. */
export const suspendMember = accounts.handle("suspendMember", async ({ tx, before }) => {
  await endSignIns(tx, before.row.id, "suspension");
  return {};
});

export const reinstateMember = accounts.handle("reinstateMember");

/**
 * Gives the person of a link a password; an invited one becomes active. After a reset the person and the
 * colleagues are told who made the link (`passwordReset`), and the account is barred for a while.
 * @param proved what shows that it is the same person, who is not barred then
 * @throws AppError `auth.invalid_link` (400)
 */
export async function redeemMemberLink(
  tx: Executor,
  origin: Origin,
  token: string,
  passwordHash: string,
  proved: { knewPassword: boolean; factorSince: string | null; resetBarHours: number },
): Promise<Member> {
  const memberId = await ownerOfLink(tx, token);
  const before = await store.lockPerson(tx, memberId);
  const { purpose: reason, issuedBy, issuedByOrganizationId } = await redeemLink(tx, token);
  if (!before || before.row.status === "suspended") throw new AppError("auth.invalid_link");
  await endSignIns(tx, memberId, "password_change");
  const isReset = reason === "password_reset";
  const by = { resetBy: issuedBy, resetByOrganizationId: issuedByOrganizationId };
  const reset = isReset && { ...by, ...barOf(before.row, proved) };
  const redeemed = { changes: { passwordHash, ...reset }, reason };
  return toMember(await accounts.move(tx, origin, before, "redeemLink", redeemed), null);
}

/**
 * How long an account is barred after a reset. While it is, only what was there before the first reset proves
 * anything: the password is that of whoever has reset it, and so may be a second factor.
 */
function barOf(
  { barredUntil, resetAt }: store.MemberRow,
  proved: { knewPassword: boolean; factorSince: string | null; resetBarHours: number },
) {
  const now = nowInstant();
  const since = barredUntil !== null && barredUntil > now ? resetAt : null;
  const { knewPassword, factorSince, resetBarHours } = proved;
  const isSame =
    (knewPassword && since === null) ||
    (factorSince !== null && (since === null || factorSince < since));
  const isBarred = !isSame && resetBarHours > 0;
  return {
    resetAt: since ?? now,
    barredUntil: isBarred ? instantIn(resetBarHours * 3_600) : null,
  };
}

/**
 * Stores a new password and ends every other way in.
 * @param checked the person as it was when the present password was checked
 * @throws AppError `auth.invalid_credentials` (401) when that password was replaced meanwhile
 */
export async function storePassword(
  tx: Executor,
  origin: Origin,
  checked: store.MemberRow,
  passwordHash: string,
): Promise<void> {
  const before = await store.lockPerson(tx, checked.id);
  const isSame = before?.row.passwordHash === checked.passwordHash;
  if (before?.row.status !== "active" || !isSame) throw new AppError("auth.invalid_credentials");
  await endSignIns(tx, checked.id, "password_change");
  await accounts.change(tx, origin, before, { changes: { passwordHash } }, "change-password");
}

/**
 * Notes a successful sign-in. It is no change of the account, so the version stays.
 * @param row the person as it was when the password was checked
 * @param proved since when the second factor is set up that was proved; null for none
 * @throws AppError `auth.invalid_credentials` (401) when password or status changed meanwhile
 */
export async function noteSignIn(
  tx: Executor,
  origin: Origin,
  row: store.MemberRow,
  proved: string | null,
) {
  // What the person had before somebody else's reset proves that it is the same person.
  const isSame = proved !== null && row.resetAt !== null && proved < row.resetAt;
  const noted = await store.setLastSignIn(tx, row, nowInstant(), isSame);
  if (!noted) throw new AppError("auth.invalid_credentials");
  const { id, organizationId } = row;
  await recordAudit(tx, origin, {
    type: "member.sign_in",
    subject: { id, organizationId },
    before: null,
    after: null,
  });
}

/**
 * Writes down that a sign-in failed. An account that nobody has stands under an id made of the hash of
 * its name: attempts at the same one are found together, and no name is written down.
 */
export async function noteFailedSignIn(
  db: Executor,
  origin: Origin,
  { email, member }: { email: string; member: store.MemberRow | undefined },
  reason:
    | "unknown_account"
    | "wrong_password"
    | "not_active"
    | "second_factor"
    | "attempts_used_up",
): Promise<void> {
  await recordAudit(db, origin, {
    type: "member.sign_in_failed",
    subject: {
      id: member?.id ?? idFromHash(sha256(email)),
      organizationId: member?.organizationId ?? null,
    },
    before: null,
    after: null,
    reason,
  });
}

/**
 * Takes all second factors from a person who has lost them, and ends every sign-in. As after a reset the
 * account is barred for a while: whoever has its password now needs no more than that.
 * @throws AppError `member.not_found`, `organization.not_found`, `second_factor.not_found` (404),
 *   `organization.not_owner` (403), `second_factor.own` (409)
 */
export async function removeMemberFactors(
  tx: Executor,
  call: Call,
  key: MemberKey,
  resetBarHours: number,
): Promise<undefined> {
  const { before } = await accounts.lockAs(tx, { ...call, expected: null }, key, [
    "owner",
    "operator",
  ]);
  // One's own are removed with the password in hand.
  if (key.memberId === call.actor.id) throw new AppError("second_factor.own");
  if (!(await removeFactorsOf(tx, key.memberId))) throw new AppError("second_factor.not_found");
  await endSignIns(tx, key.memberId, "factors_removed");
  const { id: resetBy, organizationId: resetByOrganizationId } = call.actor;
  const bar = barOf(before.row, { knewPassword: false, factorSince: null, resetBarHours });
  const reset = { resetBy, resetByOrganizationId, ...bar };
  await accounts.change(tx, call, before, { changes: reset }, "remove-second-factors");
}

/** The person who signs in with this e-mail. */
export const findMemberByEmail = store.selectMemberByEmail;

/** A person by id. */
export const findMember = store.selectMember;
