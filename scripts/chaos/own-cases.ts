/** Troubles with a disk that is full, and of the embedded database. Each has a market of its own. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { makeCluster } from "../cluster.ts";
import { launch, runScript } from "../tour/process.ts";
import { mountSmallDisk, type SmallDisk } from "./disk.ts";
import type { Rates } from "./load.ts";
import { type Market, type Member, openMarket } from "./market.ts";
import { type Figures, type Scene, tryOut } from "./trial.ts";

/** The embedded database has one connection. */
const embeddedRates: Rates = { writes: 15, reads: 30 };
export const serverRates: Rates = { writes: 30, reads: 100 };

/** Why a case could not be tried here. */
export class Skipped extends Error {}

type Case = (name: string, run: number, seconds: number) => Promise<Figures>;

function smallDisk(megabytes: number): SmallDisk {
  const disk = mountSmallDisk(megabytes);
  if (!disk) throw new Skipped("this user may not mount a small disk");
  return disk;
}

/** Fills the disk, waits, and empties it. @param after what must be done for the market to come back */
const filling =
  (disk: SmallDisk, after: () => Promise<void> = async () => {}) =>
  async ({ seconds, returned, load, note, fault }: Scene): Promise<void> => {
    disk.fill();
    await setTimeout(seconds * 1000);
    disk.empty();
    await after();
    await returned();
    const full = load.tally.codes["507"] ?? 0;
    note(`full for ${seconds} s, ${full} times 507`);
    if (full === 0) fault("nobody was told that the disk is full");
  };

async function onMarket(
  env: NodeJS.ProcessEnv,
  processes: number,
  work: (market: Market) => Promise<Figures>,
): Promise<Figures> {
  const market = await openMarket(env, processes);
  try {
    return await work(market);
  } finally {
    await market.close();
  }
}

/** What a market on this server needs to start: its tables and keys. */
export function prepareServer(url: string, folder: string): NodeJS.ProcessEnv {
  const env = {
    DATABASE_URL: url,
    DATA_DIR: join(folder, "data"),
    SIGNING_KEYS_FILE: join(folder, "keys.json"),
  };
  mkdirSync(folder, { recursive: true });
  runScript("keys.ts", ["create", env.SIGNING_KEYS_FILE], { ...process.env, ...env });
  runScript("migrate.ts", [], { ...process.env, ...env });
  return env;
}

/** Gives a folder that is there while `work` runs, and is gone after it, or with this process. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = temporaryFolder("chaos");
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.on("exit", remove);
  try {
    return await work(folder);
  } finally {
    process.off("exit", remove);
    remove();
  }
}

const embeddedKill: Case = (name, run, seconds) =>
  inFolder((folder) =>
    onMarket({ DATA_DIR: join(folder, "data") }, 1, (market) =>
      tryOut(name, run, market, embeddedRates, seconds, async ({ returned, note }) => {
        const [member] = market.members as [Member];
        const until = performance.now() + seconds * 1000;
        let kills = 0;
        for (; performance.now() < until; kills++) {
          await member.kill();
          await member.start();
          await returned();
          await setTimeout(500);
        }
        note(`${kills} kills`);
      }),
    ),
  );

/** Seconds in which a second process on a folder must have given up. */
const longestRefusal = 30;

/** In a namespace of its own, where process ids begin again at 1, as in another container. */
const apart = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

function assertApart(): void {
  const [command = "", ...options] = apart;
  const tried = spawnSync(command, [...options, "true"], { stdio: "ignore" });
  if (tried.status !== 0) throw new Skipped("this user may not make a namespace");
}

const namespaces: Case = async (name, run, seconds) => {
  assertApart();
  return inFolder((folder) =>
    onMarket({ DATA_DIR: join(folder, "data") }, 1, (market) =>
      tryOut(name, run, market, embeddedRates, seconds, async ({ note, fault, returned }) => {
        const [member] = market.members as [Member];
        const env = { ...market.env, PORT: "0" };
        const others = [launch(env, { prefix: apart }), launch(env, { prefix: apart })];
        const until = performance.now() + longestRefusal * 1000;
        for (const other of others) {
          while (other.ended() === null && performance.now() < until) await setTimeout(50);
          const said = other.said().trim().split("\n").at(-1) ?? "";
          if (!other.ended() || !said.includes("in use")) {
            fault(`a second process: ${other.ended() ?? "it runs"} ${said.slice(0, 300)}`);
          }
          await other.end("SIGKILL");
        }
        note(`${others.length} further processes refused`);
        // A process that is gone leaves nothing behind that refuses the next one.
        await member.kill();
        await member.start();
        await returned();
      }),
    ),
  );
};

const fullEmbedded: Case = async (name, run, seconds) => {
  const disk = smallDisk(256);
  try {
    return await onMarket({ DATA_DIR: join(disk.folder, "data") }, 1, (market) =>
      tryOut(name, run, market, embeddedRates, seconds, filling(disk)),
    );
  } finally {
    disk.remove();
  }
};

/** A market of two processes on a cluster of its own. @param disk where the cluster is put */
async function onCluster(
  place: string | undefined,
  dataDir: string | undefined,
  work: (market: Market, revive: () => Promise<void>) => Promise<Figures>,
): Promise<Figures> {
  return inFolder(async (folder) => {
    const cluster = await makeCluster({}, place);
    try {
      await cluster.start();
      const env = { ...prepareServer(cluster.url, folder), ...(dataDir && { DATA_DIR: dataDir }) };
      const revive = async () => {
        await cluster.stop("immediate");
        await cluster.start();
      };
      return await onMarket(env, 2, (market) => work(market, revive));
    } finally {
      await cluster.remove();
    }
  });
}

const fullFiles: Case = async (name, run, seconds) => {
  const disk = smallDisk(64);
  try {
    return await onCluster(undefined, join(disk.folder, "data"), (market) =>
      tryOut(name, run, market, serverRates, seconds, filling(disk)),
    );
  } finally {
    disk.remove();
  }
};

const fullDatabase: Case = async (name, run, seconds) => {
  const disk = smallDisk(512);
  try {
    return await onCluster(disk.folder, undefined, (market, revive) =>
      // It panics when its log finds no room, and does not always come up by itself.
      tryOut(name, run, market, serverRates, seconds, filling(disk, revive)),
    );
  } finally {
    disk.remove();
  }
};

export const ownCases: Readonly<Record<string, { what: string; run: Case }>> = {
  "embedded-kill": { what: "the embedded market is killed", run: embeddedKill },
  namespaces: { what: "other containers want the embedded market's folder", run: namespaces },
  "full-embedded": { what: "the embedded market's disk is full", run: fullEmbedded },
  "full-files": { what: "the disk of the attachments is full", run: fullFiles },
  "full-database": { what: "the disk of PostgreSQL is full", run: fullDatabase },
};
