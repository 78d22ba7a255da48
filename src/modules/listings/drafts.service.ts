/** How many drafts an organization may have, also of many who draft at once. */
import type { ListingTable } from "../../../db/schema/listings.ts";
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { AppError } from "../../lib/errors.ts";
import * as store from "./listings.store.ts";

/** Drafts of each noun that an organization has at most, before and after it was verified. */
export interface DraftQuota {
  verified: number;
  unverified: number;
}

/**
 * From so many below the quota on, those who draft at once take turns: fifty of them, beside one batch of
 * a hundred that is not stored yet and so is not counted by them.
 */
const nearQuota = 150;

/** Milliseconds for which a count is gone by. */
const countLife = 60_000;

/** Organizations whose counts are remembered. */
const rememberedMost = 10_000;

/**
 * How many more drafts an organization may have before they are counted again. This process gives away an
 * eighth of what is left at a time, so that several together stay below where turns are taken.
 */
const spare = new Map<string, { left: number; until: number }>();

/** Whether one of the drafts that may be made without counting is left; it is gone then. */
function takeSpare(key: string): boolean {
  const known = spare.get(key);
  if (!known || known.left < 1 || known.until < performance.now()) return false;
  known.left -= 1;
  return true;
}

/**
 * That the caller's organization may have one more draft.
 * @throws AppError `organization.draft_quota` (409)
 */
export async function assertRoomForDraft(
  tx: Executor,
  actor: Actor,
  { noun, table }: { noun: "result" | "need"; table: ListingTable },
  quota: DraftQuota | undefined,
): Promise<void> {
  if (!quota) return;
  const { organizationId } = actor;
  const { most, key } = limitOf(actor, noun, quota);
  if (takeSpare(key)) return;
  const count = () => store.countDrafts(tx, table, noun, organizationId, most);
  const free = most - nearQuota - (await count());
  if (free > 0) {
    if (spare.size >= rememberedMost) spare.clear();
    spare.set(key, { left: Math.floor(free / 8), until: performance.now() + countLife });
    return;
  }
  await store.lockDrafts(tx, noun, organizationId);
  if ((await count()) >= most) throw tooMany(most);
}

/**
 * Room for the drafts of a batch: those that there are are counted once, and whoever else drafts near the
 * quota waits until the batch is stored.
 * @returns what makes one draft of it. @throws AppError `organization.draft_quota` (409) when no room is left
 */
export async function roomForDrafts(
  tx: Executor,
  actor: Actor,
  { noun, table }: { noun: "result" | "need"; table: ListingTable },
  quota: DraftQuota | undefined,
): Promise<<T>(make: () => Promise<T>) => Promise<T>> {
  if (!quota) return (make) => make();
  const { organizationId } = actor;
  const { most, key } = limitOf(actor, noun, quota);
  // What could be made without counting was reckoned without this batch.
  spare.delete(key);
  await store.lockDrafts(tx, noun, organizationId);
  let left = most - (await store.countDrafts(tx, table, noun, organizationId, most));
  return async (make) => {
    if (left < 1) throw tooMany(most);
    const made = await make();
    left -= 1;
    return made;
  };
}

/** How many drafts an organization may have, and what it is remembered under. */
function limitOf({ organizationId, organizationStatus }: Actor, noun: string, quota: DraftQuota) {
  const most = organizationStatus === "verified" ? quota.verified : quota.unverified;
  return { most, key: `${noun} ${most} ${organizationId}` };
}

const tooMany = (most: number) =>
  new AppError("organization.draft_quota", {
    detail: { en: `It can have ${most} drafts.`, zh: `草稿最多 ${most} 件。` },
  });
