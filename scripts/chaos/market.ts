/** The market that is troubled: some processes on one database, and whether one ends that nobody ended. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { availableParallelism } from "node:os";
import { setTimeout } from "node:timers/promises";
import { type Cast, scratchCast } from "../tour/cast.ts";
import {
  freePort,
  launch,
  type ServerProcess,
  trialEnvironment,
  untilReady,
} from "../tour/process.ts";
import { makeOperator } from "../tour/scratch.ts";

/** One process of the market. */
export interface Member {
  url: string;
  /** Whether requests are sent to it: not while it is down or about to be. */
  isServing: () => boolean;
  /** Whether somebody meant it to be down at some time between two instants of `performance.now()`. */
  wasEnded: (from: number, to: number) => boolean;
  /** Ends it with SIGKILL. */
  kill: () => Promise<void>;
  /** Ends it with SIGTERM, as a balancer's host would. @returns its exit code or signal */
  stop: () => Promise<number | string | null>;
  /** Starts it and waits until it is ready. */
  start: () => Promise<void>;
  /** The line of its log about a request, if it still has it. */
  logOf: (requestId: string) => string;
  /** Resident memory in megabytes; 0 while it is down. */
  memory: () => number;
}

export interface Market {
  members: readonly Member[];
  cast: Cast;
  /** What its processes are started with, but for the port. */
  env: NodeJS.ProcessEnv;
  /** Processes that ended and that nobody had ended, with what they said. */
  deaths: string[];
  /** A number that no deal had before. */
  nextDeal: () => number;
  close: () => Promise<void>;
}

function memoryOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
}

function makeMember(env: NodeJS.ProcessEnv, deaths: string[]): Member {
  const url = `http://127.0.0.1:${env.PORT}`;
  let server: ServerProcess | null = null;
  let isLeaving = false;
  let outages: { from: number; to: number }[] = [];
  const begin = () => {
    const outage = { from: performance.now(), to: Number.POSITIVE_INFINITY };
    outages = [...outages.slice(-50), outage];
    return outage;
  };

  async function start(): Promise<void> {
    const started = launch(env);
    server = started;
    await untilReady(started);
    isLeaving = false;
    for (const outage of outages) outage.to = Math.min(outage.to, performance.now());
    void watch(started);
  }

  /** Notes a death and starts it again, so that the trial goes on. */
  async function watch(started: ServerProcess): Promise<void> {
    while (started.ended() === null) await setTimeout(50, undefined, { ref: false });
    if (isLeaving || server !== started) return;
    const said = started.said().trim().split("\n").at(-1) ?? "";
    deaths.push(`a process ended with ${started.ended()}: ${said.slice(0, 400)}`);
    isLeaving = true;
    begin();
    await start().catch((error: Error) => deaths.push(error.message));
  }

  return {
    url,
    isServing: () => !isLeaving,
    wasEnded: (from, to) => outages.some((outage) => outage.from <= to && outage.to >= from),
    kill: async () => {
      isLeaving = true;
      begin();
      await server?.end("SIGKILL");
    },
    stop: async () => {
      const ending = server;
      const ended = ending?.end("SIGTERM");
      // A balancer sees it in /readyz and sends nothing more; the market gives it the time.
      for (let i = 0; i < 20 && (await statusOf(url)) === 200; i++) await setTimeout(50);
      isLeaving = true;
      await ended;
      begin();
      return ending?.ended() ?? null;
    },
    start,
    logOf: (requestId) =>
      server
        ?.said()
        .split("\n")
        .find((line) => line.includes(requestId)) ?? "",
    memory: () => memoryOf(server?.pid ?? 0),
  };
}

const prober = new Agent({ keepAlive: false });

/** What a process answers when it is asked whether it is ready, on a connection of its own; null: nothing. */
async function statusOf(url: string): Promise<number | null> {
  try {
    const request = get(`${url}/readyz`, { agent: prober, signal: AbortSignal.timeout(20_000) });
    const [response] = await once(request, "response");
    response.resume();
    return response.statusCode;
  } catch {
    return null;
  }
}

/**
 * Starts an empty market and its people.
 * @param env DATABASE_URL, DATA_DIR and so on: a migrated database, or a folder for the embedded one
 * @param processes how many
 */
export async function openMarket(env: NodeJS.ProcessEnv, processes: number): Promise<Market> {
  const port = await freePort();
  // One address for all of them: tokens are good at each.
  const all: NodeJS.ProcessEnv = {
    ...trialEnvironment(port),
    DRAIN_SECONDS: "1",
    // When all sessions are ended at once, all new ones plan their statements at once: with ten for each process
    // on two cores, the servers get no turn for a second, and it is the machine that is measured.
    DATABASE_POOL_SIZE: String(Math.min(10, 2 * availableParallelism())),
    ...env,
  };
  const operatorToken = makeOperator(all);
  const deaths: string[] = [];
  const members = [makeMember(all, deaths)];
  for (let i = 1; i < processes; i++) {
    members.push(makeMember({ ...all, PORT: String(await freePort()) }, deaths));
  }
  const close = async () => {
    await Promise.all(members.map((member) => member.kill()));
  };
  try {
    for (const member of members) await member.start();
    const cast = await scratchCast(members[0]?.url ?? "", operatorToken);
    let deals = 0;
    return { members, cast, env: all, deaths, nextDeal: () => ++deals, close };
  } catch (error) {
    await close();
    throw error;
  }
}
