import { defineLifecycle } from "../../lib/lifecycle.ts";

/** `owner` has the listing, `asker` asks about it. */
export const interestLifecycle = defineLifecycle("interest", [
  { from: ["open"], action: "accept", by: "owner", to: "accepted" },
  { from: ["open"], action: "decline", by: "owner", to: "declined" },
  { from: ["open"], action: "withdraw", by: "asker", to: "withdrawn" },
  // The listing left public view.
  { from: ["open"], action: "lapse", by: "system", to: "lapsed" },
]);
