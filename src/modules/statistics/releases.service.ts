/**
 * When the public view of a quarter that is over changes: in releases, because who reads it before and after a
 * single correction has the corrected contract's amounts (docs/decisions/018-public-figures-in-releases.md).
 */
import type { Executor } from "../../database/connect.ts";
import { hastenJob } from "../../database/job-runs.ts";
import { addYears, dayOf, nowInstant, today } from "../../lib/clock.ts";
import * as store from "./releases.store.ts";
import { lastClosedDay, sealedState } from "./statistics.service.ts";

/** The job that makes releases. */
export const releaseJob = "statistics.release";

/** Fewest contracts whose corrections are released together, as fewest parties of a figure that is shown. */
const fewest = 3;

/** Has the job look as soon as a process is free. */
export const hastenRelease = (tx: Executor) => hastenJob(tx, releaseJob);

/** The days of a quarter: `2026-Q1` is 2026-01-01 to 2026-03-31. */
function daysOf(quarter: string): [string, string] {
  const [year, month] = [Number(quarter.slice(0, 4)), Number(quarter.slice(-1)) * 3];
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  return [day(Date.UTC(year, month - 3, 1)), day(Date.UTC(year, month, 0))];
}

/**
 * Whether so many corrections since a release are released: three at least, or what there is once a year.
 * @param releasedAt of the release before
 */
export const isReleaseDue = (corrected: number, releasedAt: string): boolean =>
  corrected >= fewest || (corrected > 0 && addYears(dayOf(releasedAt), 1) <= today());

/**
 * Releases the quarters that have come to an end, and again those that were corrected often enough, as the sealed
 * log has them.
 * @returns the quarters
 */
export async function releaseVolume(tx: Executor): Promise<string[]> {
  await store.lockReleases(tx);
  const day = lastClosedDay();
  const candidates = await store.selectCandidates(tx, day);
  if (candidates.length === 0) return [];
  const { position, floor } = await sealedState(tx);
  const { last, since } = await store.selectReleaseSpan(tx);
  const isWaiting = await store.hasUnsealed(tx, day, floor);
  const due: string[] = [];
  for (const { quarter, ...before } of candidates) {
    if (before.position === null && (last === null || quarter > last)) {
      // It has just ended. What is not sealed yet belongs to it, and would be its first correction.
      if (!isWaiting) due.push(quarter);
      continue;
    }
    // Nothing was registered in it when it ended, which was public: what comes late is a correction.
    const after = before.position ?? 0;
    const corrected = await store.countCorrected(tx, daysOf(quarter), after, position);
    if (isReleaseDue(corrected, before.releasedAt ?? since ?? nowInstant())) due.push(quarter);
  }
  if (due.length === 0) return [];
  const releasedAt = nowInstant();
  await store.upsertReleases(
    tx,
    due.map((quarter) => ({ quarter, position, releasedAt })),
  );
  for (const year of new Set(due.map((quarter) => quarter.slice(0, 4)))) {
    await store.rewriteYear(tx, year);
  }
  await store.rewriteWhole(tx);
  return due;
}
