import type { resultStatuses } from "../../../db/schema/results.ts";
import { defineLifecycle } from "../../lib/lifecycle.ts";
import { listingTransitions } from "../listings/listings.lifecycle.ts";

type Status = (typeof resultStatuses)[number];

export const resultLifecycle = defineLifecycle<Status, string>("result", [
  ...listingTransitions,
  // A transfer or exclusive licence of it is effective; was cancelled.
  { from: ["published"], action: "transfer", by: "system", to: "transferred" },
  { from: ["transferred"], action: "restore", by: "system", to: "published" },
  { from: ["transferred"], action: "restore", by: "system", to: "expired" },
]);
