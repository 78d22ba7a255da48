/** Callers of a market that is being troubled: keyed writes and reads at a steady rate, all of it noted. */
import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { advance, type Deal, isFinished, newDeal } from "../kill-test/deals.ts";
import { type Caller, expect } from "../tour/caller.ts";
import type { Cast } from "../tour/cast.ts";
import type { Market, Member } from "./market.ts";
import { type Answer, isDone, openTally, type Request, type Tally } from "./tally.ts";

/** A listing that was asked for, under a key and a title of its own. */
export interface Written {
  noun: "result" | "need";
  title: string;
  isAcknowledged: boolean;
}

/** A file that was sent, under a key and with bytes of its own. */
export interface Sent {
  resultId: string;
  name: string;
  sha256: string;
  isAcknowledged: boolean;
}

export interface Rates {
  writes: number;
  reads: number;
}

export interface Load {
  tally: Tally;
  written: Written[];
  sent: Sent[];
  deals: Deal[];
  /** Writes that others than the office's were refused with 503: of a locked row they should be none. */
  others: { asked: number; refused: number };
  /** Seconds until every process that serves has acknowledged a write which was sent after an instant. */
  recovery: (since: number) => Promise<number | null>;
  /** Sends nothing more and waits for what is under way. */
  stop: () => Promise<void>;
  /** Asks again, with the same keys, for all that was not acknowledged. */
  settle: () => Promise<void>;
}

/** Requests under way at most, of each kind. */
const mostUnderWay = 150;

/** Seconds that a recovery is waited for. */
const longestRecovery = 15;

/** Files that one listing takes. */
const filesEach = 40;

class GivenUp extends Error {}

const pdfOf = (text: string) =>
  `%PDF-1.4\n% ${text}\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n`;

