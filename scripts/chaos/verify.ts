/** After the trouble: whether everything that was acknowledged is there, once, and the market is whole. */
import { createHash } from "node:crypto";
import { assertKept } from "../kill-test/deals.ts";
import { assertWhole } from "../kill-test/whole.ts";
import { type Caller, TourFailure } from "../tour/caller.ts";
import type { Load } from "./load.ts";
import type { Market } from "./market.ts";

export interface Kept {
  acknowledged: number;
  lost: number;
  doubled: number;
  faults: string[];
}

/** How often each title stands among somebody's own listings. */
async function titlesOf(caller: Caller, noun: "result" | "need"): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  let cursor = "";
  for (;;) {
    const query = new URLSearchParams({ scope: "own", limit: "100", ...(cursor && { cursor }) });
    const { data, page } = await caller.get(`/v1/${noun}s?${query}`);
    for (const { title } of data) found.set(title, (found.get(title) ?? 0) + 1);
    if (!page.hasMore) return found;
    cursor = page.next;
  }
}

async function digestOf(caller: Caller, id: string): Promise<string> {
  const { text } = await caller.call("GET", `/v1/attachments/${id}/content`);
  return createHash("sha256").update(text).digest("hex");
}

/**
 * Looks at everything that a load wrote, once it has settled. What was not acknowledged at first was asked
 * for again with its key, so all of it must be there exactly once.
 */
export async function verify({ cast }: Market, load: Load): Promise<Kept> {
  const faults: string[] = [];
  let [lost, doubled] = [0, 0];
  const hold = (what: string, times: number) => {
    if (times === 1) return;
    if (times === 0) lost += 1;
    else doubled += times - 1;
    faults.push(`${what} is there ${times} times`);
  };
  const titles = {
    result: await titlesOf(cast.office, "result"),
    need: await titlesOf(cast.enterprise, "need"),
  };
  for (const { noun, title } of load.written) hold(title, titles[noun].get(title) ?? 0);

  const subjects = new Set(load.sent.map(({ resultId }) => resultId));
  for (const subjectId of subjects) {
    const query = new URLSearchParams({ subjectType: "result", subjectId });
    const { data } = await cast.office.get(`/v1/attachments?${query}`);
    for (const { name, sha256 } of load.sent.filter((one) => one.resultId === subjectId)) {
      const found = data.filter(({ fileName }: { fileName: string }) => fileName === name);
      hold(name, found.length);
      if (found.length === 0) continue;
      const digest = await digestOf(cast.office, found[0].id).catch(() => "cannot be read");
      if (digest === sha256) continue;
      lost += 1;
      faults.push(`${name}: its bytes are not those that were sent`);
    }
  }

  const broken = (error: unknown) => {
    if (!(error instanceof TourFailure)) throw error;
    faults.push(error.message);
  };
  for (const deal of load.deals) {
    await assertKept(cast, deal).catch((error: unknown) => {
      lost += 1;
      broken(error);
    });
  }
  await assertWhole(cast).catch(broken);
  const count = (all: { isAcknowledged: boolean }[]) =>
    all.filter(({ isAcknowledged }) => isAcknowledged).length;
  const steps = load.deals.reduce((sum, { done }) => sum + done, 0);
  return {
    acknowledged: count(load.written) + count(load.sent) + steps,
    lost,
    doubled,
    faults: faults.slice(0, 10),
  };
}
