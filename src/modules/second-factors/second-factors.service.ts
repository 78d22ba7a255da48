/** What people prove beside the password: set up, proved, removed, and the codes for who has lost it. */
import { Secret, TOTP } from "otpauth";
import { passkeyChallenges, secondFactors } from "../../../db/schema/second-factors.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow } from "../../database/rows.ts";
import type { Actor, Origin } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { clock, instantIn, nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { newId, random, sha256 } from "../../lib/ids.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { assertFactorAttemptAllowed, endSignIns } from "../sessions/sessions.service.ts";
import {
  type Asked,
  askForNew,
  askToProve,
  challengeOf,
  newPasskey,
  type Passkey,
  provenCount,
  type Site,
} from "./passkeys.ts";
import type {
  ConfirmedFactor,
  ConfirmFactorInput,
  FactorProof,
  PasskeyAnswer,
  PendingSecondFactor,
  SecondFactor,
  SecondFactorInput,
  SecondFactors,
} from "./second-factors.schema.ts";
import * as store from "./second-factors.store.ts";

export type { Site } from "./passkeys.ts";

const mostFactors = 10;
const codesMade = 10;

/** Seconds in which a factor that was begun must be proved, and a passkey must answer. */
const setUpWithin = 15 * 60;
const answerWithin = 5 * 60;

/** Seconds of a TOTP's step (RFC 6238 5.2), and how many steps a telephone's clock may be off. */
const period = 30;
const stepsOff = 1;

interface Person {
  id: string;
  email: string;
  organizationId: string;
}

/** What was proved at a sign-in, and since when it was set up. */
export interface Proof {
  kind: store.FactorRow["kind"] | "recovery_code";
  since: string;
}

/** A factor as its owner sees it: never what it is checked with. */
const toFactor = ({
  id,
  kind,
  name,
  createdAt,
  confirmedAt,
  usedAt,
}: store.FactorRow): SecondFactor => ({ id, kind, name, createdAt, confirmedAt, usedAt });

const totpOf = (site: Site, email: string, secret: string) =>
  new TOTP({ issuer: site.name, label: email, secret: Secret.fromBase32(secret), period });

const isConfirmed = ({ confirmedAt }: store.FactorRow): boolean => confirmedAt !== null;

/** The passkeys among these that are set up. */
const passkeysOf = (factors: readonly store.FactorRow[]) =>
  factors.flatMap((factor): (Passkey & { factor: store.FactorRow })[] => {
    const { credentialId, publicKey, counter, transports } = factor;
    if (!isConfirmed(factor) || !credentialId || !publicKey || counter === null) return [];
    return [{ credentialId, publicKey, counter, transports, factor }];
  });

/** @param type what happened, as the log calls it */
const record = (tx: Executor, origin: Origin, person: Person, type: string, name: string | null) =>
  recordAudit(tx, origin, {
    type: `member.${type}`,
    subject: { id: person.id, organizationId: person.organizationId },
    before: null,
    after: null,
    reason: name,
  });

/**
 * Who has a second factor changes nothing of it by a sign-in that has not proved one: whoever was signed in
 * with the password alone, before it was there, may be somebody else.
 * @throws AppError `auth.second_factor_needed` (403)
 */
function assertProved({ isProved }: Actor, factors: readonly store.FactorRow[]): void {
  if (isProved || !factors.some(isConfirmed)) return;
  const detail = {
    en: "The account has a second factor, which this sign-in has not proved: sign in again with it.",
    zh: "该账号已设有第二验证因素，而本次登录未经其验证：请使用第二因素重新登录。",
  };
  throw new AppError("auth.second_factor_needed", { detail });
}

/** A person's own factors. @param isRequired whether the market asks this role for one */
export async function listSecondFactors(
  db: Executor,
  actor: Actor,
  isRequired: boolean,
): Promise<SecondFactors> {
  const [factors, recoveryCodesLeft] = await Promise.all([
    store.selectFactors(db, actor.id),
    store.countCodes(db, actor.id),
  ]);
  return { data: factors.map(toFactor), recoveryCodesLeft, isRequired };
}

/**
 * Begins to set a factor up; it protects nothing until it was proved (`confirmSecondFactor`). What was
 * begun before and never proved goes.
 * @param person whose password was checked
 * @throws AppError `second_factor.too_many` (409), `auth.second_factor_needed` (403)
 */
export async function addSecondFactor(
  tx: Executor,
  { actor }: Call,
  person: Person,
  { kind, name }: Pick<SecondFactorInput, "kind" | "name">,
  site: Site,
): Promise<PendingSecondFactor> {
  await store.lockPerson(tx, person.id);
  await store.deleteUnconfirmedOf(tx, person.id);
  const factors = await store.selectFactors(tx, person.id);
  assertProved(actor, factors);
  if (factors.length >= mostFactors) {
    const detail = {
      en: `There are ${mostFactors} already.`,
      zh: `已有 ${mostFactors} 个，达到上限。`,
    };
    throw new AppError("second_factor.too_many", { detail });
  }
  const secret = kind === "totp" ? new Secret({ size: 20 }).base32 : null;
  const row = await insertRow(tx, secondFactors, {
    id: newId(),
    memberId: person.id,
    kind,
    name,
    secret,
    createdAt: nowInstant(),
  });
  const asked = secret ? null : await askForNew(site, person, passkeysOf(factors));
  if (asked) await remember(tx, person.id, row.id, asked);
  return {
    factor: toFactor(row),
    totp: secret === null ? null : { secret, uri: totpOf(site, person.email, secret).toString() },
    passkey: (asked?.options as PendingSecondFactor["passkey"]) ?? null,
  };
}

const remember = (tx: Executor, memberId: string, factorId: string | null, asked: Asked) =>
  insertRow(tx, passkeyChallenges, {
    challengeHash: asked.challengeHash,
    memberId,
    factorId,
    expiresAt: instantIn(answerWithin),
  });

/**
 * Proves a factor for the first time. The first one comes with recovery codes, and ends all other sign-ins.
 * @returns the refusal `auth.invalid_second_factor` instead of throwing it: the attempt stays counted
 * @throws AppError `second_factor.not_found` (404), `second_factor.already_confirmed` (409),
 *   `auth.second_factor_needed` (403), `auth.too_many_attempts` (429)
 */
export async function confirmSecondFactor(
  tx: Executor,
  call: Call,
  id: string,
  given: ConfirmFactorInput,
  site: Site,
): Promise<ConfirmedFactor | AppError> {
  const { actor } = call;
  const [person] = await store.lockPerson(tx, actor.id);
  const factors = await store.selectFactors(tx, actor.id);
  const factor = factors.find((one) => one.id === id);
  const isStale = factor && !isConfirmed(factor) && factor.createdAt < instantIn(-setUpWithin);
  if (!person || !factor || isStale) throw new AppError("second_factor.not_found");
  if (isConfirmed(factor)) throw new AppError("second_factor.already_confirmed");
  assertProved(actor, factors);
  await assertFactorAttemptAllowed(tx, person.email);
  const proved = await firstProof(tx, factor, given, site);
  if (!proved) return new AppError("auth.invalid_second_factor");
  const now = nowInstant();
  const confirmed = await store.updateFactor(tx, id, {
    ...proved,
    confirmedAt: now,
    usedAt: now,
  });
  if (actor.sessionId) await store.setSessionFactor(tx, actor.sessionId, factor.kind);
  const isFirst = !factors.some(isConfirmed);
  const recoveryCodes = isFirst ? await makeCodes(tx, actor.id) : null;
  // Those have proved nothing, and never will.
  if (isFirst) await endSignIns(tx, actor.id, "factor_added", actor.sessionId);
  await record(tx, call, { ...person, id: actor.id }, "add_second_factor", factor.kind);
  return { factor: toFactor(confirmed ?? factor), recoveryCodes };
}

async function firstProof(
  tx: Executor,
  factor: store.FactorRow,
  { code, passkey }: ConfirmFactorInput,
  site: Site,
): Promise<Partial<store.FactorRow> | null> {
  if (factor.secret) {
    const lastStep = code ? stepOf(factor, code, site) : null;
    return lastStep === null ? null : { lastStep };
  }
  const challenge = passkey && (await takeChallenge(tx, factor.memberId, passkey, factor.id));
  return challenge ? newPasskey(site, challenge, passkey) : null;
}

/** The step whose code this is; null when it is none, or one that was used up. */
function stepOf({ secret, lastStep }: store.FactorRow, code: string, site: Site): number | null {
  if (!secret) return null;
  const timestamp = clock.now().getTime();
  const delta = totpOf(site, "", secret).validate({ token: code, timestamp, window: stepsOff });
  if (delta === null) return null;
  const step = Math.floor(timestamp / 1000 / period) + delta;
  return lastStep !== null && step <= lastStep ? null : step;
}

/** The challenge that an answer names, hashed, if it is this person's and open; it is used up. */
async function takeChallenge(
  tx: Executor,
  memberId: string,
  answer: PasskeyAnswer,
  factorId: string | null,
): Promise<string | null> {
  const challenge = challengeOf(answer);
  if (!challenge) return null;
  const isOpen = await store.takeChallenge(tx, memberId, challenge, factorId, nowInstant());
  return isOpen ? challenge : null;
}

/** Letters and digits that no one takes for another when a code is copied by hand (RFC 4648 base32 without 0, 1). */
const codeLetters = "abcdefghijklmnopqrstuvwxyz234567";

/** 80 random bits in four groups of four. */
function newCode(): string {
  const letters = [...random.bytes(16)].map((byte) => codeLetters[byte % 32]).join("");
  return letters.replace(/(.{4})(?!$)/g, "$1-");
}

/** A code as it is compared: as a person types it, with or without its groups. */
const hashOf = (code: string): string =>
  sha256(`recovery:${code.toLowerCase().replaceAll(/[^a-z2-7]/g, "")}`);

/** Makes new codes in place of the ones before. */
async function makeCodes(tx: Executor, memberId: string): Promise<string[]> {
  const codes = Array.from({ length: codesMade }, newCode);
  await store.replaceCodes(tx, memberId, codes.map(hashOf), nowInstant());
  return codes;
}

/**
 * Makes new recovery codes; the ones before stop working.
 * @param person whose password was checked
 * @throws AppError `second_factor.not_found` (404) for who has no factor to recover from,
 *   `auth.second_factor_needed` (403)
 */
export async function renewRecoveryCodes(tx: Executor, call: Call, person: Person) {
  await store.lockPerson(tx, person.id);
  const factors = await store.selectFactors(tx, person.id);
  if (!factors.some(isConfirmed)) throw new AppError("second_factor.not_found");
  assertProved(call.actor, factors);
  const recoveryCodes = await makeCodes(tx, person.id);
  await record(tx, call, person, "renew_recovery_codes", null);
  return { recoveryCodes };
}

/**
 * Removes one of one's own factors; with the last one the recovery codes go.
 * @param person whose password was checked
 * @throws AppError `second_factor.not_found` (404), `auth.second_factor_needed` (403)
 */
export async function removeSecondFactor(
  tx: Executor,
  call: Call,
  person: Person,
  id: string,
): Promise<undefined> {
  await store.lockPerson(tx, person.id);
  const factors = await store.selectFactors(tx, person.id);
  const factor = factors.find((one) => one.id === id);
  if (!factor) throw new AppError("second_factor.not_found");
  assertProved(call.actor, factors);
  await store.deleteFactor(tx, id);
  if (!factors.some((one) => one !== factor && isConfirmed(one))) {
    await store.replaceCodes(tx, person.id, [], nowInstant());
    // A role that must have one is to set one up again.
    await store.unproveSessionsOf(tx, person.id);
  }
  await record(tx, call, person, "remove_second_factor", factor.kind);
}

/** Removes all that a person could prove beside the password. @returns whether there was anything */
export async function removeFactorsOf(tx: Executor, memberId: string): Promise<boolean> {
  const factors = await store.selectFactors(tx, memberId);
  await store.deleteChallengesOf(tx, memberId);
  await store.deleteFactorsOf(tx, memberId);
  await store.replaceCodes(tx, memberId, [], nowInstant());
  return factors.some(isConfirmed);
}

/**
 * Whether what is given proves a second factor of a person whose password was right.
 * @returns the proof; null for a person without factors; or the refusal
 *   `auth.second_factor_required`, which says what may be given, or `auth.invalid_second_factor`.
 *   They are returned because what they wrote stays: the question, and the count of the attempt.
 * @throws AppError `auth.too_many_attempts` (429)
 */
export async function proveSecondFactor(
  tx: Executor,
  person: Person,
  given: FactorProof | undefined,
  site: Site,
): Promise<Proof | null | AppError> {
  // Without a lock first: few have one.
  if (!(await store.selectFactors(tx, person.id)).some(isConfirmed)) return null;
  await store.lockPerson(tx, person.id);
  const factors = (await store.selectFactors(tx, person.id)).filter(isConfirmed);
  if (!given) return askFor(tx, person, factors, site);
  await assertFactorAttemptAllowed(tx, person.email);
  const proof = given.recoveryCode
    ? await proveCode(tx, person, given.recoveryCode)
    : given.code
      ? await proveTotp(tx, factors, given.code, site)
      : given.passkey && (await provePasskey(tx, person, factors, given.passkey, site));
  return proof ?? new AppError("auth.invalid_second_factor");
}

async function askFor(
  tx: Executor,
  person: Person,
  factors: readonly store.FactorRow[],
  site: Site,
): Promise<AppError> {
  const passkeys = passkeysOf(factors);
  const asked = passkeys.length > 0 ? await askToProve(site, passkeys) : null;
  if (asked) await remember(tx, person.id, null, asked);
  const methods = [
    ...(factors.some(({ kind }) => kind === "totp") ? ["code"] : []),
    ...(asked ? ["passkey"] : []),
    "recoveryCode",
  ];
  return new AppError("auth.second_factor_required", {
    detail: {
      en: `Send one of these as secondFactor: ${methods.join(", ")}.`,
      zh: `请在 secondFactor 中提供以下之一：${methods.join("、")}。`,
    },
    members: { methods, ...(asked && { passkey: asked.options }) },
  });
}

async function proveCode(tx: Executor, { id }: Person, code: string): Promise<Proof | undefined> {
  const used = await store.useCode(tx, id, hashOf(code), nowInstant());
  return used && { kind: "recovery_code", since: used.createdAt };
}

async function proveTotp(
  tx: Executor,
  factors: readonly store.FactorRow[],
  code: string,
  site: Site,
): Promise<Proof | undefined> {
  for (const factor of factors) {
    const lastStep = stepOf(factor, code, site);
    if (lastStep === null) continue;
    await store.updateFactor(tx, factor.id, { lastStep, usedAt: nowInstant() });
    return { kind: "totp", since: factor.confirmedAt ?? nowInstant() };
  }
  return undefined;
}

async function provePasskey(
  tx: Executor,
  { id }: Person,
  factors: readonly store.FactorRow[],
  answer: PasskeyAnswer,
  site: Site,
): Promise<Proof | undefined> {
  const known = passkeysOf(factors).find(({ credentialId }) => credentialId === answer.id);
  const challenge = await takeChallenge(tx, id, answer, null);
  if (!known || !challenge) return undefined;
  const counter = await provenCount(site, challenge, answer, known);
  if (counter === null) return undefined;
  await store.updateFactor(tx, known.factor.id, { counter, usedAt: nowInstant() });
  return { kind: "passkey", since: known.factor.confirmedAt ?? nowInstant() };
}
