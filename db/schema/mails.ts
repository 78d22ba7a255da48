import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  date,
  index,
  integer,
  pgTable,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { id, instant, known, timestamps, version } from "./columns.ts";
import { members } from "./members.ts";
import { organizations } from "./organizations.ts";
import { oneTimeLinks } from "./sessions.ts";

/** What somebody may choose not to be written of. */
export const chosenMailKinds = [
  "interest_received",
  "match_proposed",
  "contract_to_confirm",
  "supplement_requested",
  "digest",
] as const;

/** The others are about the own account: nobody turns them off. */
export const mailKinds = [
  "invitation",
  "password_reset",
  "password_changed",
  ...chosenMailKinds,
] as const;

export const mailLanguages = ["zh", "en"] as const;

/**
 * The outbox: what is to be mailed, written with the change that causes it. It holds no text, no address and
 * no secret: those are looked up, and made, when a mail is sent.
 */
export const mails = pgTable(
  "mails",
  {
    id: id(),
    kind: text("kind", { enum: mailKinds }).notNull(),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id),
    /** Null until it is known who of the organization wants it. */
    memberId: uuid("member_id").references(() => members.id, { onDelete: "cascade" }),
    /** What waits: the interest, match, contract or registration. */
    subjectId: uuid("subject_id"),
    /** The link that is mailed, by the hash of the token that its maker was shown; the mail has one of its own. */
    linkHash: text("link_hash").references(() => oneTimeLinks.tokenHash, { onDelete: "cascade" }),
    /** The day of a digest. */
    day: date("day", { mode: "string" }),
    createdAt: instant("created_at").notNull().default(sql`now()`),
    /** When it is to be tried; while a process tries, when another one may. */
    dueAt: instant("due_at").notNull(),
    attempts: integer("attempts").notNull().default(0),
    /** Why the last try failed: a code, never what the server said. */
    reason: text("reason"),
    endedAt: instant("ended_at"),
    outcome: text("outcome", { enum: ["sent", "given_up"] }),
  },
  (t) => [
    index("mails_due").on(t.dueAt, t.id).where(sql`ended_at is null`),
    index("mails_ended").on(t.endedAt, t.id).where(sql`ended_at is not null`),
    index("mails_member").on(t.memberId),
    index("mails_link").on(t.linkHash).where(sql`link_hash is not null`),
    uniqueIndex("mails_one_digest").on(t.memberId, t.day).where(sql`day is not null`),
    known("mails_kind_known", "kind", mailKinds),
    check("mails_ended_somehow", sql`(ended_at is null) = (outcome is null)`),
    check("mails_digest_has_day", sql`(kind = 'digest') = (day is not null)`),
    check(
      "mails_link_has_owner",
      sql`link_hash is null or (member_id is not null and kind in ('invitation', 'password_reset'))`,
    ),
  ],
);

/** What a person wants to be written, and in which language; without a row all of it, in Chinese. */
export const mailPreferences = pgTable(
  "mail_preferences",
  {
    /** The person's. */
    id: uuid("id")
      .primaryKey()
      .references(() => members.id, { onDelete: "cascade" }),
    language: text("language", { enum: mailLanguages }).notNull().default("zh"),
    // Named as the kinds are: `outbox.store.ts` reads them by that name.
    interestReceived: boolean("interest_received").notNull().default(true),
    matchProposed: boolean("match_proposed").notNull().default(true),
    contractToConfirm: boolean("contract_to_confirm").notNull().default(true),
    supplementRequested: boolean("supplement_requested").notNull().default(true),
    digest: boolean("digest").notNull().default(true),
    version: version(),
    ...timestamps(),
  },
  () => [known("mail_preferences_language_known", "language", mailLanguages)],
);
