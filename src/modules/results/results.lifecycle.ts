import { results } from "../../../db/schema/results.ts";
import { resource } from "../../lifecycle/resource.ts";
import {
  auditOf,
  type Listing,
  listingSteps,
  type ReadRow,
  standingOf,
} from "../listings/listings.lifecycle.ts";
import { Result } from "./results.schema.ts";

export type ResultRow = ReadRow<typeof results.$inferSelect>;

const shared = listingSteps("result");

export const result = resource({
  noun: "result",
  table: results,
  path: "/v1/results/:id",
  tag: "results",
  reply: Result,
  standing: (listing: Listing<ResultRow>, actor) => standingOf(listing, actor),
  audit: auditOf,
  steps: {
    submitResult: shared.submit,
    withdrawResult: shared.withdraw,
    publishResult: shared.publish,
    requestChangesOfResult: shared.requestChanges,
    rejectResult: shared.reject,
    renewResult: shared.renew,
    expireResult: shared.expire,
    withdrawResultOfClosed: shared.withdrawOfClosed,
    // A transfer or exclusive licence of it is effective.
    transferResult: { action: "transfer", from: ["published"], by: "system", to: "transferred" },
    // That contract was cancelled.
    restoreResult: {
      action: "restore",
      from: ["transferred"],
      by: "system",
      to: ["published", "expired"],
    },
  },
});
