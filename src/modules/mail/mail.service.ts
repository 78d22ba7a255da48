/** What people want to be written, and what is put into the outbox for them. */
import { mailPreferences, type mails } from "../../../db/schema/mails.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import type { Actor } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { newId, sha256 } from "../../lib/ids.ts";
import { parsePatched } from "../../lib/patched.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { MailChoice, type MailPreferences } from "./mail.schema.ts";
import * as store from "./mail.store.ts";
import { insertMails } from "./outbox.store.ts";

/** Of somebody who has chosen nothing; as the columns' defaults are. */
const unchosen = {
  language: "zh",
  interestReceived: true,
  matchProposed: true,
  contractToConfirm: true,
  supplementRequested: true,
  digest: true,
  version: 1,
} as const;

/** @throws AppError `member.not_found` (404) */
export async function readMailPreferences(
  db: Executor,
  { id }: Actor,
  isOn: boolean,
): Promise<MailPreferences> {
  const found = await store.selectPreferences(db, id);
  if (!found) throw new AppError("member.not_found");
  return { isOn, email: found.email, ...(found.chosen ?? unchosen) };
}

/**
 * Changes what a person is written, by merge patch.
 * @throws AppError `request.invalid`, `request.precondition_failed` (412)
 */
export async function updateMailPreferences(
  tx: Executor,
  call: Call,
  patch: Record<string, unknown>,
  isOn: boolean,
): Promise<MailPreferences> {
  const { id, organizationId } = call.actor;
  const before = await store.lockPreferences(tx, id);
  // The tag is of a reply that names no id.
  assertVersion({ version: before.version, id: "" }, call.expected);
  const { language, interestReceived, matchProposed, contractToConfirm } = before;
  const { supplementRequested, digest } = before;
  const chosen = { language, interestReceived, matchProposed, contractToConfirm };
  const changes = parsePatched(MailChoice, { ...chosen, supplementRequested, digest }, patch);
  const after = await updateRow(tx, mailPreferences, before, changes);
  const subject = { id, organizationId };
  await recordAudit(tx, call, { type: "mail_preferences.update", subject, before, after });
  return readMailPreferences(tx, call.actor, isOn);
}

type Kind = (typeof mails.$inferInsert)["kind"];

/** Has those of an organization written to who want it. @param subjectId what waits for them */
export const mailOrganization = (
  tx: Executor,
  kind: Extract<
    Kind,
    "interest_received" | "match_proposed" | "contract_to_confirm" | "supplement_requested"
  >,
  organizationIds: readonly (string | null)[],
  subjectId: string,
): Promise<void> =>
  insertMails(
    tx,
    [...new Set(organizationIds)]
      .filter((id) => id !== null)
      .map((organizationId) => ({ id: newId(), kind, organizationId, subjectId })),
  );

interface Person {
  id: string;
  organizationId: string;
}

/** Has a person told that the password is another one. */
export const mailPasswordChange = (tx: Executor, { id, organizationId }: Person): Promise<void> =>
  insertMails(tx, [{ id: newId(), kind: "password_changed", organizationId, memberId: id }]);

/** Has a person sent a link. @param token that its maker is shown: not the one that is mailed */
export const mailLink = (
  tx: Executor,
  { id, organizationId }: Person,
  kind: "invitation" | "password_reset",
  token: string,
): Promise<void> =>
  insertMails(tx, [{ id: newId(), kind, organizationId, memberId: id, linkHash: sha256(token) }]);
