import { defineLifecycle } from "../../lib/lifecycle.ts";

/** A closed office gives no more numbers; its code is never used again. */
export const registrationOfficeLifecycle = defineLifecycle("registration_office", [
  { from: ["active"], action: "close", by: "operator", to: "closed" },
]);
