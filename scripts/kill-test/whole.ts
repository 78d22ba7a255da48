/** What must hold of a market whatever happened to it: numbers, sums, feed and log. */
import { setTimeout } from "node:timers/promises";
import { type Body, expect } from "../tour/caller.ts";
import type { Cast } from "../tour/cast.ts";

/** How many cases came to be registered, and what of it is left. */
interface Counts {
  registered: number;
  amended: number;
  cancelled: number;
  revoked: number;
}

/** Everything that has a number, ended or not. */
async function numbered(cast: Cast): Promise<Body[]> {
  const found: Body[] = [];
  let cursor = "";
  for (;;) {
    const query = new URLSearchParams({
      "status[in]": "registered,cancelled,revoked",
      limit: "100",
      ...(cursor && { cursor }),
    });
    const { data, page } = await cast.firstReviewer.get(`/v1/registrations?${query}`);
    found.push(...data);
    if (!page.hasMore) return found;
    cursor = page.next;
  }
}

/** What the pull feed has told so far, by kind. */
async function fed(cast: Cast): Promise<Counts> {
  const counts: Counts = { registered: 0, amended: 0, cancelled: 0, revoked: 0 };
  let after = "0";
  for (;;) {
    const path = `/v1/registry/contracts?limit=1000&after=${after}`;
    const { data, page } = await cast.firstReviewer.get(path);
    for (const { kind } of data) counts[kind as keyof Counts] += 1;
    if (!page.hasMore) return counts;
    after = page.next;
  }
}

const fen = ({ totalAmount }: Body): bigint => BigInt(totalAmount.amount.replace(".", ""));

/**
 * Numbers are those from 1 on, each once; the log's chain is whole; the volume is the sum over what is
 * registered; the feed tells every registration and correction, once.
 */
export async function assertWhole(cast: Cast): Promise<number> {
  const cases = await numbered(cast);
  const serials = cases.map(({ number }) => Number(number.slice(-6)));
  serials.sort((a, b) => a - b);
  const isGapFree = serials.every((serial, i) => serial === i + 1);
  expect(isGapFree, `serials are not 1 to ${serials.length}: ${serials.join(" ")}`);
  const { total } = await cast.firstReviewer.get("/v1/statistics/contract-volume");
  const registered = cases.filter(({ status }) => status === "registered");
  expect(
    total.count === registered.length,
    `${total.count} counted, ${registered.length} registered`,
  );
  const sum = registered.reduce((all, one) => all + fen(one), 0n);
  expect(fen(total) === sum, `${fen(total)} fen counted, ${sum} registered`);
  const of = (status: string) => cases.filter((one) => one.status === status).length;
  const wanted = JSON.stringify({
    registered: cases.length,
    amended: cases.reduce((all, { revision }) => all + revision - 1, 0),
    cancelled: of("cancelled"),
    revoked: of("revoked"),
  });
  // The log is sealed within a second.
  let told = "";
  for (let i = 0; i < 50 && told !== wanted; i++) {
    if (i > 0) await setTimeout(200);
    told = JSON.stringify(await fed(cast));
  }
  expect(told === wanted, `the feed has ${told}, not ${wanted}`);
  const { ok, brokenAt } = await cast.operator.get("/v1/audit/verify");
  expect(ok, `the log is broken at ${brokenAt}`);
  return serials.length;
}