/** @param name of the trial: it makes titles and keys its own */
export function startLoad(market: Market, name: string, { writes, reads }: Rates): Load {
  const { cast } = market;
  const tally = openTally();
  const written: Written[] = [];
  const sent: Sent[] = [];
  const deals: Deal[] = [];
  const others = { asked: 0, refused: 0 };
  const acknowledged: { member: Member; sentAt: number; at: number }[] = [];
  const underWay = new Set<Promise<unknown>>();
  let isStopping = false;
  let turn = 0;

  const serving = () => market.members.filter((member) => member.isServing());
  const pick = (): Member | undefined => {
    const all = serving();
    return all[turn++ % all.length];
  };
  const begin = (work: Promise<unknown>) => {
    const noted = work.catch((error: unknown) => {
      if (!(error instanceof GivenUp)) tally.fault(String(error));
    });
    underWay.add(noted);
    void noted.finally(() => underWay.delete(noted));
  };

  async function ask(member: Member, caller: Caller, request: Request): Promise<Answer> {
    const sentAt = performance.now();
    const answer = await tally.send(member, caller, request);
    const isWrite = request.method !== "GET";
    if (isWrite && isDone(answer)) acknowledged.push({ member, sentAt, at: performance.now() });
    return answer;
  }

  /** Asks again with the same key until it is acknowledged: what a caller is told to do. */
  async function persist(caller: Caller, request: () => Request): Promise<Answer> {
    for (;;) {
      const member = pick();
      if (member) {
        const answer = await ask(member, caller, request());
        if (isDone(answer)) return answer;
        const isOver = answer.status !== null && ![409, 503, 507].includes(answer.status);
        if (isOver || isStopping) throw new GivenUp();
        await setTimeout(Math.min(answer.retryAfter, 1) * 1000);
      } else {
        if (isStopping) throw new GivenUp();
        await setTimeout(100);
      }
    }
  }

  const requestOf = ({ noun, title }: Written): Request => ({
    method: "POST",
    path: `/v1/${noun}s`,
    body: { title },
    headers: { "idempotency-key": title },
  });
  const ownerOf = ({ noun }: Written) => (noun === "result" ? cast.office : cast.enterprise);

  /** One try to write a listing, at one process: what is not acknowledged is settled in the end. */
  async function write(member: Member, caller: Caller, one: Written): Promise<void> {
    const answer = await ask(member, caller, requestOf(one));
    one.isAcknowledged ||= isDone(answer);
    if (one.noun !== "need") return;
    others.asked += 1;
    if (answer.status === 503) others.refused += 1;
  }

  const uploadOf = ({ resultId, name: fileName }: Sent): Request => {
    const body = new FormData();
    body.append("file", new File([pdfOf(fileName)], fileName, { type: "application/pdf" }));
    const query = new URLSearchParams({ subjectType: "result", subjectId: resultId });
    const headers = { "idempotency-key": fileName };
    return { method: "POST", path: `/v1/attachments?${query}`, body, headers };
  };

  let shelf: Promise<string> | null = null;
  let uploads = 0;
  async function upload(number: number): Promise<void> {
    if (!shelf || uploads++ % filesEach === 0) {
      const title = `${name} files ${number}`;
      const one: Written = { noun: "result", title, isAcknowledged: false };
      shelf = persist(cast.office, () => requestOf(one)).then(({ body }) => {
        written.push({ ...one, isAcknowledged: true });
        return body.id as string;
      });
      shelf.catch(() => {
        shelf = null;
      });
    }
    const fileName = `${name} ${number}.pdf`;
    const sha256 = createHash("sha256").update(pdfOf(fileName)).digest("hex");
    const one: Sent = { resultId: await shelf, name: fileName, sha256, isAcknowledged: false };
    sent.push(one);
    await persist(cast.office, () => uploadOf(one));
    one.isAcknowledged = true;
  }

  const persistent = (caller: Caller): Caller => ({
    ...caller,
    call: async (method, path, { body, headers } = {}) => {
      const answer = await persist(caller, () => ({ method, path, body, headers }));
      return { ...answer, status: answer.status ?? 0 };
    },
  });
  const persisting = Object.fromEntries(
    Object.entries(cast).map(([key, one]) => [
      key,
      typeof one === "string" ? one : persistent(one),
    ]),
  ) as unknown as Cast;

  async function deal(): Promise<void> {
    const resting = deals.find((one) => !isFinished(one) && !busy.has(one));
    const one = resting ?? newDeal(market.nextDeal());
    if (!resting) deals.push(one);
    busy.add(one);
    try {
      await advance(persisting, one);
    } finally {
      busy.delete(one);
    }
  }
  const busy = new Set<Deal>();
  const mostDeals = 8;

  const readings: readonly [keyof Cast, string][] = [
    ["public", "/v1/results?limit=20"],
    ["public", "/v1/taxonomies/technology-fields"],
    ["office", "/v1/results?scope=own&limit=20"],
    ["enterprise", "/v1/me"],
    ["public", "/v1/needs?limit=20"],
    ["firstReviewer", "/v1/registrations?limit=20"],
    ["firstReviewer", "/v1/statistics/contract-volume"],
  ];

  /** Calls at a steady rate, as long as not too much is under way. */
  async function every(rate: number, call: (number: number) => Promise<unknown> | null) {
    const began = performance.now();
    let running = 0;
    for (let number = 0; !isStopping; number++) {
      const due = began + (number * 1000) / rate;
      const wait = due - performance.now();
      if (wait > 0) await setTimeout(wait);
      if (running >= mostUnderWay) continue;
      const work = call(number);
      if (!work) continue;
      running += 1;
      begin(work.finally(() => running--));
    }
  }

  const ticking = [
    // Of ten writes six are listings, one by one at each process, three steps of deals, one a file.
    every(writes, (number) => {
      const kind = number % 10;
      if (kind === 9) return upload(number);
      if (kind % 3 === 2) return busy.size < mostDeals ? deal() : null;
      const member = pick();
      if (!member) return null;
      const noun = number % 4 < 2 ? "result" : "need";
      const one: Written = { noun, title: `${name} ${number}`, isAcknowledged: false };
      written.push(one);
      return write(member, ownerOf(one), one);
    }),
    every(reads, (number) => {
      const [who, path] = readings[number % readings.length] ?? ["public", "/v1/results"];
      const caller = cast[who];
      const member = pick();
      return member && typeof caller === "object"
        ? tally.send(member, caller, { method: "GET", path })
        : null;
    }),
  ];

  async function recovery(since: number): Promise<number | null> {
    for (;;) {
      const firsts = serving().map(
        (member) => acknowledged.find((one) => one.member === member && one.sentAt >= since)?.at,
      );
      const isBack = firsts.length > 0 && firsts.every((at) => at !== undefined);
      if (isBack) return Math.max(...firsts.map((at) => (at ?? 0) - since)) / 1000;
      if (performance.now() - since > longestRecovery * 1000) return null;
      await setTimeout(20);
    }
  }

  async function stop(): Promise<void> {
    isStopping = true;
    await Promise.all(ticking);
    await Promise.all(underWay);
  }

  async function settle(): Promise<void> {
    const until = performance.now() + 30_000;
    const again = async (what: string, attempt: () => Promise<boolean>) => {
      for (;;) {
        if (await attempt().catch(() => false)) return;
        expect(performance.now() < until, `${what} is refused for ever`);
        await setTimeout(200);
      }
    };
    for (const one of written.filter((each) => !each.isAcknowledged)) {
      await again(one.title, async () => {
        const member = pick();
        return member !== undefined && isDone(await ask(member, ownerOf(one), requestOf(one)));
      });
    }
    for (const one of sent.filter((each) => !each.isAcknowledged)) {
      await again(one.name, async () => {
        const member = pick();
        return member !== undefined && isDone(await ask(member, cast.office, uploadOf(one)));
      });
    }
    for (const one of deals.filter((each) => !isFinished(each))) {
      await again(one.name, async () => {
        await advance(persisting, one);
        return true;
      });
    }
  }

  return { tally, written, sent, deals, others, recovery, stop, settle };
}
