import { createHash } from "node:crypto";
import type { Executor } from "../../database/connect.ts";
import type { Call } from "../../lib/call.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { parsePatched } from "../../lib/patched.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { PatchedRules, type RegistrationRules } from "./registration-rules.schema.ts";
import * as store from "./registration-rules.store.ts";

/** Every rule set, in the order in which they came into force. */
export async function listRegistrationRules(db: Executor) {
  return { data: await store.selectAll(db) };
}

/** Rule sets have no id of their own; audit records want one: a UUID made of the code (RFC 9562 version 8). */
function subjectOf({ code }: store.RulesRow) {
  const hex = createHash("sha256").update(`registration-rules ${code}`).digest("hex");
  const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return { id, organizationId: null };
}

/**
 * Changes numbers of a rule set; cases that began keep those they began under.
 * @throws AppError `registration_rules.not_found` (404), `request.invalid`
 */
export async function updateRegistrationRules(
  tx: Executor,
  call: Call,
  code: string,
  patch: Record<string, unknown>,
): Promise<RegistrationRules> {
  const before = await store.lockRules(tx, code);
  if (!before) throw new AppError("registration_rules.not_found");
  assertVersion({ version: before.version, id: before.code }, call.expected);
  const rules = parsePatched(PatchedRules, { ...before.rules }, patch);
  const after = await store.updateRules(tx, before, rules);
  if (!after) throw new AppError("request.precondition_failed");
  await recordAudit(tx, call, {
    type: "registration_rules.update",
    subject: subjectOf(after),
    before,
    after,
  });
  return after;
}

/**
 * The rule set that a case accepted on this day comes under.
 * @param day civil date in Asia/Shanghai
 */
export async function rulesOn(db: Executor, day: string): Promise<store.RulesRow> {
  const rules = await store.selectOn(db, day);
  if (!rules) throw new Error(`no rule set applies on ${day}`);
  return rules;
}
