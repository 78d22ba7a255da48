/**
 * How many requests of a kind somebody may make in a window of time: counted in memory, and shared by
 * processes that tell each other of their counts once a second. A statement for each request would cost
 * as much as the request.
 */

/** The kinds of requests that are counted apart. */
export const buckets = {
  reads: { seconds: 60, caller: 3_000, address: 1_200, what: "requests that read" },
  search: {
    seconds: 60,
    caller: 600,
    address: 150,
    what: "searches and suggestions, by their cost: 1 to 10 each",
  },
  writes: {
    seconds: 60,
    caller: 600,
    address: 300,
    what: "requests that change something; a batch counts for its items",
  },
  uploads: { seconds: 60, caller: 60, address: 10, what: "files" },
  exports: { seconds: 60, caller: 120, address: 10, what: "pages of the registry's feed" },
  certificates: { seconds: 60, caller: 60, address: 60, what: "checks of a registration number" },
  "sign-in": {
    seconds: 60,
    caller: 20,
    address: 300,
    what: "sign-ins; of one device at one account, and of an address",
  },
  tokens: {
    seconds: 60,
    caller: 60,
    address: 1_200,
    what: "tokens of one machine client from one address",
  },
  mails: {
    seconds: 3_600,
    caller: 100,
    address: 100,
    what: "invitations and password links that are sent by mail, of an organization",
  },
  registrations: {
    seconds: 3_600,
    caller: 300,
    address: 30,
    what: "new organizations: in all, and from an address",
  },
} as const;
export type Bucket = keyof typeof buckets;
export const bucketNames = Object.keys(buckets) as Bucket[];

/** Requests in a window: of one who is signed in, and of an address where nobody is. */
export type Quota = { caller: number; address: number };
export type Quotas = Readonly<Record<Bucket, Quota>>;

/** The quotas as they are set by nobody. */
export const defaultQuotas: Quotas = Object.fromEntries(
  bucketNames.map((name) => [
    name,
    { caller: buckets[name].caller, address: buckets[name].address },
  ]),
) as Record<Bucket, Quota>;

/**
 * Quotas of a setting: `off`, or some of them as `search=600/150`.
 * @returns null when nothing is counted, undefined when it cannot be read
 */
export function readQuotas(text: string): Quotas | null | undefined {
  const quotas: Record<Bucket, Quota> = { ...defaultQuotas };
  if (text === "") return quotas;
  if (text === "off") return null;
  for (const part of text.split(",")) {
    const [, name = "", caller, address] =
      /^\s*([a-z-]+)=(\d{1,9})\/(\d{1,9})\s*$/.exec(part) ?? [];
    if (!Object.hasOwn(buckets, name)) return undefined;
    quotas[name as Bucket] = { caller: Number(caller), address: Number(address) };
  }
  return quotas;
}

/** An IPv6 network is one customer's: its addresses are counted together (RFC 6177: /64 at least). */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  const [head = "", tail] = (address.split("%", 1)[0] ?? "").toLowerCase().split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail ? tail.split(":") : [];
  const zeros =
    tail === undefined ? [] : Array(Math.max(0, 8 - front.length - back.length)).fill("0");
  const groups = [...front, ...zeros, ...back].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}

/** What is left for somebody. */
export interface Left {
  remaining: number;
  /** Seconds until the window ends. */
  resets: number;
  isExceeded: boolean;
  /** Whether it is the first one too many of its window. */
  isFirst: boolean;
}

interface Count {
  /** What this process counted and has not told the others. */
  own: number;
  /** What all had counted when it last told. */
  shared: number;
  /** Whether one was refused already. */
  isRefused: boolean;
}

/** Somebody in memory; beyond so many the counts begin again: whoever has so many addresses is not stopped by them. */
const mostKeys = 100_000;

/** What a process has counted, to be told: a bucket's window and key, and how often. */
export interface Told {
  key: string;
  /** End of the window, in milliseconds of the epoch. */
  until: number;
  count: number;
}

export interface RateLimiter {
  /** Counts a request. @param cost how many it counts for */
  take: (bucket: Bucket, key: string, quota: number, cost?: number) => Left;
  /** What was counted since the last time, for the other processes. */
  untold: () => Told[];
  /** What all have counted of these. */
  hear: (all: readonly { key: string; count: number }[]) => void;
}

/** @param now milliseconds of the epoch: all processes that share their counts go by one clock */
export function makeRateLimiter(now: () => number): RateLimiter {
  const windows = new Map<Bucket, { number: number; counts: Map<string, Count> }>();

  function countsOf(bucket: Bucket, number: number): Map<string, Count> {
    let current = windows.get(bucket);
    if (current?.number !== number || current.counts.size >= mostKeys) {
      current = { number, counts: new Map() };
      windows.set(bucket, current);
    }
    return current.counts;
  }

  return {
    take(bucket, key, quota, cost = 1) {
      const { seconds } = buckets[bucket];
      const time = now() / 1000;
      const number = Math.floor(time / seconds);
      const counts = countsOf(bucket, number);
      let count = counts.get(key);
      if (!count) {
        count = { own: 0, shared: 0, isRefused: false };
        counts.set(key, count);
      }
      const isExceeded = count.own + count.shared + cost > quota;
      // Who goes on knocking is not kept out for longer.
      if (!isExceeded) count.own += cost;
      const isFirst = isExceeded && !count.isRefused;
      if (isFirst) count.isRefused = true;
      const remaining = Math.max(0, quota - count.own - count.shared);
      const resets = Math.max(1, Math.ceil((number + 1) * seconds - time));
      return { remaining, resets, isExceeded, isFirst };
    },
    untold() {
      const told: Told[] = [];
      for (const [bucket, { number, counts }] of windows) {
        const until = (number + 1) * buckets[bucket].seconds * 1000;
        for (const [key, count] of counts) {
          if (count.own === 0) continue;
          told.push({ key: `${bucket} ${number} ${key}`, until, count: count.own });
          count.shared += count.own;
          count.own = 0;
        }
      }
      return told;
    },
    hear(all) {
      for (const { key: told, count: shared } of all) {
        const [bucket = "", number, ...rest] = told.split(" ");
        const window = windows.get(bucket as Bucket);
        if (window?.number !== Number(number)) continue;
        const count = window?.counts.get(rest.join(" "));
        if (count) count.shared = shared;
      }
    },
  };
}
