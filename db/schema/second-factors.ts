import { sql } from "drizzle-orm";
import { bigint, check, index, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { bytes, id, instant, known } from "./columns.ts";
import { members } from "./members.ts";

export const secondFactorKinds = ["totp", "passkey"] as const;

/** What a person proves beside the password: a code of an authenticator (RFC 6238), or a passkey (WebAuthn). */
export const secondFactors = pgTable(
  "second_factors",
  {
    id: id(),
    memberId: uuid("member_id")
      .notNull()
      .references(() => members.id),
    kind: text("kind", { enum: secondFactorKinds }).notNull(),
    name: text("name").notNull(),
    /** Of a TOTP, in base32: both sides reckon with it, so it cannot be hashed. */
    secret: text("secret"),
    /** Number of the last step of 30 seconds whose code was taken: each is taken once (RFC 6238 5.2). */
    lastStep: bigint("last_step", { mode: "number" }),
    credentialId: text("credential_id"),
    publicKey: bytes("public_key"),
    /** How often the passkey has signed, if it counts: one that goes back was copied. */
    counter: bigint("counter", { mode: "number" }),
    transports: text("transports").array(),
    createdAt: instant("created_at").notNull().default(sql`now()`),
    /** Null until it was proved once; it protects nothing before. */
    confirmedAt: instant("confirmed_at"),
    usedAt: instant("used_at"),
  },
  (t) => [
    index("second_factors_member").on(t.memberId, t.id),
    uniqueIndex("second_factors_credential").on(t.credentialId),
    known("second_factors_kind_known", "kind", secondFactorKinds),
    check("second_factors_totp_has_secret", sql`(kind = 'totp') = (secret is not null)`),
    check(
      "second_factors_passkey_has_key",
      sql`kind <> 'passkey' or confirmed_at is null or (credential_id is not null and public_key is not null and counter is not null)`,
    ),
  ],
);

/** For who has lost the factor: each works once, only its SHA-256 is kept. */
export const recoveryCodes = pgTable(
  "recovery_codes",
  {
    codeHash: text("code_hash").primaryKey(),
    memberId: uuid("member_id")
      .notNull()
      .references(() => members.id),
    createdAt: instant("created_at").notNull().default(sql`now()`),
    usedAt: instant("used_at"),
  },
  (t) => [index("recovery_codes_member").on(t.memberId)],
);

/** What a passkey was asked to sign, hashed: taken away when it is answered, and after its time. */
export const passkeyChallenges = pgTable(
  "passkey_challenges",
  {
    challengeHash: text("challenge_hash").primaryKey(),
    memberId: uuid("member_id")
      .notNull()
      .references(() => members.id),
    /** The factor that is being set up; null where one that is there is to be proved. */
    factorId: uuid("factor_id").references(() => secondFactors.id, { onDelete: "cascade" }),
    expiresAt: instant("expires_at").notNull(),
  },
  (t) => [
    index("passkey_challenges_member").on(t.memberId),
    index("passkey_challenges_expiry").on(t.expiresAt),
  ],
);
