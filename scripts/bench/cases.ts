/** What is measured. */
import { needBody } from "./content.ts";

export const caseNames = ["one", "oneHot", "page", "pageHot", "own", "create"] as const;
export type CaseName = (typeof caseNames)[number];

export interface Case {
  title: string;
  /** Requests a second of this API, as a share of the floor's, that it has to reach. */
  target: number;
  method: "GET" | "POST";
  /** Needs the owner's token. */
  signedIn: boolean;
}

const open = { method: "GET", signedIn: false } as const;

export const cases: Record<CaseName, Case> = {
  one: { title: "one published result, another each time", target: 0.85, ...open },
  oneHot: { title: "one of 10,000 by Zipf's law", target: 1.5, ...open },
  page: { title: "a filtered page of 20, another each time", target: 0.85, ...open },
  pageHot: { title: "one of 10,000 pages by Zipf's law", target: 2, ...open },
  own: { title: "the owner's page, with a token", target: 0.8, method: "GET", signedIn: true },
  create: { title: "creating a need", target: 0.5, method: "POST", signedIn: true },
};

/** Fields that the filtered page is asked for, in turn. */
export const fieldCodes = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11"];

/** Moments until which the filtered pages are published: with the fields more than 10,000 filters. */
const moments = Array.from({ length: 1000 }, (_, i) =>
  new Date(Date.UTC(2024, 0, 1) + i * 12 * 60 * 60 * 1000).toISOString(),
);

const pages = moments.flatMap((moment) =>
  fieldCodes.map((code) => `/v1/results?fieldCode=${code}&publishedAt%5Blte%5D=${moment}&limit=20`),
);

/** Of 10,000, the k-th is asked for k times as seldom as the first (Zipf's law); the same draws in each run. */
function byZipf(all: readonly string[]): string[] {
  const few = all.slice(0, 10_000);
  const sums: number[] = [];
  for (let k = 1; k <= few.length; k++) sums.push((sums.at(-1) ?? 0) + 1 / k);
  let seed = 1;
  return Array.from({ length: 50_000 }, () => {
    // A linear congruential generator (Numerical Recipes); good enough to draw with.
    seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
    const drawn = (seed / 2 ** 32) * (sums.at(-1) ?? 0);
    let [low, high] = [0, few.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < drawn) low = middle + 1;
      else high = middle;
    }
    return few[low] ?? "";
  });
}

/** The addresses of a case, in turn. Those of the cold ones are more than this API keeps replies of. */
export function pathsOf(name: CaseName, resultIds: readonly string[]): string[] {
  if (name === "own") return ["/v1/results?scope=own&limit=20"];
  if (name === "create") return ["/v1/needs"];
  const all = name.startsWith("one") ? resultIds.map((id) => `/v1/results/${id}`) : pages;
  return name.endsWith("Hot") ? byZipf(all) : all;
}

export const bodyOf = (name: CaseName): string | undefined =>
  name === "create" ? JSON.stringify(needBody) : undefined;

/** The moment in the address of a filtered page. */
export const momentIn = (path: string): string =>
  new URLSearchParams(path.slice(path.indexOf("?"))).get("publishedAt[lte]") ?? "";

/** A statement of this API as its driver got it, for the floor to send the same. */
export interface Statement {
  text: string;
  values: unknown[];
}

/** What the floor is built from. */
export interface Capture {
  statements: Record<CaseName, Statement>;
  /** JSON Schema of each reply, as this API's own serializers are compiled from. */
  schemas: Record<CaseName, object>;
  /** A reply of each, as it was sent. */
  replies: Record<CaseName, string>;
  /** The values in the statements that a request replaces. */
  sample: { resultId: string; fieldCode: string; moment: string; needId: string };
  /** The owner as the reply shows it. */
  organization: Record<string, unknown>;
}

/** How a child process is started. */
export interface Job {
  databaseUrl: string;
  keyFile: string;
  connections: number;
  capture?: Capture;
  /** Whether requests count against quotas, as ever; else what counting costs can be told. */
  isCounted?: boolean;
  /** Whether the process does the market's own work as well. */
  runsJobs?: boolean;
}
export type Role = "api" | "floor" | "limit" | "capture";

export interface Memory {
  rss: number;
  /** The most that was seen since it was last asked. */
  most: number;
  /** CPU time since the process started, in ms, all of its threads. */
  cpu: number;
}

/** What a child process is asked, and what it answers. */
export type Question = { start: Job } | { ask: "memory" | "token" | "stop" };
export interface Answer {
  ready?: { port: number };
  capture?: Capture;
  memory?: Memory;
  token?: string;
}
