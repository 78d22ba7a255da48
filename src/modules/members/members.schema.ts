import { z } from "zod";
import { memberStatuses } from "../../../db/schema/members.ts";
import { pageQuery } from "../../lib/pagination.ts";
import { email, instant, line, patchOf, phone, uuid } from "../../lib/wire.ts";

export const Member = z
  .object({
    id: uuid,
    organizationId: uuid,
    status: z.enum(memberStatuses),
    name: z.string(),
    email: z.string(),
    phone: z.string().nullable(),
    isAdmin: z.boolean(),
    lastSignInAt: instant.nullable(),
    passwordReset: z
      .object({
        at: instant,
        by: uuid.nullable().describe("Who made it possible; null for the operator's command line."),
        byOrganizationId: uuid.nullable(),
        barredUntil: instant
          .nullable()
          .describe(
            "Until then the account neither reviews cases nor confirms contracts; null once the person has proved to be the same.",
          ),
      })
      .nullable()
      .describe("The last time that somebody else reset the password or took the second factors."),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
    allowedActions: z.array(z.string()).optional(),
  })
  .meta({ id: "Member" });
export type Member = z.output<typeof Member>;

export const InviteInput = z
  .strictObject({
    name: line(60),
    email,
    phone: phone.nullable().default(null),
    isAdmin: z.boolean().default(false),
  })
  .meta({ id: "InviteInput", examples: [{ name: "王强", email: "wang.qiang@example.com" }] });
export type InviteInput = z.output<typeof InviteInput>;

/** What a person may change of themselves. */
export const MyDetails = z.strictObject({ name: line(60), phone: phone.nullable().default(null) });
export const MyDetailsPatch = patchOf(MyDetails).meta({
  id: "MePatch",
  examples: [{ name: "李薇", phone: "0373-3326018" }],
});

/** What an admin may change of a member. */
export const MemberDetails = MyDetails.extend({ isAdmin: z.boolean() });
export const MemberPatch = patchOf(MemberDetails).meta({
  id: "MemberPatch",
  examples: [{ phone: "0373-3326021", isAdmin: true }],
});

/** A one-time token; it is shown once, to the admin who hands it over. */
export const OneTimeLink = z
  .object({
    member: Member,
    token: z.string().describe("To be handed to the person, who sends it with a new password."),
    redeemAt: z.url().describe("Where to POST `{token, password}`."),
    expiresAt: instant,
    mailed: z
      .boolean()
      .describe(
        "Whether the person is also sent a link, with a token of its own: where the market has a mail server, by verified organizations. The first that is used ends both.",
      ),
  })
  .meta({ id: "OneTimeLink" });

export const ListMembersQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(memberStatuses).optional(),
});

export const MemberParams = z.strictObject({ id: uuid, memberId: uuid });
/** What names a member: the organization, and the person in it. */
export type MemberKey = z.output<typeof MemberParams>;
