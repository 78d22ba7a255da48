import { attachments } from "../../../db/schema/attachments.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow } from "../../database/rows.ts";
import { type Actor, isOperator, systemOrigin } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { AppError, type Noun } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import type { FileStore, Received, StoredFile } from "../../storage/files.ts";
import { DamagedFile } from "../../storage/stored-file.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { isContractReader } from "../contracts/contracts.service.ts";
import {
  authorizeContractFile,
  authorizeContractFileRemoval,
  contractFileAdded,
} from "../contracts/files.service.ts";
import {
  authorizeRegistrationFile,
  isRegistrationReader,
} from "../registrations/registrations.service.ts";
import type { Attachment, Subject, UploadQuery } from "./attachments.schema.ts";
import * as store from "./attachments.store.ts";
import { sniff, takenEndings } from "./attachments.types.ts";

/** Files that one subject has at most. */
const most = 50;

const toAttachment = ({ createdBy: _, ...row }: store.AttachmentRow): Attachment => row;

const missing = (noun: Noun) => new AppError(`${noun}.not_found`);

/** What may be told of a file to others than who attached it. */
interface Permission {
  revision: number | null;
  readers: (string | null)[];
  confidential: boolean;
}

const plain: Permission = { revision: null, readers: [], confidential: false };

/** Purposes that a listing's file may have. */
const listingPurposes = new Set(["document"]);
const casePurposes = new Set(["document", "supplement"]);

const otherPurpose = (purposes: ReadonlySet<string>): AppError =>
  new AppError("attachment.locked", {
    detail: {
      en: `Its files have one of these purposes: ${[...purposes].join(", ")}.`,
      zh: `此处附件的用途须为以下之一：${[...purposes].join("、")}。`,
    },
  });

/**
 * Whether the caller may attach such a file now. Asked before the bytes are read, and again, with locks
 * that hold, when the file is written down.
 * @throws AppError `<noun>.not_found` (404), `<noun>.not_owner` (403), `attachment.locked`,
 *   `attachment.limit`, `organization.file_quota` (409), `auth.person_required` (403)
 * @param quota bytes that the caller's organization may have
 */
export async function authorizeUpload(
  tx: Executor,
  call: Call,
  query: UploadQuery,
  quota: number,
): Promise<Permission> {
  const permission = await permit(tx, call, query);
  if ((await store.countAttachments(tx, query)) >= most) {
    const detail = {
      en: `It has ${most} files, and no more can be added.`,
      zh: `已有 ${most} 个文件，上限 ${most} 个。`,
    };
    throw new AppError("attachment.limit", { detail });
  }
  await assertRoomForFile(tx, call, quota, 1);
  return permission;
}

async function assertRoomForFile(
  tx: Executor,
  { actor: { organizationId, role } }: Call,
  quota: number,
  size: number,
): Promise<void> {
  // An office keeps what belongs to others' cases.
  if (role === "registry") return;
  const bytes = await store.sumBytes(tx, organizationId);
  if (bytes + size > quota) {
    const detail = {
      en: `${bytes} bytes of ${quota} are used.`,
      zh: `已使用 ${bytes} 字节，上限 ${quota} 字节。`,
    };
    throw new AppError("organization.file_quota", { detail });
  }
}

async function permit(tx: Executor, call: Call, query: UploadQuery): Promise<Permission> {
  const { actor } = call;
  const { subjectType, subjectId, purpose } = query;
  if (subjectType === "contract") {
    // It speaks for a party, which only a person may do, never a machine.
    const isWord = purpose === "signed_copy" || purpose === "cancellation_copy";
    if (isWord && actor.kind === "client") throw new AppError("auth.person_required");
    return authorizeContractFile(tx, call, subjectId, query);
  }
  if (subjectType === "registration") {
    if (!casePurposes.has(purpose)) throw otherPurpose(casePurposes);
    return { ...plain, ...(await authorizeRegistrationFile(tx, call, subjectId)) };
  }
  const { organizationId } = await readableListing(tx, actor, subjectType, subjectId);
  if (organizationId !== actor.organizationId) throw new AppError(`${subjectType}.not_owner`);
  if (!listingPurposes.has(purpose)) throw otherPurpose(listingPurposes);
  return plain;
}

/** @throws AppError `result.not_found`, `need.not_found` (404) for one that the caller may not read */
async function readableListing(
  db: Executor,
  actor: Actor | null,
  noun: "result" | "need",
  id: string,
): Promise<store.ListingAccess> {
  const found = await store.selectListingAccess(db, noun, id, actor?.organizationId ?? null);
  if (!found || !readsListing(actor, found)) throw missing(noun);
  return found;
}

