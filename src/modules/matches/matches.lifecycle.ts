import { matches } from "../../../db/schema/matches.ts";
import { type Actor, isOperator, type Origin } from "../../lib/access.ts";
import { today } from "../../lib/clock.ts";
import { guard, resource, type Standing } from "../../lifecycle/resource.ts";
import { Match, MatchEndInput, MatchReassignInput, MatchRemarkInput } from "./matches.schema.ts";
import type { FoundMatch, MatchRow } from "./matches.store.ts";

type Side = NonNullable<Match["endedBy"]>;

/** Which party an organization is; null for none. */
export function sideOf(row: MatchRow, organizationId: string | null): Side | null {
  if (organizationId === row.resultOrganizationId) return "result";
  if (organizationId === row.needOrganizationId) return "need";
  return organizationId === row.brokerOrganizationId ? "broker" : null;
}

/** `owner` has one of the two listings. The broker is a person: colleagues read and do not act. */
export function standingOf({ row }: FoundMatch, actor: Actor): Standing[] {
  if (isOperator(actor)) return ["operator"];
  const side = sideOf(row, actor.organizationId);
  if (side === "broker") return actor.id === row.brokerId ? ["broker"] : [];
  return side ? ["owner"] : [];
}

const hasAccepted = ({ row }: FoundMatch, actor: Actor): boolean =>
  (sideOf(row, actor.organizationId) === "result" ? row.resultAcceptedAt : row.needAcceptedAt) !==
  null;

/** The status may lag behind the last day until the job has run. */
const canAccept = (found: FoundMatch, actor: Actor): boolean =>
  !hasAccepted(found, actor) && found.row.expiresOn >= today();

/** Whether the owner of the need is still unknown to the broker and to the other side. */
export const isVeiled = ({ row, need }: FoundMatch): boolean =>
  need.anonymous && row.needAcceptedAt === null;

/** Whether what this caller does would tell the others who the owner of an anonymous need is. */
const wouldReveal = (found: FoundMatch, { actor }: Origin): boolean =>
  isVeiled(found) && actor?.organizationId === found.row.needOrganizationId;

const bothPublic = guard<FoundMatch>("match.listing_not_published", ({ isPublic }) => !isPublic);

const stillBroker = guard<FoundMatch>(
  "match.not_a_broker",
  ({ isBrokerValid }) => !isBrokerValid,
  () => ({
    detail: {
      en: "The certificate is no longer valid; the operator can hand the match to another broker of the brokerage.",
      zh: "您的技术经纪人证书已失效；可由市场运营方将本对接移交本经纪机构的其他技术经纪人。",
    },
  }),
);

const owners = { by: "owner", roles: ["university", "enterprise", "brokerage"] } as const;
const broker = { by: "broker", roles: ["brokerage"] } as const;

export const match = resource({
  noun: "match",
  table: matches,
  path: "/v1/matches/:id",
  tag: "matches",
  reply: Match,
  standing: standingOf,
  notOwner: ({ row }, actor) =>
    sideOf(row, actor.organizationId) === "broker"
      ? {
          detail: {
            en: "Only the broker of this match acts for the brokerage.",
            zh: "仅本对接的技术经纪人可代表经纪机构操作。",
          },
        }
      : {},
  // The three parties' admins read it. As long as the others do not know the owner of an anonymous need,
  // its id is withheld, and what it does is in its own log alone; what it takes back they have read of.
  audit: (found, origin, action) => {
    const { brokerOrganizationId, resultOrganizationId, needOrganizationId } = found.row;
    const isPrivate = action !== "retract" && wouldReveal(found, origin);
    return {
      owner: isPrivate ? needOrganizationId : brokerOrganizationId,
      readers: isPrivate ? [] : [resultOrganizationId, needOrganizationId],
      personal: ["endNote", ...(isVeiled(found) ? ["needOrganizationId"] : [])],
    };
  },
  steps: {
    acceptMatch: {
      action: "accept",
      from: ["proposed"],
      to: ["same", "agreed"],
      when: canAccept,
      ...owners,
      verified: true,
      guards: [bothPublic],
      body: MatchRemarkInput.prefault({}),
      summary: "Accept a proposed match",
      description:
        "By each owner. The first one leaves it `proposed`, with `pending`; the second one makes it `agreed`.",
    },
    retractMatch: {
      action: "retract",
      from: ["proposed"],
      to: "same",
      when: hasAccepted,
      ...owners,
      summary: "Take back one's own acceptance",
      description: "By an owner that accepted, while the other one has not.",
    },
    declineMatch: {
      action: "decline",
      from: ["proposed"],
      to: "declined",
      ...owners,
      body: MatchEndInput,
      summary: "Decline a proposed match",
      description:
        "By either owner, also after its own acceptance, with a reason from `decline-reasons`.",
    },
    withdrawMatch: {
      action: "withdraw",
      from: ["proposed"],
      to: "withdrawn",
      ...broker,
      summary: "Withdraw a proposed match",
      description: "By its broker.",
    },
    negotiateMatch: {
      action: "negotiate",
      from: ["agreed"],
      to: "negotiating",
      ...broker,
      guards: [stillBroker],
      summary: "Say that the two are negotiating",
      description: "By its broker, whose certificate is valid, once both owners have accepted.",
    },
    failMatch: {
      action: "fail",
      from: ["agreed", "negotiating"],
      to: "failed",
      ...owners,
      by: ["owner", "broker"],
      body: MatchEndInput,
      summary: "Let a match fail",
      description:
        "By any of the three, agreed or negotiating, with a reason from `decline-reasons`.",
    },
    reassignMatch: {
      action: "reassign",
      from: ["proposed", "agreed", "negotiating"],
      by: "operator",
      to: "same",
      roles: ["operator"],
      body: MatchReassignInput,
      summary: "Hand an open match to another broker of the brokerage",
      description: "For a broker who has left, or whose certificate is no longer valid.",
    },
    // Thirty days have passed, or a listing left public view.
    lapseMatch: {
      action: "lapse",
      lines: [
        { from: ["proposed"], by: "job", to: "lapsed" },
        { from: ["proposed"], by: "system", to: "lapsed" },
      ],
    },
    // Its contract is effective.
    concludeMatch: {
      action: "contract",
      from: ["agreed", "negotiating"],
      by: "system",
      to: "contracted",
    },
    // Its contract was cancelled.
    failConcludedMatch: { action: "fail", from: ["contracted"], by: "system", to: "failed" },
  },
});
