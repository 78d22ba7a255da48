import { eq } from "drizzle-orm";
import { mailPreferences } from "../../../db/schema/mails.ts";
import { members } from "../../../db/schema/members.ts";
import type { Executor } from "../../database/connect.ts";

export type PreferencesRow = typeof mailPreferences.$inferSelect;

/** A person's e-mail and preferences; those are null as long as nothing was chosen. */
export const selectPreferences = async (db: Executor, memberId: string) =>
  (
    await db
      .select({ email: members.email, chosen: mailPreferences })
      .from(members)
      .leftJoin(mailPreferences, eq(mailPreferences.id, members.id))
      .where(eq(members.id, memberId))
  )[0];

/** A person's preferences, locked; those of somebody who has chosen nothing are written first. */
export async function lockPreferences(tx: Executor, memberId: string): Promise<PreferencesRow> {
  await tx.insert(mailPreferences).values({ id: memberId }).onConflictDoNothing();
  const own = eq(mailPreferences.id, memberId);
  const [row] = await tx.select().from(mailPreferences).where(own).for("update");
  if (!row) throw new Error("preferences that were just written are there");
  return row;
}
