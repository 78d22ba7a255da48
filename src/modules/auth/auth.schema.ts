import { z } from "zod";
import { isHardToGuess } from "../../lib/common-passwords.ts";
import { fault } from "../../lib/faults.ts";
import { email, line, phone } from "../../lib/wire.ts";
import { Member } from "../members/members.schema.ts";
import { Organization, OrganizationInput } from "../organizations/organizations.schema.ts";
import { FactorProof } from "../second-factors/second-factors.schema.ts";

/** At least ten characters and none that everybody tries first (NIST SP 800-63B 5.1.1.2). */
export const newPassword = z
  .string()
  .min(10)
  .max(200)
  .refine((text) => text.isWellFormed() && !text.includes("\0"), fault("invalid_characters"))
  .refine(isHardToGuess, fault("password.weak"))
  .describe(
    "10 to 200 characters, at least five different ones, and none of the common passwords.",
  );

const givenPassword = z.string().min(1).max(200);

export const RegisterInput = z
  .strictObject({
    organization: OrganizationInput,
    member: z.strictObject({
      name: line(60),
      email,
      phone: phone.nullable().default(null),
      password: newPassword,
    }),
  })
  .meta({
    id: "RegisterInput",
    examples: [
      {
        organization: {
          kind: "university",
          name: "牧野理工学院",
          creditCode: "12410700MB0T00015L",
          regionCode: "410711",
        },
        member: { name: "李薇", email: "li.wei@example.edu.cn", password: "a long pass phrase" },
      },
    ],
  });
export type RegisterInput = z.output<typeof RegisterInput>;

export const Registration = z
  .object({ organization: Organization, member: Member })
  .meta({ id: "OrganizationRegistration" });

export const LoginInput = z
  .strictObject({
    email,
    password: givenPassword,
    refreshToken: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe(
        "The last refresh token of an earlier sign-in on this device, used or not: others' wrong passwords then do not delay this one.",
      ),
    secondFactor: FactorProof.optional().describe(
      "For an account that has one: without it the reply is 401 `auth.second_factor_required` with `methods`, and with `passkey` for the browser.",
    ),
  })
  .meta({
    id: "LoginInput",
    examples: [{ email: "li.wei@example.edu.cn", password: "a long pass phrase" }],
  });

export const Tokens = z
  .object({
    accessToken: z.string().describe("For `Authorization: Bearer`."),
    tokenType: z.literal("Bearer"),
    expiresIn: z.int().describe("Seconds until the access token expires."),
    refreshToken: z.string().describe("To be used once, at POST /v1/auth/refresh."),
  })
  .meta({ id: "Tokens" });
export type Tokens = z.output<typeof Tokens>;

export const RefreshInput = z.strictObject({ refreshToken: z.string().min(1).max(200) }).meta({
  id: "RefreshInput",
  examples: [{ refreshToken: "gmr_cmVmcmVzaCB0b2tlbiBvZiB0aGlydHktdHdvIGJ5dGU" }],
});

export const ChangePasswordInput = z
  .strictObject({ currentPassword: givenPassword, newPassword })
  .meta({
    id: "ChangePasswordInput",
    examples: [{ currentPassword: "a long pass phrase", newPassword: "春风又绿江南岸 2026" }],
  });

export const RedeemLinkInput = z
  .strictObject({
    token: z.string().min(1).max(200).describe("The one-time token."),
    password: newPassword,
    currentPassword: givenPassword
      .optional()
      .describe(
        "The password until now, where it is known after all: the account is then not barred from reviews and confirmations.",
      ),
    secondFactor: FactorProof.optional().describe(
      "Instead of it: a code of the authenticator app, or a recovery code.",
    ),
  })
  .meta({
    id: "RedeemLinkInput",
    examples: [
      { token: "gml_aW52aXRhdGlvbi10b2tlbi1vZi0zMi1ieXRlcy14eXo", password: "a long pass phrase" },
    ],
  });

export type RedeemLinkInput = z.output<typeof RedeemLinkInput>;

export const Me = z
  .object({
    member: Member.nullable().describe("Null for a machine client."),
    client: z
      .object({ id: z.uuid(), scopes: z.array(z.string()) })
      .nullable()
      .describe("Null for a person."),
    organization: Organization,
  })
  .meta({ id: "Me" });
