import { setTimeout } from "node:timers/promises";
import fp from "fastify-plugin";
import { Gauge } from "prom-client";
import { AppError } from "../lib/errors.ts";
import { freeBytes } from "../storage/space.ts";

interface Options {
  /** Folders whose disks are watched, by what lies there. */
  places: Record<string, string>;
  /** Bytes below which /readyz says `degraded`. */
  leastFree: number;
  /** The place of a database of our own, and the bytes there that no change may use; null on a server. */
  database: { place: string; reserve: number } | null;
}

/** Milliseconds between two looks, and the age at which a look is too old to decide on a change. */
const lookEvery = 1_000;
const freshFor = 50;

/** Milliseconds that a change waits for the disk to say how much is free; then it takes its chance. */
const patience = 200;

/**
 * Watches how much room there is: told in metrics and readiness, and where the database shares the
 * disk, changes are refused before it has no room for its own log. Reading goes on.
 */
export default fp<Options>(
  async (app, { places, leastFree, database }) => {
    const free = new Map<string, number>();
    let lookedAt = Number.NEGATIVE_INFINITY;
    let looking: Promise<void> | null = null;
    let isLow = false;

    const isShort = () => [...free.values()].some((bytes) => bytes < leastFree);
    const isFull = () =>
      database !== null &&
      (free.get(database.place) ?? Number.POSITIVE_INFINITY) < database.reserve;

    async function measure(): Promise<void> {
      for (const [place, folder] of Object.entries(places)) {
        const bytes = await freeBytes(folder);
        if (bytes === null) free.delete(place);
        else free.set(place, bytes);
      }
      lookedAt = performance.now();
      if (isShort() === isLow) return;
      isLow = !isLow;
      const told = Object.fromEntries(free);
      if (isLow) app.log.error({ free: told, isFull: isFull() }, "little room is left on the disk");
      else app.log.info({ free: told }, "there is room on the disk again");
    }
    // One at a time: a disk that hangs must not take a thread for each look.
    const look = (): Promise<void> => {
      looking ??= measure().finally(() => {
        looking = null;
      });
      return looking;
    };

    new Gauge({
      name: "storage_free_bytes",
      help: "Bytes that are free where the database's files (of an embedded one) and attachments lie.",
      labelNames: ["place"] as const,
      registers: [app.metrics],
      collect() {
        this.reset();
        for (const [place, bytes] of free) this.set({ place }, bytes);
      },
    });
    app.addReadinessCheck({ name: "disk", degraded: isShort });

    let timer: NodeJS.Timeout | undefined;
    app.addHook("onReady", async () => {
      await Promise.race([look(), setTimeout(patience, undefined, { ref: false })]);
      timer = setInterval(look, lookEvery).unref();
    });
    app.addHook("onClose", async () => clearInterval(timer));

    if (!database) return;
    app.addHook("onRequest", async ({ method }) => {
      if (method === "GET" || method === "HEAD" || method === "OPTIONS") return;
      if (performance.now() - lookedAt > freshFor) {
        await Promise.race([look(), setTimeout(patience, undefined, { ref: false })]);
      }
      if (isFull()) throw new AppError("storage.full", { headers: { "retry-after": "30" } });
    });
  },
  { name: "disk", dependencies: ["metrics", "health"] },
);
