import { and, eq, sql } from "drizzle-orm";
import { members } from "../db/schema/members.ts";
import { organizations } from "../db/schema/organizations.ts";
import type { Executor } from "../src/database/connect.ts";
import { systemOrigin } from "../src/lib/access.ts";
import { setReactions } from "../src/lifecycle/reactions.ts";
import type { InviteInput } from "../src/modules/members/members.schema.ts";
import { findMember, makeInvitation, makeLink } from "../src/modules/members/members.service.ts";
import type { OrganizationByOperatorInput } from "../src/modules/organizations/organizations.schema.ts";
import { createOrganization } from "../src/modules/organizations/organizations.service.ts";
import { reactions } from "../src/reactions.ts";

export interface FirstOperatorInput {
  organization: OrganizationByOperatorInput;
  admin: InviteInput;
}

/** A reason not to make an operator that the person at the keyboard can mend. */
export class OperatorRefusal extends Error {}

const context = { ...systemOrigin, expected: null };

/**
 * Makes the first operator organization and invites its admin. Until that admin has taken up the
 * invitation, the same call makes a new link, so a lost one is no dead end.
 * @returns the one-time token that sets the password, and when it expires
 * @throws OperatorRefusal when somebody operates the market already, or the data do not fit what is there
 * @throws AppError `request.invalid` for a wrong code, `organization.credit_code_taken` (409)
 */
export async function createFirstOperator(
  db: Executor,
  { organization, admin }: FirstOperatorInput,
): Promise<{ token: string; expiresAt: string }> {
  setReactions(reactions);
  return db.transaction(async (tx) => {
    // Two runs at once must not both find that there is none.
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('grand-market first operator'))`);
    const operators = await tx
      .select({
        organizationId: organizations.id,
        creditCode: organizations.creditCode,
        name: organizations.name,
        memberId: members.id,
        email: members.email,
        status: members.status,
      })
      .from(organizations)
      .leftJoin(
        members,
        and(eq(members.organizationId, organizations.id), eq(members.isAdmin, true)),
      )
      .where(and(eq(organizations.kind, "operator"), eq(organizations.status, "verified")));
    const active = operators.find(({ status }) => status === "active");
    if (active) {
      throw new OperatorRefusal(
        `"${active.name}" operates this market already: its admins invite everybody else.`,
      );
    }
    const own = operators.filter((o) => o.creditCode === organization.creditCode);
    const [other] = operators;
    if (other && own.length === 0) {
      throw new OperatorRefusal(
        `The operator "${other.name}" (${other.creditCode}) was made before and waits for its admin: give its credit code for a new token.`,
      );
    }
    const organizationId =
      own[0]?.organizationId ?? (await createOrganization(tx, context, organization)).id;
    const invited = own.find(({ email }) => email === admin.email);
    const person = invited?.memberId ? await findMember(tx, invited.memberId) : undefined;
    // The person who installs stands in for the admin that there is not yet.
    if (person) return makeLink(tx, systemOrigin, person.row);
    const isTaken = await tx.$count(members, eq(members.email, admin.email));
    if (isTaken > 0) throw new OperatorRefusal(`${admin.email} has an account already.`);
    return makeInvitation(tx, systemOrigin, organizationId, { ...admin, isAdmin: true });
  });
}
