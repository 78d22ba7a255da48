import type { Executor } from "../../database/connect.ts";
import type { Actor, Origin } from "../../lib/access.ts";
import type { Call, OpenCall } from "../../lib/call.ts";
import { AppError } from "../../lib/errors.ts";
import { verifyPassword, waitLikeHash } from "../../lib/passwords.ts";
import {
  createFirstMember,
  findMember,
  findMemberByEmail,
  type MemberRow,
  noteSignIn,
  storePassword,
  toMember,
} from "../members/members.service.ts";
import {
  readOrganization,
  registerOrganization,
  toOrganization,
} from "../organizations/organizations.service.ts";
import {
  type Attempting,
  assertAttemptAllowed,
  forgetAttempts,
  openSession,
  type SignIn,
} from "../sessions/sessions.service.ts";
import type { RegisterInput } from "./auth.schema.ts";

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
  from: Attempting,
  { email, password }: { email: string; password: string },
) {
  await assertAttemptAllowed(db, email, from);
  const member = await findMemberByEmail(db, email);
  const fits = await verifyPassword(password, member?.passwordHash ?? null);
  if (!member || !fits || member.status !== "active")
    throw new AppError("auth.invalid_credentials");
  return member;
}

/**
 * Opens a sign-in for a person whose password was checked.
 * @throws AppError `auth.invalid_credentials` (401) when the password was replaced meanwhile
 */
export async function login(
  tx: Executor,
  origin: Origin,
  member: MemberRow,
  sessionDays: number,
): Promise<SignIn> {
  // The person first, as in a change of password: two that wait for each other would be a deadlock.
  await noteSignIn(tx, origin, member);
  await forgetAttempts(tx, member.email, origin.address);
  return openSession(tx, member.id, sessionDays);
}

/**
 * Checks the password that is to be replaced.
 * @returns whose it is
 * @throws AppError `auth.invalid_credentials` (401), `auth.too_many_attempts` (429)
 */
export async function checkCurrentPassword(
  db: Executor,
  actor: Actor,
  address: string,
  password: string,
) {
  const found = await findMember(db, actor.id);
  if (!found) throw new AppError("auth.invalid_credentials");
  const from = { address, device: actor.sessionId };
  return checkCredentials(db, from, { email: found.row.email, password });
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
  sessionDays: number,
): Promise<SignIn> {
  await storePassword(tx, call, checked, passwordHash);
  await forgetAttempts(tx, checked.email, call.address);
  return openSession(tx, checked.id, sessionDays);
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
