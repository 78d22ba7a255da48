import { interests } from "../../../db/schema/interests.ts";
import type { Actor } from "../../lib/access.ts";
import { resource, type Standing } from "../../lifecycle/resource.ts";
import { AcceptInterestInput, DeclineInput, Interest } from "./interests.schema.ts";
import type { FoundInterest } from "./interests.store.ts";

/** `owner` has the listing, `asker` asks about it. */
export function standingOf({ row }: FoundInterest, actor: Actor): Standing[] {
  const standing: Standing[] = [];
  if (row.ownerOrganizationId === actor.organizationId) standing.push("owner");
  if (row.askerOrganizationId === actor.organizationId) standing.push("asker");
  return standing;
}

const sides = ["university", "enterprise", "brokerage"] as const;
const owner = { by: "owner", roles: sides, verified: true } as const;

export const interest = resource({
  noun: "interest",
  table: interests,
  path: "/v1/interests/:id",
  tag: "interests",
  reply: Interest,
  standing: standingOf,
  // Until it is accepted, its records are for the asker alone; of the owner of an anonymous need they
  // withhold the id, and what that owner does is in its own log instead.
  audit: ({ row, listing }, { actor }) => {
    const { askerOrganizationId, ownerOrganizationId } = row;
    const isAccepted = row.status === "accepted";
    const isVeiled = !isAccepted && listing.anonymous;
    const isPrivate = isVeiled && actor?.organizationId === ownerOrganizationId;
    return {
      owner: isPrivate ? ownerOrganizationId : askerOrganizationId,
      readers: isAccepted ? [ownerOrganizationId] : [],
      personal: ["message", "questions", "note", ...(isVeiled ? ["ownerOrganizationId"] : [])],
    };
  },
  steps: {
    acceptInterest: {
      action: "accept",
      from: ["open"],
      to: "accepted",
      ...owner,
      body: AcceptInterestInput,
      summary: "Accept an interest and answer its questions",
      description: "By the listing's owner. Both sides see each other's name and contact then.",
    },
    declineInterest: {
      action: "decline",
      from: ["open"],
      to: "declined",
      ...owner,
      body: DeclineInput,
      summary: "Decline an interest",
      description: "By the listing's owner, with a reason from `decline-reasons`.",
    },
    withdrawInterest: {
      action: "withdraw",
      from: ["open"],
      by: "asker",
      to: "withdrawn",
      roles: sides,
      scope: "interests:write",
      summary: "Withdraw an interest",
      description: "By the one who asked, while it is open.",
    },
    // The listing left public view.
    lapseInterest: { action: "lapse", from: ["open"], by: "system", to: "lapsed" },
  },
});
