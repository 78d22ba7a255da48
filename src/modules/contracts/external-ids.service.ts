/** What organizations call a contract in their own systems: each party its own, told to nobody else. */
import type { Executor } from "../../database/connect.ts";
import type { Call } from "../../lib/call.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { externalIdTaken } from "../../lib/put.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { lockContract } from "./contracts.store.ts";
import * as store from "./external-ids.store.ts";

/**
 * Lets the caller's organization call a contract so from now on, or nothing. The contract stays as it is, its
 * version too: others are told nothing.
 * @throws AppError `contract.external_id_taken` (409)
 */
export async function callContract(
  tx: Executor,
  call: Call,
  contractId: string,
  externalId: string | null,
): Promise<void> {
  const { organizationId } = call.actor;
  const before = await store.selectExternalId(tx, contractId, organizationId);
  if (before === externalId) return;
  if (externalId !== null && (await store.holdExternalId(tx, organizationId, externalId, false))) {
    throw externalIdTaken("contract");
  }
  await store.writeExternalId(tx, contractId, organizationId, externalId);
  await recordAudit(tx, call, {
    type: "contract.call",
    subject: { id: contractId, organizationId },
    before: { externalId: before },
    after: { externalId },
  });
}

/**
 * The same of a contract in any state, for every organization that has a part in it.
 * @returns the contract, locked
 * @throws AppError `contract.not_found` (404), `request.precondition_failed` (412)
 */
export async function callAnyContract(
  tx: Executor,
  call: Call,
  id: string,
  externalId: string | null,
) {
  const row = await lockContract(tx, call.actor, id);
  if (!row) throw new AppError("contract.not_found");
  assertVersion(row, call.expected);
  await callContract(tx, call, id, externalId);
  return row;
}
