import { z } from "zod";
import { secondFactorKinds } from "../../../db/schema/second-factors.ts";
import { fault } from "../../lib/faults.ts";
import { instant, line, uuid } from "../../lib/wire.ts";

const factorExample = "019b3c6e-58a0-7c31-9a52-0d4f6b1e7c20";

export const SecondFactor = z
  .object({
    id: uuid,
    kind: z.enum(secondFactorKinds),
    name: z.string(),
    createdAt: instant,
    confirmedAt: instant
      .nullable()
      .describe("Null until it was proved once; it protects nothing before."),
    usedAt: instant.nullable(),
  })
  .meta({ id: "SecondFactor" });
export type SecondFactor = z.output<typeof SecondFactor>;

export const SecondFactors = z
  .object({
    data: z.array(SecondFactor),
    recoveryCodesLeft: z.int(),
    isRequired: z.boolean().describe("The market asks this role for one (`SECOND_FACTOR_ROLES`)."),
  })
  .meta({ id: "SecondFactors" });
export type SecondFactors = z.output<typeof SecondFactors>;

const currentPassword = z.string().min(1).max(200);

export const SecondFactorInput = z
  .strictObject({
    kind: z.enum(secondFactorKinds),
    name: line(60).describe("What its owner calls it: the telephone, the key on the desk."),
    currentPassword,
  })
  .meta({
    id: "SecondFactorInput",
    examples: [{ kind: "totp", name: "我的手机", currentPassword: "a long pass phrase" }],
  });
export type SecondFactorInput = z.output<typeof SecondFactorInput>;

/** What a browser's `navigator.credentials` takes, in its JSON form (WebAuthn Level 3, 5.1.8). */
const CredentialOptions = z
  .record(z.string(), z.unknown())
  .describe("For `PublicKeyCredential.parseCreationOptionsFromJSON`, WebAuthn.");

/** A factor that is not set up yet, with what its owner needs to do so; shown once. */
export const PendingSecondFactor = z
  .object({
    factor: SecondFactor,
    totp: z
      .object({
        secret: z.string().describe("Base32, to be typed where no picture can be read."),
        uri: z.string().describe("`otpauth://`, to be shown as a QR code."),
      })
      .nullable(),
    passkey: CredentialOptions.nullable(),
  })
  .meta({ id: "PendingSecondFactor" });
export type PendingSecondFactor = z.output<typeof PendingSecondFactor>;

const totpCode = z
  .string()
  .overwrite((text) => text.replaceAll(/\s/g, ""))
  .regex(/^\d{6}$/)
  .describe("Six digits of the authenticator.");

const text = z.string().max(8_000);
/** What a browser answers, in its JSON form; what it holds is checked with its signature. */
const passkey = z
  .looseObject({
    id: text.min(1),
    rawId: text.min(1),
    type: z.literal("public-key"),
    response: z.looseObject({ clientDataJSON: text.min(1) }),
  })
  .describe("What `PublicKeyCredential.toJSON()` gives, WebAuthn.");
export type PasskeyAnswer = z.output<typeof passkey>;

/** One proof, and no more. */
const isOne = (given: object) => Object.values(given).filter(Boolean).length === 1;

export const ConfirmFactorInput = z
  .strictObject({ code: totpCode.optional(), passkey: passkey.optional() })
  .refine(isOne, fault("second_factor.one_proof"))
  .meta({ id: "ConfirmFactorInput", examples: [{ code: "492039" }] });
export type ConfirmFactorInput = z.output<typeof ConfirmFactorInput>;

export const ConfirmedFactor = z
  .object({
    factor: SecondFactor,
    recoveryCodes: z
      .array(z.string())
      .nullable()
      .describe("With the first factor: each lets its owner in once without it. Shown only here."),
  })
  .meta({ id: "ConfirmedFactor" });
export type ConfirmedFactor = z.output<typeof ConfirmedFactor>;

export const PasswordInput = z
  .strictObject({ currentPassword })
  .meta({ id: "PasswordInput", examples: [{ currentPassword: "a long pass phrase" }] });

export const RecoveryCodes = z
  .object({ recoveryCodes: z.array(z.string()) })
  .meta({ id: "RecoveryCodes" });

/** What proves a second factor at the sign-in. */
export const FactorProof = z
  .strictObject({
    code: totpCode.optional(),
    recoveryCode: z.string().min(1).max(60).optional(),
    passkey: passkey.optional(),
  })
  .refine(isOne, fault("second_factor.one_proof"))
  .meta({ id: "FactorProof", examples: [{ code: "492039" }] });
export type FactorProof = z.output<typeof FactorProof>;

export const FactorParams = z.strictObject({ id: uuid.meta({ example: factorExample }) });