const readsListing = (
  actor: Actor | null,
  { isOpen, organizationId }: store.ListingAccess,
): boolean => isOpen || organizationId === actor?.organizationId || isOperator(actor);

/** Which files of a subject the caller may see. @throws AppError `<noun>.not_found` (404) */
async function seeing(
  db: Executor,
  actor: Actor | null,
  { subjectType, subjectId }: Subject,
): Promise<(file: store.AttachmentRow) => boolean> {
  if (subjectType === "contract" || subjectType === "registration") {
    const isReader = subjectType === "contract" ? isContractReader : isRegistrationReader;
    if (!actor || !(await isReader(db, actor, subjectId))) throw missing(subjectType);
    return () => true;
  }
  return seeingIn(actor, await readableListing(db, actor, subjectType, subjectId));
}

/** Which files of a listing the caller may see who may read it. */
function seeingIn(
  actor: Actor | null,
  listing: store.ListingAccess,
): (file: store.AttachmentRow) => boolean {
  if (isOperator(actor) || listing.organizationId === actor?.organizationId) return () => true;
  const { anonymous, accepted, acceptedUntil } = listing;
  return ({ visibility, createdAt }) => {
    // What was seen stays in view when a match came to nothing; what is added later is not meant for them.
    const isMeant = accepted || (acceptedUntil !== null && createdAt <= acceptedUntil);
    if (isMeant) return true;
    return (
      !anonymous && (visibility === "public" || (visibility === "signed_in" && actor !== null))
    );
  };
}

/**
 * Writes down a file whose bytes have come in. They are kept by their hash in the same transaction,
 * under a lock on it, so that nobody removes them meanwhile.
 * @throws AppError as `authorizeUpload`
 */
export async function createAttachment(
  tx: Executor,
  call: Call,
  files: FileStore,
  query: UploadQuery,
  file: Received & { fileName: string; mediaType: string },
  quota: number,
): Promise<Attachment> {
  const { actor } = call;
  await store.lockFilesOf(tx, actor.organizationId);
  await store.lockSubject(tx, query);
  const { readers, confidential, revision } = await authorizeUpload(tx, call, query, quota);
  await assertRoomForFile(tx, call, quota, file.size);
  await store.lockBytes(tx, file.sha256);
  await files.keep(file);
  const { subjectType, subjectId, purpose, visibility } = query;
  const { fileName, mediaType, size, sha256 } = file;
  const after = await insertRow(tx, attachments, {
    id: newId(),
    organizationId: actor.organizationId,
    createdBy: actor.kind === "member" ? actor.id : null,
    ...{ subjectType, subjectId, purpose, visibility, revision },
    ...{ fileName, mediaType, size, sha256 },
  });
  await recordAudit(tx, call, {
    type: "attachment.create",
    subject: after,
    readers,
    confidential,
    before: null,
    after,
  });
  if (subjectType === "contract") await contractFileAdded(tx, call, subjectId, after.id, query);
  return toAttachment(after);
}

/**
 * What kind of file has come in.
 * @throws AppError `attachment.type_refused` (415)
 */
export async function typeOf(file: Received, fileName: string): Promise<string> {
  const type = await sniff(file.path, fileName);
  if (!type) {
    const detail = {
      en: `What is taken, where bytes and ending fit: ${takenEndings.join(", ")}.`,
      zh: `可上传的类型（内容须与扩展名一致）：${takenEndings.join("、")}。`,
    };
    throw new AppError("attachment.type_refused", { detail });
  }
  return type;
}

/** Files of a subject, as far as the caller may see them. */
export async function listAttachments(db: Executor, actor: Actor | null, subject: Subject) {
  const sees = await seeing(db, actor, subject);
  const rows = await store.selectAttachments(db, subject);
  return { data: rows.filter(sees).map(toAttachment) };
}

/** Files of several results or needs, as far as the caller may see them; of one that it may not read none at all. */
export const filesOfListings =
  (noun: "result" | "need") =>
  async (db: Executor, actor: Actor | null, ids: readonly string[]) => {
    const [listings, rows] = await Promise.all([
      store.selectListingAccesses(db, noun, ids, actor?.organizationId ?? null),
      store.selectAttachmentsOf(db, noun, ids),
    ]);
    const files = groupBySubject(rows);
    return new Map(
      listings
        .filter((listing) => readsListing(actor, listing))
        .map((listing) => {
          const sees = seeingIn(actor, listing);
          return [listing.id, (files.get(listing.id) ?? []).filter(sees).map(toAttachment)];
        }),
    );
  };

