/** The outbox: who is written what, when, and how often it is tried. */
import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { instantIn, nowInstant, today } from "../../lib/clock.ts";
import { chance, newId } from "../../lib/ids.ts";
import { issueMailedToken } from "../sessions/sessions.service.ts";
import { type Letter, letterOf } from "./mail.texts.ts";
import * as store from "./outbox.store.ts";

/** Seconds after which a mail is tried again, by the tries that failed: over two days in all. */
const pauses = [1, 5, 30, 120, 360, 720, 1440].map((minutes) => minutes * 60);

/** Mails of one go; each has a connection of the pool for a while, so they end within the lease. */
const atOnce = 20;

/** Seconds for which a mail is this process's to try: if it dies, another one takes it up then. */
const lease = 600;

/** Mails to organizations that are addressed at once. */
const addressedAtOnce = 50;

/** Makes of what organizations are to be told what their people are. @returns whether there may be more */
export const addressMails = async (tx: Executor): Promise<boolean> =>
  (await store.addressMails(tx, addressedAtOnce)) === addressedAtOnce;

/** Takes some mails that are due for this process. @returns their ids */
export const takeMails = (tx: Executor): Promise<string[]> =>
  store.takeMails(tx, { now: nowInstant(), until: instantIn(lease), limit: atOnce });

/**
 * What mails are to say. Those that need not go out any more, because the matter is settled or nobody wants to
 * hear of it, are removed.
 */
export async function readMails(db: Executor, ids: readonly string[]): Promise<store.Outgoing[]> {
  const found = await store.selectOutgoing(db, ids, today());
  const isToGo = ({ isWanted, items, kind }: store.Outgoing) =>
    isWanted && (isAboutAccount(kind) || (items?.length ?? 0) > 0);
  const idle = found.filter((mail) => !isToGo(mail)).map(({ id }) => id);
  if (idle.length > 0) await store.deleteMails(db, idle);
  return found.filter(isToGo);
}

const isLink = (kind: store.Outgoing["kind"]) => kind === "invitation" || kind === "password_reset";
const isAboutAccount = (kind: store.Outgoing["kind"]) =>
  isLink(kind) || kind === "password_changed";

/** What letters say of this market. */
export interface Sender {
  publicUrl: string;
  linkPage: string | null;
}

/**
 * Writes a letter. One with a link makes its token now, so that nothing keeps it but the letter.
 * @returns null when the link works no more: the mail is removed
 */
export async function writeLetter(
  tx: Executor,
  mail: store.Outgoing,
  sender: Sender,
): Promise<Letter | null> {
  if (!isLink(mail.kind)) return letterOf(mail, null, sender);
  const link = mail.linkHash === null ? null : await issueMailedToken(tx, mail.linkHash);
  if (link) return letterOf(mail, link, sender);
  await store.deleteMails(tx, [mail.id]);
  return null;
}

/** Notes that a mail went out. */
export const noteSent = (db: Executor, { id }: { id: string }): Promise<unknown> =>
  store.endMail(db, id, "sent", null);

/**
 * Notes that a mail did not go out: it is tried again later and later, and given up in the end.
 * @param isFinal the server said that it never will
 * @returns whether it was given up
 */
export async function noteFailure(
  db: Executor,
  { id, attempts }: { id: string; attempts: number },
  reason: string,
  isFinal: boolean,
): Promise<boolean> {
  const pause = pauses[attempts - 1];
  if (isFinal || pause === undefined) {
    await store.endMail(db, id, "given_up", reason);
    return true;
  }
  // Those of one outage do not come back all at once.
  await store.postponeMail(db, id, instantIn(pause * (1 + chance() / 10)), reason);
  return false;
}

/** What is due. */
export const readBacklog = (db: Executor) => store.selectBacklog(db, nowInstant());

/** People who are to have a digest of today. */
export const takeDigestReaders = (tx: Executor, take: Take) =>
  store.selectDigestReaders(tx, today(), take);

/** Puts their digests into the outbox. */
export const writeDigests = (
  tx: Executor,
  readers: readonly { id: string; organizationId: string }[],
): Promise<void> =>
  store.insertDigests(
    tx,
    readers.map(({ id, organizationId }) => ({
      id: newId(),
      kind: "digest" as const,
      organizationId,
      memberId: id,
      day: today(),
    })),
  );

/** Mails that ended more than thirty days ago. */
export const takeOldMails = (tx: Executor, take: Take) =>
  store.lockEnded(tx, instantIn(-30 * 24 * 60 * 60), take);

export const removeMails = (tx: Executor, rows: readonly { id: string }[]): Promise<unknown> =>
  store.deleteMails(
    tx,
    rows.map(({ id }) => id),
  );
