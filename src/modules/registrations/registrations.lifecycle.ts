import { registrations } from "../../../db/schema/registrations.ts";
import { type Actor, barDetails, isBarred } from "../../lib/access.ts";
import { today } from "../../lib/clock.ts";
import { bodyFault } from "../../lib/faults.ts";
import { ReasonInput } from "../../lib/wire.ts";
import { guard, resource, type Standing } from "../../lifecycle/resource.ts";
import type { ContractOfCase, PaymentOfCase } from "../contracts/filing.service.ts";
import { revisionsOf, whyExperts } from "./registrations.refusals.ts";
import {
  AmendInput,
  CancelRegistrationInput,
  ConclusionInput,
  DueDateInput,
  NoteInput,
  RefuseInput,
  Registration,
  RevokeInput,
  SupplementRequestInput,
} from "./registrations.schema.ts";

/** A case, and what its steps are decided on beside it. Imported registrations have no contract here. */
export interface Case {
  row: typeof registrations.$inferSelect;
  /** The caller's organization is a party to the contract. */
  isParty: boolean;
  /** The contract's revision in force. */
  revision: number | null;
  /** All parties have agreed to cancel the contract. */
  isEnding: boolean;
  /** Locked with the case, for a step; null where it is only read. */
  contract: ContractOfCase | null;
  /** What was paid under the contract, where the step changes what is counted. */
  payments: readonly PaymentOfCase[];
}

/** `registrar`: of the office; `applicant`: who filed. */
function standingOf({ row }: Case, actor: Actor): Standing[] {
  const standing: Standing[] = [];
  if (actor.role === "registry" && row.officeOrganizationId === actor.organizationId) {
    standing.push("registrar");
  }
  if (row.applicantOrganizationId === actor.organizationId) standing.push("applicant");
  return standing;
}

/** Staff of a party to the contract review no case of it. */
const isImpartial = guard<Case>(
  "registration.reviewer_of_applicant",
  (one, actor) => one.isParty && standingOf(one, actor).includes("registrar"),
);

/** What was accepted, its first reviewer goes on with. */
const isFirstReviewer = guard<Case>(
  "registration.not_first_reviewer",
  ({ row }, actor) => row.status !== "filed" && row.firstReviewerId !== actor.id,
);

/** Where two must look, the second is another person than the first. */
const another = (first: (row: Case["row"]) => string | null) =>
  guard<Case>(
    "registration.same_reviewer",
    ({ row }, actor) => row.rules.twoReviewers && first(row) === actor.id,
  );

/** Whose password somebody else has just set is no further pair of eyes, neither first nor second. */
const isOneself = guard<Case>(
  "auth.barred_after_reset",
  (one, actor) => isBarred(actor) && standingOf(one, actor).includes("registrar"),
  barDetails,
);

const isSecondReviewer = another((row) => (row.status === "accepted" ? row.firstReviewerId : null));

const expertsHaveSpoken = guard<Case>(
  "registration.expert_review_needed",
  ({ row }) => row.expertReviewNeeded && !row.expertReviewConcludedAt,
  ({ row }) => whyExperts(row.rules, row),
);

/** All parties have confirmed a later revision than the registered one: the one asked for, once it was. */
const isAmended = guard<Case>(
  "registration.not_agreed",
  ({ row, revision, isEnding }) =>
    row.pendingAction === "amend"
      ? revision !== row.pendingRevision
      : isEnding || (revision ?? 0) <= (row.contractRevision ?? 0),
  revisionsOf,
);

const isAgreedToEnd = guard<Case>(
  "registration.not_agreed",
  ({ isEnding }) => !isEnding,
  () => ({
    detail: {
      en: "All parties must first agree to cancel the contract.",
      zh: "须先由合同各方同意解除合同。",
    },
  }),
);

const isPending =
  (...actions: Case["row"]["pendingAction"][]) =>
  ({ row }: Case) =>
    actions.includes(row.pendingAction);

export const undecided = ["filed", "supplement_requested", "accepted", "expert_review"] as const;
/** Whether the case still waits for its decision. */
export const isUndecided = ({ row }: Case): boolean =>
  (undecided as readonly string[]).includes(row.status);

/** Only people review and decide. */
const registrar = { by: "registrar", roles: ["registry"], verified: true } as const;
const applicant = {
  by: "applicant",
  roles: ["university", "enterprise", "brokerage"],
  verified: true,
} as const;
const either = {
  roles: ["university", "enterprise", "brokerage", "registry"],
  verified: true,
} as const;
/** What the contract's own lifecycle may say to a step that moves it too. */
const moving = ["contract.invalid_transition"] as const;

