/** What the parties of the tour read of their market, and whether a later version still answers the same. */
import { isDeepStrictEqual } from "node:util";
import { today } from "../../src/lib/clock.ts";
import { type Body, type Caller, expect } from "../tour/caller.ts";
import type { Cast } from "../tour/cast.ts";

type Who = Exclude<keyof Cast, `${string}Id` | `${string}Code` | "system">;

/** One read: who asked for what, and what the answer was. */
export interface Read {
  who: Who;
  path: string;
  body: Body;
}

/** Lists, who reads them, and what is read of each of their items. */
const lists: readonly { path: string; of: readonly Who[]; each: readonly string[] }[] = [
  { path: "/v1/organizations", of: ["operator"], each: ["", "/members"] },
  { path: "/v1/broker-certificates", of: ["operator", "broker"], each: [""] },
  { path: "/v1/brokers", of: ["public"], each: [""] },
  { path: "/v1/registration-offices", of: ["public"], each: [""] },
  { path: "/v1/api-clients", of: ["enterprise"], each: [""] },
  { path: "/v1/saved-searches", of: ["office"], each: [""] },
  { path: "/v1/results?scope=own", of: ["office"], each: ["", "/interests"] },
  { path: "/v1/needs?scope=own", of: ["enterprise"], each: [""] },
  { path: "/v1/results", of: ["public"], each: [""] },
  { path: "/v1/needs", of: ["public"], each: [""] },
  { path: "/v1/suggestion-verdicts", of: ["operator"], each: [] },
  { path: "/v1/interests", of: ["office", "enterprise"], each: [""] },
  { path: "/v1/matches", of: ["office", "enterprise", "broker"], each: ["", "/notes"] },
  {
    path: "/v1/contracts",
    of: ["office", "enterprise", "broker"],
    each: ["", "/revisions", "/amendments", "/payments"],
  },
  { path: "/v1/registrations", of: ["office", "firstReviewer"], each: [""] },
];

/** What the registry's figures are read by. */
const dimensions = ["type", "subtype", "field", "industry", "buyerNature", "sizeBand", "origin"];

/** Reads all of it, following what the lists name. */
export async function readMarket(cast: Cast, url: string): Promise<Read[]> {
  const reads: Read[] = [];
  const read = async (who: Who, path: string): Promise<Body> => {
    const body = await answerOf(cast[who], path, url);
    reads.push({ who, path, body });
    return body;
  };
  for (const { path, of, each } of lists) {
    const [noun = ""] = path.split("?");
    for (const who of of) {
      const { data } = await read(who, path);
      for (const { id } of data) for (const part of each) await read(who, `${noun}/${id}${part}`);
    }
  }
  for (const { id } of (await cast.office.get("/v1/contracts")).data) {
    const { data } = await read("office", `/v1/attachments?subjectType=contract&subjectId=${id}`);
    for (const file of data) {
      await read("office", `/v1/attachments/${file.id}`);
      await read("office", `/v1/attachments/${file.id}/content`);
    }
  }
  for (const { id } of (await cast.office.get("/v1/registrations")).data) {
    const { number, certificatePath } = await cast.office.get(`/v1/registrations/${id}`);
    if (number === null) continue;
    const { pathname, search } = new URL(certificatePath, url);
    await read("public", pathname + search);
  }
  const feed = await read("firstReviewer", "/v1/registry/contracts?limit=1000");
  await read("firstReviewer", `/v1/registry/contracts/control?from=0&to=${feed.page.next}`);
  const { head } = await cast.operator.get("/v1/audit/verify");
  await read("operator", `/v1/audit/verify?from=1&to=${head.position}`);
  const { data: newest } = await cast.operator.get("/v1/audit?limit=1");
  const until = `&at[lte]=${encodeURIComponent(newest[0].at)}`;
  await read("operator", `/v1/audit?limit=100${until}`);
  const volume = "/v1/statistics/contract-volume";
  for (const by of dimensions) await read("firstReviewer", `${volume}?${volumeOf({ by })}`);
  for (const { sealedAt: asOf } of feed.data) {
    await read("firstReviewer", `${volume}?${volumeOf({ by: "type", asOf })}`);
  }
  return reads;
}

/** The tour's contracts are registered in the year in which it was played. */
function volumeOf(query: Record<string, string>): URLSearchParams {
  const year = today().slice(0, 4);
  return new URLSearchParams({
    period: "year",
    from: `${year}-01-01`,
    to: `${year}-12-31`,
    ...query,
  });
}

/** An answer, with a name in place of the address under which this market happens to run. */
export async function answerOf(caller: Caller, path: string, url: string): Promise<Body> {
  const { body, text } = await caller.call("GET", path);
  return body === null ? text : JSON.parse(JSON.stringify(body).replaceAll(url, "http://market"));
}

/**
 * Members that tell what may be done next, what day it is, or how far the log goes by now, to which
 * signing in for these reads adds.
 */
const passing = new Set([
  ...["allowedActions", "overdue", "newListings", "lastSignInAt"],
  // Members of the log's verification, and of current figures.
  ...["head", "asOf"],
]);

/**
 * Holds an answer against what was kept of it: everything that was said then is said now. Members may
 * have been added, items of lists not.
 * @throws TourFailure that names the first member that differs
 */
export function assertSame(kept: Body, now: Body, at: string): void {
  if (Array.isArray(kept) && Array.isArray(now)) {
    expect(kept.length === now.length, `${at} has ${now.length} items, not ${kept.length}`);
    kept.forEach((item, i) => {
      assertSame(item, now[i], `${at}[${i}]`);
    });
  } else if (isObject(kept) && isObject(now)) {
    for (const [name, value] of Object.entries(kept)) {
      if (!passing.has(name)) assertSame(value, now[name], `${at}.${name}`);
    }
  } else {
    const [then, since] = [kept, now].map((value) => JSON.stringify(value)?.slice(0, 300));
    expect(isDeepStrictEqual(kept, now), `${at} was ${then} and is ${since}`);
  }
}

const isObject = (value: Body): value is Record<string, Body> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
