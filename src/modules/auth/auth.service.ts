import type { Executor } from "../../database/connect.ts";
import type { Actor, Origin } from "../../lib/access.ts";
import type { Call, OpenCall } from "../../lib/call.ts";
import { AppError } from "../../lib/errors.ts";
import { verifyPassword, waitLikeHash } from "../../lib/passwords.ts";
import type { Member } from "../members/members.schema.ts";
import {
  createFirstMember,
  findMember,
  findMemberByEmail,
  type MemberRow,
  noteFailedSignIn,
  noteSignIn,
  redeemMemberLink,
  storePassword,
  toMember,
} from "../members/members.service.ts";
import {
  readOrganization,
  registerOrganization,
  toOrganization,
} from "../organizations/organizations.service.ts";
import type { FactorProof } from "../second-factors/second-factors.schema.ts";
import { proveSecondFactor, type Site } from "../second-factors/second-factors.service.ts";
import {
  type Attempting,
  assertAttemptAllowed,
  factorOf,
  forgetAttempts,
  openSession,
  ownerOfLink,
  type SessionLife,
  type SignIn,
} from "../sessions/sessions.service.ts";
import type { RedeemLinkInput, RegisterInput } from "./auth.schema.ts";

/**
 * Writes a new organization with its first member, who may sign in at once and draft; the operator
 * verifies the organization before it publishes.
 * @param passwordHash made outside the transaction
 * @throws AppError `member.email_taken` (409), `request.invalid`
 */
export async function register(
  tx: Executor,
  call: OpenCall,
  input: RegisterInput,
  passwordHash: string,
) {
  const organization = await registerOrganization(tx, call, input.organization);
  const { password: _, ...person } = input.member;
  const { id } = organization.row;
  const member = await createFirstMember(tx, call, id, { ...person, passwordHash });
  return { organization: toOrganization(organization, null), member: toMember(member, null) };
}

/**
 * That nobody has this e-mail: asked before the costly hash. Being refused takes as long as one would.
 * @throws AppError `member.email_taken` (409)
 */
export async function assertEmailFree(db: Executor, email: string): Promise<void> {
  if (!(await findMemberByEmail(db, email))) return;
  await waitLikeHash();
  throw new AppError("member.email_taken");
}

/**
 * Whose password it is. Counts the attempt first, takes the same time for nobody's e-mail, and
 * speaks of invited and suspended people as of unknown ones.
 * @throws AppError `auth.invalid_credentials` (401), `auth.too_many_attempts` (429)
 */
export async function checkCredentials(
  db: Executor,
  origin: Origin,
  from: Attempting,
  { email, password }: { email: string; password: string },
) {
  const isLastFree = await assertAttemptAllowed(db, email, from);
  const member = await findMemberByEmail(db, email);
  const fits = await verifyPassword(password, member?.passwordHash ?? null);
  if (member && fits && member.status === "active") return member;
  const why = !member ? "unknown_account" : fits ? "not_active" : "wrong_password";
  await noteFailedSignIn(db, origin, { email, member }, why);
  if (isLastFree) await noteFailedSignIn(db, origin, { email, member }, "attempts_used_up");
  throw new AppError("auth.invalid_credentials");
}

/**
 * Opens a sign-in for a person whose password was checked.
 * @throws AppError `auth.invalid_credentials` (401) when the password was replaced meanwhile
 */
export async function login(
  tx: Executor,
  origin: Origin,
  member: MemberRow,
  { secondFactor, userAgent }: { secondFactor: FactorProof | undefined; userAgent?: string },
  { site, ...life }: Settings,
): Promise<SignIn | AppError> {
  // The person first, as in a change of password: two that wait for each other would be a deadlock.
  const proof = await proveSecondFactor(tx, member, secondFactor, site);
  if (proof instanceof AppError) {
    if (secondFactor) await noteFailedSignIn(tx, origin, { ...member, member }, "second_factor");
    return proof;
  }
  await noteSignIn(tx, origin, member, proof?.since ?? null);
  await forgetAttempts(tx, member.email, origin.address);
  const from = { address: origin.address, userAgent, secondFactor: proof?.kind ?? null };
  return openSession(tx, member.id, life, from);
}

