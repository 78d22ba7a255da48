import { organizations } from "../../../db/schema/organizations.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { ReasonInput } from "../../lib/wire.ts";
import { guard, resource, type Standing } from "../../lifecycle/resource.ts";
import { Organization } from "./organizations.schema.ts";

/** What keeps an organization from being closed while it is under way. */
export const openDeals = ["matches", "contracts", "registrations"] as const;
export type OpenDeal = (typeof openDeals)[number];

const openDealNames: Record<OpenDeal, string> = {
  matches: "对接",
  contracts: "合同",
  registrations: "登记",
};

export interface OrganizationFound {
  row: typeof organizations.$inferSelect;
  /** What it still has a part in that is under way; looked up for the operator, who alone closes. */
  openDeals: readonly OpenDeal[];
}

/** `owner` is an admin of the organization itself. */
function standingOf({ row }: OrganizationFound, actor: Actor): Standing[] {
  const standing: Standing[] = [];
  if (isOperator(actor)) standing.push("operator");
  if (actor.isAdmin && actor.organizationId === row.id) standing.push("owner");
  return standing;
}

/** Nobody could undo it. */
const ofOthers = guard<OrganizationFound>(
  "organization.own",
  ({ row }, actor) => row.id === actor.organizationId,
);

const withoutDeals = guard<OrganizationFound>(
  "organization.has_open_deals",
  ({ openDeals }) => openDeals.length > 0,
  ({ openDeals }) => ({
    detail: {
      en: `These are open: ${openDeals.join(", ")}.`,
      zh: `未了结的事项：${openDeals.map((kind) => openDealNames[kind]).join("、")}。`,
    },
  }),
);

const operator = { by: "operator", roles: ["operator"] } as const;

export const organization = resource({
  noun: "organization",
  table: organizations,
  path: "/v1/organizations/:id",
  tag: "organizations",
  reply: Organization,
  changesAccess: true,
  standing: standingOf,
  audit: ({ row }) => ({ owner: row.id }),
  steps: {
    verifyOrganization: {
      action: "verify",
      from: ["pending"],
      to: "verified",
      ...operator,
      // It may have changed its name between the look and the click.
      ifMatch: "required",
      errors: ["organization.credit_code_taken", "organization.short_name_taken"],
      summary: "Verify an organization",
      description:
        "The version that was looked at, named by `If-Match`. Rejects others that wait with the same credit code.",
    },
    rejectOrganization: {
      action: "reject",
      from: ["pending"],
      to: "rejected",
      ...operator,
      body: ReasonInput,
      summary: "Reject an organization",
      description: "It reads the reason, corrects itself and resubmits.",
    },
    // Another organization with the same credit code was verified.
    rejectRivalClaim: { action: "reject", from: ["pending"], by: "system", to: "rejected" },
    resubmitOrganization: {
      action: "resubmit",
      from: ["rejected"],
      by: "owner",
      to: "pending",
      admin: true,
      summary: "Ask again for verification after a rejection",
      description: "By an admin of the organization.",
    },
    suspendOrganization: {
      action: "suspend",
      from: ["verified"],
      to: "suspended",
      ...operator,
      guards: [ofOthers],
      body: ReasonInput,
      summary: "Suspend an organization",
      description: "It reads its own and changes nothing; its listings are hidden.",
    },
    reinstateOrganization: {
      action: "reinstate",
      from: ["suspended"],
      to: "verified",
      ...operator,
      errors: ["organization.credit_code_taken"],
      summary: "Reinstate a suspended organization",
      description: "Its listings show again.",
    },
    closeOrganization: {
      action: "close",
      from: ["verified", "suspended"],
      to: "closed",
      ...operator,
      guards: [ofOthers, withoutDeals],
      body: ReasonInput,
      summary: "Close an organization",
      description:
        "For good: it reads its own, its listings are withdrawn. Not while it has open deals.",
    },
  },
});
