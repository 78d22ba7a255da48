import { z } from "zod";
import { contractAmendments } from "../../../db/schema/contract-amendments.ts";
import { contracts } from "../../../db/schema/contracts.ts";
import { type Actor, barDetails, isBarred } from "../../lib/access.ts";
import { ReasonInput, uuid } from "../../lib/wire.ts";
import { guard, resource, type Standing } from "../../lifecycle/resource.ts";
import { Amendment } from "./amendments.schema.ts";
import { ConfirmInput } from "./confirmations.schema.ts";
import { alreadySaid, notApplicant, notInForce } from "./contracts.refusals.ts";
import { Contract } from "./contracts.schema.ts";
import type { ConfirmationRow, PartyRow } from "./contracts.store.ts";

/** A contract with its parties, and what they have said. */
export interface Deal {
  row: typeof contracts.$inferSelect;
  parties: PartyRow[];
  /** What holds of what parties have said of the current revision. */
  said: readonly ConfirmationRow[];
  /** An amendment waits for its parties. */
  isAmended: boolean;
}

/** The party that applies for registration: the seller who leads; of an import the buyer (draft art. 11). */
export function applicantOf(parties: readonly PartyRow[]): {
  party: PartyRow | undefined;
  isImport: boolean;
} {
  const lead = (side: "seller" | "buyer") =>
    parties.find((party) => party.side === side && party.position === 0);
  const [seller, buyer] = [lead("seller"), lead("buyer")];
  const isImport = seller?.countryCode !== "CN" && buyer?.countryCode === "CN";
  return { party: isImport ? buyer : seller, isImport };
}

/** `owner` drafted it, `party` is a party inside the market, `applicant` the one that files. */
function standingOf({ row, parties }: Deal, { organizationId }: Actor): Standing[] {
  const standing: Standing[] = [];
  if (row.organizationId === organizationId) standing.push("owner");
  if (parties.some((party) => party.organizationId === organizationId)) standing.push("party");
  if (applicantOf(parties).party?.organizationId === organizationId) standing.push("applicant");
  return standing;
}

/** Statuses of a contract in force, whatever its office does with it. */
export const inForce = ["effective", "filed", "registered"] as const;

/** Whether it binds its parties, whatever its office does with it. */
export const isBinding = ({ status }: Pick<Deal["row"], "status">): boolean =>
  (inForce as readonly string[]).includes(status);

/** Statuses in which it can be amended. */
export const amendable = ["effective", "registered"] as const;

/** Whether it can be amended: in force, not with its office, and not about to end. */
export const isInForce = ({ status, cancellationAgreedAt }: Deal["row"]): boolean =>
  (amendable as readonly string[]).includes(status) && cancellationAgreedAt === null;

/** What its caller's party has said of a revision, if it has. */
const saidBy = (
  { parties }: Deal,
  said: readonly ConfirmationRow[],
  action: "confirm" | "cancel",
  { organizationId }: Actor,
): ConfirmationRow | undefined => {
  const own = parties.find((party) => party.organizationId === organizationId);
  return said.find(
    (one) => one.action === action && one.side === own?.side && one.position === own.position,
  );
};

/** Whose password somebody else has just set binds the organization to nothing. */
const isOneself = <S extends Deal | Change>() =>
  guard<S>("auth.barred_after_reset", (_, actor) => isBarred(actor), barDetails);

const hasNotConfirmed = guard<Deal>(
  "contract.already_confirmed",
  (deal, actor) => saidBy(deal, deal.said, "confirm", actor) !== undefined,
  (deal, actor) => alreadySaid(saidBy(deal, deal.said, "confirm", actor)),
);