export const registration = resource({
  noun: "registration",
  table: registrations,
  path: "/v1/registrations/:id",
  tag: "registrations",
  reply: Registration,
  standing: standingOf,
  guards: [isImpartial],
  audit: ({ row }) => ({
    owner: row.officeOrganizationId,
    readers: [row.applicantOrganizationId],
    secret: row.facts.confidentiality === "trade_secret",
    // The applicant reads the log of its case, but not what screening found, nor who reviews.
    personal: [
      "checkCode",
      "screening",
      "firstReviewerId",
      "secondReviewerId",
      "pendingBy",
      "pendingReviewerId",
    ],
  }),
  steps: {
    acceptRegistration: {
      action: "accept",
      from: ["filed"],
      to: "accepted",
      ...registrar,
      guards: [isOneself],
      summary: "Accept a case",
      description:
        "The person who does is its first reviewer. The clock runs from today, or from the day of a supplement that was asked for before.",
    },
    requestSupplement: {
      action: "request-supplement",
      from: ["filed", "accepted"],
      to: "supplement_requested",
      ...registrar,
      guards: [isFirstReviewer],
      body: SupplementRequestInput,
      faults: ({ deadline }: SupplementRequestInput) =>
        deadline && deadline < today() ? [bodyFault(["deadline"], "date.past")] : [],
      summary: "Ask the applicant for something",
      description: "With a deadline; a case without an answer by then is withdrawn.",
    },
    supplementRegistration: {
      action: "supplement",
      from: ["supplement_requested"],
      // Back to where it came from.
      to: ["filed", "accepted"],
      ...applicant,
      body: NoteInput,
      summary: "Hand in what was asked for",
      description: "Files are attached to the case before. The clock starts again.",
    },
    withdrawRegistration: {
      action: "withdraw",
      from: ["filed", "supplement_requested"],
      to: "withdrawn",
      ...applicant,
      errors: moving,
      summary: "Take a case back",
      description: "By the applicant, before acceptance. The contract may be filed again.",
    },
    withdrawMissedSupplement: {
      action: "withdraw",
      from: ["supplement_requested"],
      by: "job",
      to: "withdrawn",
    },
    beginExpertReview: {
      action: "expert-review",
      from: ["accepted"],
      to: "expert_review",
      ...registrar,
      guards: [isFirstReviewer],
      summary: "Give a case to experts",
      description: "By the first reviewer. Large and disputed cases need it.",
    },
    concludeExpertReview: {
      action: "conclude-review",
      from: ["expert_review"],
      to: "accepted",
      ...registrar,
      guards: [isFirstReviewer],
      body: ConclusionInput,
      summary: "Write down what the experts found",
      description: "By the first reviewer; the second one decides then.",
    },
    disputeRegistration: {
      action: "dispute",
      from: undecided,
      to: "same",
      ...registrar,
      body: ReasonInput,
      summary: "Mark a case as disputed",
      description: "Experts look at it then, and it may take longer.",
    },
    setDueDate: {
      action: "set-due-date",
      from: undecided,
      when: ({ row }) => row.acceptedAt !== null,
      to: "same",
      ...registrar,
      body: DueDateInput,
      summary: "Set another due date",
      description: "With a reason, which the applicant reads.",
    },
    registerContract: {
      action: "register",
      from: ["accepted"],
      to: "registered",
      ...registrar,
      guards: [isOneself, isSecondReviewer, expertsHaveSpoken],
      errors: moving,
      dryRun: true,
      summary: "Register a contract",
      description:
        "By a second reviewer. It gets its number, gap-free for each office and year, and is counted. `dryRun=true` only says what blocks it.",
    },
    refuseRegistration: {
      action: "refuse",
      from: ["filed", "accepted"],
      to: "refused",
      ...registrar,
      guards: [isOneself, isSecondReviewer],
      errors: moving,
      body: RefuseInput,
      summary: "Refuse to register a contract",
      description:
        "With grounds from `registration-grounds`. Before acceptance any registrar does, afterwards a second reviewer. The contract may be filed again.",
    },
    amendRegistration: {
      action: "amend",
      lines: [
        { from: ["registered"], by: "applicant", to: "same", when: isPending(null) },
        { from: ["registered"], by: "registrar", to: "same", when: isPending("amend") },
      ],
      ...either,
      guards: [isOneself, isAmended, another((row) => row.pendingReviewerId)],
      errors: ["registration.expert_review_needed"],
      body: AmendInput,
      summary: "Amend a registration after its contract",
      description:
        "The applicant asks, naming the confirmed revision; then a first and a second registrar call the same. The number stays, the revision is the next one. Where the technology amount newly reaches the threshold, the first registrar says what experts found.",
    },
    cancelRegistration: {
      action: "cancel",
      lines: [
        { from: ["registered"], by: "applicant", to: "same", when: isPending(null) },
        { from: ["registered"], by: "registrar", to: "cancelled", when: isPending("cancel") },
      ],
      ...either,
      guards: [isOneself, isAgreedToEnd],
      errors: moving,
      body: CancelRegistrationInput,
      summary: "Cancel a registration with its contract",
      description:
        "The applicant asks once all parties have agreed to cancel the contract; then a registrar calls the same.",
    },
    revokeRegistration: {
      action: "revoke",
      from: ["registered"],
      when: (one) => !one.row.rules.twoReviewers || isPending(null, "revoke")(one),
      to: "revoked",
      ...registrar,
      guards: [isOneself, another((row) => row.pendingBy)],
      errors: moving,
      body: RevokeInput,
      summary: "Revoke a registration",
      description:
        "One registrar proposes it with a ground from `revocation-grounds`, another one calls the same.",
    },
    retractRegistrationStep: {
      action: "retract",
      lines: [
        { from: ["registered"], by: "registrar", to: "same", when: (one) => !isPending(null)(one) },
        {
          from: ["registered"],
          by: "applicant",
          to: "same",
          when: ({ row }, actor) =>
            row.pendingAction !== null && row.pendingOrganizationId === actor.organizationId,
        },
      ],
      ...either,
      summary: "End what was begun",
      description: "The applicant its own request, a registrar any.",
    },
  },
});
