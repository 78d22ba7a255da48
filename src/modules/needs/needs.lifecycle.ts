import type { needStatuses } from "../../../db/schema/needs.ts";
import { defineLifecycle } from "../../lib/lifecycle.ts";
import { listingTransitions } from "../listings/listings.lifecycle.ts";

type Status = (typeof needStatuses)[number];

export const needLifecycle = defineLifecycle<Status, string>("need", [
  ...listingTransitions,
  { from: ["published"], action: "solve", by: "owner", to: "solved" },
  { from: ["published"], action: "close", by: "owner", to: "closed" },
]);