/** Nor have all parties, so that only the office's step is left. */
const hasNotCancelled = guard<Deal>(
  "contract.already_confirmed",
  (deal, actor) =>
    deal.row.cancellationAgreedAt !== null ||
    saidBy(deal, deal.said, "cancel", actor) !== undefined,
  (deal, actor) =>
    deal.row.cancellationAgreedAt === null
      ? alreadySaid(saidBy(deal, deal.said, "cancel", actor))
      : {
          detail: {
            en: `All parties did so at ${deal.row.cancellationAgreedAt}: what is left is to cancel the registration.`,
            zh: `各方已于 ${deal.row.cancellationAgreedAt} 同意解除，尚待注销登记。`,
          },
        },
);

const isNotAmended = guard<Deal>("amendment.already_open", ({ isAmended }) => isAmended);

/** Nobody registers what is being cancelled. */
const isNotEnding = ({ row }: Deal): boolean => !row.pendingAction && !row.cancellationAgreedAt;

const roles = ["university", "enterprise", "brokerage"] as const;
/** Confirming and cancelling are a person's: it binds the organization. */
const party = { by: "party", roles, verified: true } as const;
/** What the match that it comes of may say. */
const ofMatch = ["match.not_found", "match.invalid_transition"] as const;

/**
 * Until the last party has confirmed or agreed to cancel, the status stays. A registered contract is
 * cancelled by its office, once all parties have agreed.
 */
export const contract = resource({
  noun: "contract",
  table: contracts,
  path: "/v1/contracts/:id",
  tag: "contracts",
  reply: Contract,
  standing: standingOf,
  notOwner: ({ parties }, _, code) =>
    code === "registration.not_applicant" ? notApplicant(applicantOf(parties).party) : {},
  audit: ({ row, parties }) => ({
    owner: row.organizationId,
    readers: [...parties.map((one) => one.organizationId), row.brokerOrganizationId],
    secret: row.confidentiality === "trade_secret",
  }),
  /** Without people and addresses of the parties. */
  recorded: ({ row, parties }) => ({
    ...row,
    parties: parties.map(({ side, position, organizationId, name, natureCode, regionCode }) => ({
      side,
      position,
      organizationId,
      name,
      natureCode,
      regionCode,
    })),
  }),
  steps: {
    submitContract: {
      action: "submit",
      from: ["draft"],
      by: "owner",
      to: "confirming",
      roles,
      verified: true,
      dryRun: true,
      errors: ["contract.incomplete", ...ofMatch],
      summary: "Put a draft up for its parties to confirm",
      description:
        "By the one who drafted it. Names everything that is still missing; `dryRun=true` only does that.",
    },
    confirmContract: {
      action: "confirm",
      from: ["confirming"],
      to: "effective",
      ...party,
      guards: [isOneself(), hasNotConfirmed],
      errors: ["contract.revision_changed", ...ofMatch],
      body: ConfirmInput,
      summary: "Confirm the revision that was read",
      description:
        "By a person of each party in the market. A party outside it confirms by the signed copy that another attaches. With the last one the contract is effective.",
    },
    confirmBySignedCopy: { action: "confirm", from: ["confirming"], by: "system", to: "effective" },
    retractContract: {
      action: "retract",
      lines: [
        { from: ["confirming"], by: "party", to: "same", when: ({ said }) => said.length > 0 },
        {
          from: ["effective", "registered"],
          by: "party",
          to: "same",
          when: ({ row }) => row.pendingAction !== null,
        },
      ],
      roles,
      verified: true,
      summary: "End what several parties have begun",
      description:
        "The confirming of a revision, or the cancelling of a contract in force: what was said is void.",
    },
    returnContract: {
      action: "return",
      from: ["confirming"],
      to: "draft",
      ...party,
      body: ReasonInput,
      summary: "Send a contract back to be changed",
      description: "By any party, instead of confirming. It is a draft again.",
    },
    cancelContract: {
      action: "cancel",
      lines: [
        { from: ["draft", "confirming", "effective"], by: "party", to: "cancelled" },
        { from: ["registered"], by: "party", to: "same" },
      ],
      roles,
      verified: true,
      guards: [isOneself(), hasNotCancelled],
      body: ReasonInput,
      summary: "Cancel a contract",
      description:
        "Before it is effective any party does so alone; afterwards all parties must. A registered one then waits for its office to cancel the registration.",
    },
    cancelBySignedCopy: {
      action: "cancel",
      lines: [
        { from: ["effective"], by: "system", to: "cancelled" },
        { from: ["registered"], by: "system", to: "same" },
      ],
    },
    fileContract: {
      action: "file",
      from: ["effective"],
      when: isNotEnding,
      by: "applicant",
      to: "filed",
      roles,
      verified: true,
      guards: [isNotAmended],
      otherwise: "registration.not_applicant",
      // What it makes is a registration.
      elsewhere: true,
      summary: "File an effective contract for registration",
      description:
        "By the seller that leads; of an import by the domestic buyer. It goes to the office of that party's region. `dryRun=true` only says what blocks it.",
    },
    // What becomes of its registration.
    releaseContract: { action: "release", from: ["filed"], by: "system", to: "effective" },
    noteRegistration: { action: "register", from: ["filed"], by: "system", to: "registered" },
    cancelRegistered: { action: "cancel", from: ["registered"], by: "system", to: "cancelled" },
    revokeRegistered: { action: "revoke", from: ["registered"], by: "system", to: "effective" },
  },
});

