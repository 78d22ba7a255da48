import { members } from "../../../db/schema/members.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { guard, resource, type Standing } from "../../lifecycle/resource.ts";
import { Member, MemberParams, OneTimeLink } from "./members.schema.ts";

export interface MemberFound {
  row: typeof members.$inferSelect;
  /** Somebody else administers the organization: an active admin. */
  othersAdminister: boolean;
}

/** Nobody else could administer the organization. */
export const isLastAdmin = ({ row, othersAdminister }: MemberFound): boolean =>
  row.isAdmin && row.status === "active" && !othersAdminister;

/**
 * `owner` is of the same organization. In other organizations the operator only looks after the first
 * admin and the last one, where nobody else could.
 */
function standingOf({ row, othersAdminister }: MemberFound, actor: Actor): Standing[] {
  if (actor.organizationId === row.organizationId) return ["owner"];
  return isOperator(actor) && row.isAdmin && !othersAdminister ? ["operator"] : [];
}

const lastStays = guard<MemberFound>("member.last_admin", isLastAdmin);

/** Of another organization the operator alone comes so far. */
export const administeredByOthers = {
  en: "The operator acts here only for an organization without another active admin: its own admins do.",
  zh: "运营方仅在机构没有其他有效管理员时代为办理：请由该机构管理员操作。",
};

const admin = { admin: true, errors: ["organization.not_found"] } as const;

/** A person's account. */
export const member = resource({
  noun: "member",
  table: members,
  path: "/v1/organizations/:id/members/:memberId",
  params: MemberParams,
  tag: "accounts",
  reply: Member,
  changesAccess: true,
  standing: standingOf,
  otherwise: "organization.not_owner",
  notOwner: () => ({ detail: administeredByOthers }),
  audit: ({ row }) => ({ owner: row.organizationId, personal: ["name"] }),
  steps: {
    suspendMember: {
      action: "suspend",
      from: ["active"],
      by: "owner",
      to: "suspended",
      ...admin,
      guards: [lastStays],
      summary: "Suspend a member",
      description:
        "Ends all sign-ins of the person at once. The last active admin cannot be suspended.",
    },
    reinstateMember: {
      action: "reinstate",
      from: ["suspended"],
      by: "owner",
      to: "active",
      ...admin,
      summary: "Let a suspended member back in",
      description: "The person signs in with the password as before.",
    },
    issueMemberLink: {
      action: "issue-link",
      from: ["invited", "active"],
      by: ["owner", "operator"],
      to: "same",
      ...admin,
      elsewhere: true,
      reply: OneTimeLink,
      idempotency: "refused",
      summary: "Make a one-time token for a member",
      description:
        "An invitation while the person has no password, else a password reset. Earlier tokens stop working. The operator does it for an organization's last admin.",
    },
    // A verified organization has invited the person whose e-mail this was said to be.
    releaseEmail: {
      action: "release-email",
      lines: [
        { from: ["invited"], by: "system", to: "same" },
        { from: ["active", "suspended"], by: "system", to: "suspended" },
      ],
    },
    // By the holder of the token: an invited person becomes active.
    redeemLink: {
      action: "redeem-link",
      lines: [
        { from: ["invited"], by: "system", to: "active" },
        { from: ["active"], by: "system", to: "same" },
      ],
    },
  },
});
