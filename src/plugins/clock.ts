import { setTimeout } from "node:timers/promises";
import fp from "fastify-plugin";
import { Gauge } from "prom-client";
import { readServerClock } from "../database/server-clock.ts";
import { clockOffset, setDatabaseTime } from "../lib/clock.ts";

/** Milliseconds between two questions. A machine that slept knows the time again after as long. */
const pause = 10_000;

/** Milliseconds that the start waits for the first answer: the database may be away just now. */
const patience = 2_000;

/** Seconds from which a clock that is off is told. */
const tolerated = 5;

/** Keeps the one clock (`lib/clock.ts`) on the database's time, and tells when the machine's own is off. */
export default fp(
  async (app) => {
    new Gauge({
      name: "clock_offset_seconds",
      help: "How far this machine's clock is ahead of the database's; negative when it is behind.",
      registers: [app.metrics],
      collect() {
        this.set(clockOffset());
      },
    });
    let isOff = false;
    const ask = async () => {
      setDatabaseTime(await readServerClock(app.database.pool));
      const offset = clockOffset();
      if (Math.abs(offset) > tolerated === isOff) return;
      isOff = !isOff;
      const offsetSeconds = Math.round(offset * 1000) / 1000;
      if (isOff) {
        app.log.warn(
          { offsetSeconds },
          "this machine's clock is off: the market goes by the database's, but set it right",
        );
      } else app.log.info({ offsetSeconds }, "this machine's clock is right again");
    };
    const stopping = new AbortController();
    const { signal } = stopping;
    // While the database is away the last answer counts; that it is away is told elsewhere.
    const tryToAsk = () => ask().catch(() => {});
    // Ends early when it is stopped.
    const sleep = (ms: number) => setTimeout(ms, undefined, { signal, ref: false }).catch(() => {});
    app.addHook("onReady", async () => {
      const first = tryToAsk();
      first.then(async () => {
        for (await sleep(pause); !signal.aborted; await sleep(pause)) await tryToAsk();
      });
      await Promise.race([first, sleep(patience)]);
    });
    app.addHook("onClose", async () => stopping.abort());
  },
  { name: "clock", dependencies: ["database", "metrics"] },
);