/** An amendment with the contract that it changes, and what was said of its revision. */
export interface Change {
  row: typeof contractAmendments.$inferSelect;
  deal: Deal;
  said: readonly ConfirmationRow[];
}

/** What names an amendment: it is one of its contract. */
export const AmendmentParams = z.strictObject({ id: uuid, amendmentId: uuid });
export type AmendmentKey = z.output<typeof AmendmentParams>;

const hasNotConfirmedChange = guard<Change>(
  "contract.already_confirmed",
  ({ deal, said }, actor) => saidBy(deal, said, "confirm", actor) !== undefined,
  ({ deal, said }, actor) => alreadySaid(saidBy(deal, said, "confirm", actor)),
);

/** Filed, it is what the office decides on; ended, there is nothing to change. */
const isOfContractInForce = guard<Change>(
  "contract.not_in_force",
  ({ deal }) => !isInForce(deal.row),
  ({ deal }) => notInForce(deal.row, amendable),
);

/** An amendment of a contract in force. */
export const amendment = resource({
  noun: "amendment",
  table: contractAmendments,
  path: "/v1/contracts/:id/amendments/:amendmentId",
  params: AmendmentParams,
  tag: "contracts",
  reply: Amendment,
  standing: ({ deal }: Change, actor) => standingOf(deal, actor),
  // Whose contract it is not, is told of the contract.
  otherwise: "contract.not_owner",
  audit: ({ row, deal }, origin, action) => {
    const { secret, ...who } = contract.audit(deal, origin, action);
    // Its reason may tell what it is about to make a secret.
    return { ...who, secret: secret || row.content.confidentiality === "trade_secret" };
  },
  recorded: ({ row: { patch: _, content: __, ...row } }) => row,
  steps: {
    confirmAmendment: {
      action: "confirm",
      from: ["confirming"],
      to: "effective",
      ...party,
      guards: [isOneself(), isOfContractInForce, hasNotConfirmedChange],
      errors: ["contract.not_found", "contract.revision_changed"],
      body: ConfirmInput,
      summary: "Confirm an amendment",
      description: "By a person of each party; with the last one it is the contract's content.",
    },
    confirmAmendmentBySignedCopy: {
      action: "confirm",
      from: ["confirming"],
      by: "system",
      to: "effective",
    },
    withdrawAmendment: {
      action: "withdraw",
      from: ["confirming"],
      to: "withdrawn",
      ...party,
      errors: ["contract.not_found"],
      summary: "Give an amendment up",
      description: "By any party, while not all have confirmed it.",
    },
    // All parties have agreed to cancel the contract.
    withdrawWithContract: {
      action: "withdraw",
      from: ["confirming"],
      by: "system",
      to: "withdrawn",
    },
  },
});
