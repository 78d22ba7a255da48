import { needs } from "../../../db/schema/needs.ts";
import { resource } from "../../lifecycle/resource.ts";
import {
  auditOf,
  type Listing,
  listingSteps,
  type ReadRow,
  standingOf,
} from "../listings/listings.lifecycle.ts";
import { Need, SolveInput } from "./needs.schema.ts";

export type NeedRow = ReadRow<typeof needs.$inferSelect>;

const shared = listingSteps("need", ["need.reveals_owner"]);

export const need = resource({
  noun: "need",
  table: needs,
  path: "/v1/needs/:id",
  tag: "needs",
  reply: Need,
  standing: (listing: Listing<NeedRow>, actor) => standingOf(listing, actor),
  audit: auditOf,
  steps: {
    submitNeed: shared.submit,
    withdrawNeed: shared.withdraw,
    publishNeed: shared.publish,
    requestChangesOfNeed: shared.requestChanges,
    rejectNeed: shared.reject,
    renewNeed: shared.renew,
    solveNeed: {
      action: "solve",
      from: ["published"],
      by: "owner",
      to: "solved",
      scope: "needs:write",
      body: SolveInput,
      summary: "Declare a need solved",
      description:
        "By its owner, who may name the contract. It leaves the lists and stays readable by its id.",
    },
    closeNeed: {
      action: "close",
      from: ["published"],
      by: "owner",
      to: "closed",
      scope: "needs:write",
      summary: "Close a need without a solution",
      description: "By its owner. It leaves the lists and stays readable by its id.",
    },
    expireNeed: shared.expire,
    withdrawNeedOfClosed: shared.withdrawOfClosed,
    // The contract that solved it was cancelled.
    restoreNeed: {
      action: "restore",
      from: ["solved"],
      by: "system",
      to: ["published", "expired"],
    },
  },
});
