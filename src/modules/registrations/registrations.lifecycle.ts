import { defineLifecycle } from "../../lib/lifecycle.ts";

/**
 * Which registrar may take a step (the first reviewer, the second, neither of the applicant) is the
 * service's to say; several people's steps leave the status as it is until the last of them.
 */
export const registrationLifecycle = defineLifecycle("registration", [
  { from: ["filed"], action: "accept", by: "registrar", to: "accepted" },
  { from: ["filed", "accepted"], action: "refuse", by: "registrar", to: "refused" },
  {
    from: ["filed", "accepted"],
    action: "request-supplement",
    by: "registrar",
    to: "supplement_requested",
  },
  // Back to where it came from.
  { from: ["supplement_requested"], action: "supplement", by: "applicant", to: "filed" },
  { from: ["supplement_requested"], action: "supplement", by: "applicant", to: "accepted" },
  { from: ["supplement_requested"], action: "withdraw", by: "job", to: "withdrawn" },
  { from: ["filed", "supplement_requested"], action: "withdraw", by: "applicant", to: "withdrawn" },
  { from: ["accepted"], action: "expert-review", by: "registrar", to: "expert_review" },
  { from: ["expert_review"], action: "conclude-review", by: "registrar", to: "accepted" },
  { from: ["accepted"], action: "register", by: "registrar", to: "registered" },
  { from: ["registered"], action: "amend", by: "applicant", to: "registered" },
  { from: ["registered"], action: "amend", by: "registrar", to: "registered" },
  { from: ["registered"], action: "cancel", by: "applicant", to: "registered" },
  { from: ["registered"], action: "cancel", by: "registrar", to: "cancelled" },
  { from: ["registered"], action: "revoke", by: "registrar", to: "revoked" },
  { from: ["registered"], action: "retract", by: "applicant", to: "registered" },
  { from: ["registered"], action: "retract", by: "registrar", to: "registered" },
]);
