import { z } from "zod";
import { secondFactorKinds } from "../../../db/schema/second-factors.ts";
import { instant, uuid } from "../../lib/wire.ts";

export const OpenSignIn = z
  .object({
    id: uuid,
    createdAt: instant,
    usedAt: instant.nullable().describe("When its tokens were last renewed."),
    expiresAt: instant,
    address: z.string().nullable(),
    userAgent: z.string().nullable(),
    secondFactor: z
      .enum([...secondFactorKinds, "recovery_code"])
      .nullable()
      .describe("What was proved beside the password."),
    isCurrent: z.boolean().describe("The one that asks."),
  })
  .meta({ id: "SignIn" });

export const SignIns = z.object({ data: z.array(OpenSignIn) }).meta({ id: "SignIns" });