/** What of the configuration a sign-in goes by. */
interface Settings extends SessionLife {
  site: Site;
}

/**
 * Sets a person's password by a one-time link. Somebody else's reset bars the account for a while from
 * what needs a second pair of eyes, unless the person proves to be the same: by the password before, or
 * by a second factor.
 * @returns the refusals of a second factor instead of throwing them (`proveSecondFactor`)
 * @throws AppError `auth.invalid_link` (400), `auth.too_many_attempts` (429)
 */
export async function redeemLink(
  tx: Executor,
  origin: Origin,
  { token, secondFactor }: Pick<RedeemLinkInput, "token" | "secondFactor">,
  { passwordHash, knewPassword }: { passwordHash: string; knewPassword: boolean },
  { site, resetBarHours }: { site: Site; resetBarHours: number },
): Promise<Member | AppError> {
  const person = await findMember(tx, await ownerOfLink(tx, token));
  if (!person) throw new AppError("auth.invalid_link");
  const proof = secondFactor ? await proveSecondFactor(tx, person.row, secondFactor, site) : null;
  if (proof instanceof AppError) {
    await noteFailedSignIn(tx, origin, { ...person.row, member: person.row }, "second_factor");
    return proof;
  }
  const proved = { knewPassword, factorSince: proof?.since ?? null };
  return redeemMemberLink(tx, origin, token, passwordHash, { ...proved, resetBarHours });
}

/**
 * Whether this is the password of a link's person, as it was until now.
 * @throws AppError `auth.invalid_link` (400), `auth.invalid_credentials` (401) for another one,
 *   `auth.too_many_attempts` (429)
 */
export async function knowsPassword(
  db: Executor,
  origin: Origin,
  token: string,
  password: string | undefined,
): Promise<boolean> {
  const person = await findMember(db, await ownerOfLink(db, token));
  if (!person) throw new AppError("auth.invalid_link");
  if (password === undefined) return false;
  const from = { address: origin.address ?? "", device: null };
  await checkCredentials(db, origin, from, { email: person.row.email, password });
  return true;
}

/**
 * Checks the password that is to be replaced.
 * @returns whose it is
 * @throws AppError `auth.invalid_credentials` (401), `auth.too_many_attempts` (429)
 */
export async function checkCurrentPassword(db: Executor, call: Call, password: string) {
  const found = await findMember(db, call.actor.id);
  if (!found) throw new AppError("auth.invalid_credentials");
  const from = { address: call.address ?? "", device: call.actor.sessionId };
  return checkCredentials(db, call, from, { email: found.row.email, password });
}

/**
 * Replaces the password, ends every sign-in and opens a new one for the caller.
 * @param checked the person, as it was when the present password was checked
 * @throws AppError `auth.invalid_credentials` (401) when the password was replaced meanwhile
 */
export async function changePassword(
  tx: Executor,
  call: Call,
  checked: MemberRow,
  passwordHash: string,
  userAgent: string | undefined,
  life: SessionLife,
): Promise<SignIn> {
  await storePassword(tx, call, checked, passwordHash);
  // The attempts at the second factor stay counted: the password alone proves nothing of it.
  await forgetAttempts(tx, checked.email, call.address, { ofFactor: false });
  const { sessionId } = call.actor;
  const secondFactor = sessionId === null ? null : await factorOf(tx, sessionId);
  const from = { address: call.address, userAgent, secondFactor };
  return openSession(tx, checked.id, life, from);
}

/** Who the caller is, and what for. */
export async function readMe(db: Executor, actor: Actor) {
  const organization = await readOrganization(db, actor, actor.organizationId);
  if (actor.kind === "client") {
    return {
      member: null,
      client: { id: actor.id, scopes: [...(actor.scopes ?? [])] },
      organization,
    };
  }
  const member = await findMember(db, actor.id);
  if (!member) throw new AppError("auth.invalid_token");
  return { member: toMember(member, actor), client: null, organization };
}