/** Files of several contracts or cases. @param ids of those that the caller has been found to read */
export const filesOfDeals =
  (noun: "contract" | "registration") =>
  async (db: Executor, actor: Actor | null, ids: readonly string[]) => {
    if (actor === null) return new Map<string, Attachment[]>();
    const files = groupBySubject(await store.selectAttachmentsOf(db, noun, ids));
    return new Map(ids.map((id) => [id, (files.get(id) ?? []).map(toAttachment)]));
  };

function groupBySubject(rows: readonly store.AttachmentRow[]) {
  const groups = new Map<string, store.AttachmentRow[]>();
  for (const row of rows) groups.set(row.subjectId, [...(groups.get(row.subjectId) ?? []), row]);
  return groups;
}

/** @throws AppError `attachment.not_found` (404) for one that the caller may not see */
export async function readAttachment(
  db: Executor,
  actor: Actor | null,
  id: string,
): Promise<Attachment> {
  const row = await store.selectAttachment(db, id);
  if (!row) throw missing("attachment");
  const sees = await seeing(db, actor, row).catch((error: unknown) => {
    // Who may not see it does not learn whose it is.
    if (error instanceof AppError) throw missing("attachment");
    throw error;
  });
  if (!sees(row)) throw missing("attachment");
  return toAttachment(row);
}

/**
 * Opens the bytes of a file that the caller may see.
 * @throws AppError `attachment.not_found` (404) when it was taken away meanwhile
 * @throws DamagedFile when they are not what was uploaded
 */
export async function openAttachment(
  db: Executor,
  files: FileStore,
  actor: Actor | null,
  file: Attachment,
): Promise<StoredFile> {
  try {
    return await files.open(file);
  } catch (error) {
    if (error instanceof DamagedFile) await readAttachment(db, actor, file.id);
    throw error;
  }
}

/**
 * Puts bytes that have come in again in the place of those that rows refer to, which may be damaged.
 * In a transaction of its own: the upload may turn out to be one that was answered before.
 */
export async function mendBytes(tx: Executor, files: FileStore, received: Received): Promise<void> {
  await store.lockBytes(tx, received.sha256);
  if (await store.isReferred(tx, received.sha256)) await files.keep(received);
}

/**
 * Takes a file away. Its bytes go once nothing refers to them any more (`releaseBytes`).
 * @throws AppError `attachment.not_found` (404), `attachment.not_owner` (403), `attachment.locked` (409)
 */
export async function deleteAttachment(
  tx: Executor,
  call: Call,
  id: string,
): Promise<{ sha256: string }> {
  const { actor } = call;
  const found = await readAttachment(tx, actor, id);
  if (found.organizationId !== actor.organizationId) throw new AppError("attachment.not_owner");
  const { subjectType, subjectId } = found;
  if (subjectType === "registration") {
    const detail = { en: "A file of a registration stays.", zh: "登记案件的附件不可删除。" };
    throw new AppError("attachment.locked", { detail });
  }
  const who =
    subjectType === "contract"
      ? await authorizeContractFileRemoval(tx, call, subjectId, found)
      : { readers: [], confidential: false };
  const before = await store.deleteAttachment(tx, id);
  if (!before) throw missing("attachment");
  await recordAudit(tx, call, {
    type: "attachment.delete",
    subject: before,
    ...who,
    before,
    after: null,
  });
  return { sha256: before.sha256 };
}

export const takeLostAttachments = store.lockLost;

/** Takes away the files of listings that were deleted: a draft takes its files along. */
export async function deleteLostAttachments(
  tx: Executor,
  lost: readonly store.AttachmentRow[],
): Promise<void> {
  for (const before of lost) {
    await store.deleteAttachment(tx, before.id);
    await recordAudit(tx, systemOrigin, {
      type: "attachment.delete",
      subject: before,
      before,
      after: null,
    });
  }
}

/**
 * Removes bytes that no row refers to. In a transaction of its own, after the one that let them go. While
 * a backup copies what its rows refer to nothing is removed: the sweep does it later.
 */
export async function releaseBytes(tx: Executor, files: FileStore, sha256: string): Promise<void> {
  if (!(await store.mayRemove(tx))) return;
  await store.lockBytes(tx, sha256);
  if (!(await store.isReferred(tx, sha256))) await files.remove(sha256);
}
