/** What is written down of an amendment, and how it ends with its contract. */
import { contractAmendments } from "../../../db/schema/contracts.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { auditOf, type Loaded } from "./contracts.access.ts";
import * as store from "./contracts.store.ts";

const recorded = ({ patch: _, content: __, ...row }: store.AmendmentRow) => row;

/** Writes down a step of an amendment. */
export const recordAmendment = (
  tx: Executor,
  context: WriteContext,
  verb: string,
  loaded: Loaded,
  before: store.AmendmentRow | null,
  after: store.AmendmentRow,
) => {
  const { subject, confidential, ...who } = auditOf(loaded);
  return recordAudit(tx, context, {
    ...who,
    // Its reason may tell what it is about to make a secret.
    confidential: confidential || after.content.confidentiality === "trade_secret",
    type: `amendment.${verb}`,
    subject: { id: after.id, organizationId: subject.organizationId },
    before: before && recorded(before),
    after: recorded(after),
    reason: after.reason,
  });
};

/** Gives up the amendment that waits for its parties, if there is one: what it changes has ended. */
export async function withdrawOpenAmendment(
  tx: Executor,
  context: WriteContext,
  loaded: Loaded,
): Promise<void> {
  const before = await store.lockOpenAmendment(tx, loaded.row.id);
  if (!before) return;
  await store.voidConfirmations(tx, loaded.row.id, "confirm", before.revision);
  const after = await updateRow(tx, contractAmendments, before, { status: "withdrawn" });
  await recordAmendment(tx, context, "withdraw", loaded, before, after);
}
