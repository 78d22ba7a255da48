import type { needStatuses } from "../../../db/schema/needs.ts";
import { defineLifecycle } from "../../lib/lifecycle.ts";
import { listingTransitions } from "../listings/listings.lifecycle.ts";

type Status = (typeof needStatuses)[number];

export const needLifecycle = defineLifecycle<Status, string>("need", [
  ...listingTransitions,
  { from: ["published"], action: "solve", by: "owner", to: "solved" },
  { from: ["published"], action: "close", by: "owner", to: "closed" },
  // The contract that solved it was cancelled.
  { from: ["solved"], action: "restore", by: "system", to: "published" },
  { from: ["solved"], action: "restore", by: "system", to: "expired" },
]);
