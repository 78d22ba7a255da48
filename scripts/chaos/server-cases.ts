/** Troubles of two processes on one PostgreSQL cluster. */
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import type { Cluster } from "../cluster.ts";
import { listing } from "../kill-test/deals.ts";
import type { Member } from "./market.ts";
import { isDone } from "./tally.ts";
import type { Scene } from "./trial.ts";

type Trouble = (scene: Scene, cluster: Cluster) => Promise<void>;

/** Runs `round` again and again until the time is over. @returns how often */
async function rounds(seconds: number, round: (number: number) => Promise<void>): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let number = 0;
  for (; performance.now() < until; number++) await round(number);
  return number;
}

async function withSession<T>({ url }: Cluster, work: (client: pg.Client) => Promise<T>) {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Ends sessions of the market, those in the middle of something first. @returns how many */
const endSessions = (client: pg.Client, most: number | null) =>
  client
    .query(
      `select pg_terminate_backend(pid) from (
        select pid from pg_stat_activity
        where application_name like 'grand-market%' and backend_type = 'client backend'
        order by state <> 'idle' desc, random() limit $1) as chosen`,
      [most],
    )
    .then(({ rowCount }) => rowCount ?? 0);

const terminate: Trouble = async ({ seconds, returned, note }, cluster) => {
  let ended = 0;
  await withSession(cluster, (client) =>
    rounds(seconds, async (number) => {
      // One at a time, and every fourth time all.
      ended += await endSessions(client, number % 4 === 3 ? null : 1);
      if (number % 4 === 3) await returned();
      await setTimeout(200);
    }),
  );
  note(`${ended} sessions ended`);
};

const restart =
  (mode: "fast" | "immediate"): Trouble =>
  async ({ seconds, returned, note }, cluster) => {
    const done = await rounds(seconds, async () => {
      await cluster.stop(mode);
      await setTimeout(1_000);
      await cluster.start();
      await returned();
      await setTimeout(500);
    });
    note(`${done} restarts`);
  };

const frozen: Trouble = async ({ seconds, returned, note }, cluster) => {
  cluster.freeze();
  await setTimeout(seconds * 1000);
  cluster.thaw();
  await returned();
  note(`for ${seconds} s`);
};

const locked =
  (statement: string, isRow: boolean): Trouble =>
  async ({ market, load, seconds, returned, note, fault }, cluster) => {
    await withSession(cluster, async (client) => {
      await client.query("begin");
      await client.query(statement, isRow ? [market.cast.officeOrganizationId] : []);
      const before = { ...load.others };
      await setTimeout(seconds * 1000);
      const asked = load.others.asked - before.asked;
      const refused = load.others.refused - before.refused;
      await client.query("rollback");
      await returned();
      note(`for ${seconds} s; ${asked - refused} of ${asked} writes of others taken meanwhile`);
      if (asked === 0 || refused > 0) fault(`${refused} of ${asked} writes of others refused`);
    });
  };

const rivals = 20;

const storms: Trouble = async ({ market, load, seconds, note, fault }) => {
  const { cast, members } = market;
  const all = (path: string, keyOf: (i: number) => string, body?: unknown) =>
    Promise.all(
      Array.from({ length: rivals }, (_, i) => {
        const member = members[i % members.length] as Member;
        const headers = { "idempotency-key": keyOf(i) };
        // Who comes too late is refused with 409, as it should be.
        return load.tally.send(member, cast.office, { method: "POST", path, body, headers }, [409]);
      }),
    );
  const done = await rounds(seconds, async (number) => {
    const key = `storm ${market.nextDeal()}`;
    // All with one key: one row, whichever of them asks.
    const made = await all("/v1/results", () => key, listing.result(key));
    const ids = new Set(made.filter(isDone).map(({ body }) => body.id));
    if (ids.size !== 1) fault(`one key made ${ids.size} results`);
    // Each with a key of its own: one wins.
    const [id] = ids;
    const submitted = await all(`/v1/results/${id}/submit`, (i) => `${key} ${number} ${i}`);
    const winners = submitted.filter(isDone).length;
    if (winners !== 1) fault(`${winners} of ${rivals} rivals submitted one result`);
  });
  note(`${done} times ${rivals} rivals with one key and ${rivals} with their own`);
};

const kill: Trouble = async ({ market, seconds, returned, note }) => {
  const done = await rounds(seconds, async (number) => {
    const member = market.members[number % market.members.length] as Member;
    await member.kill();
    await member.start();
    await returned();
  });
  note(`${done} kills`);
};

const stop: Trouble = async ({ market, seconds, returned, note, fault }) => {
  const done = await rounds(seconds, async (number) => {
    const member = market.members[number % market.members.length] as Member;
    const code = await member.stop();
    if (code !== 0) fault(`a process that was told to stop ended with ${code}`);
    await member.start();
    await returned();
  });
  note(`${done} times SIGTERM`);
};

/** Memory must not grow with the number of requests. */
const steady: Trouble = async ({ market, seconds, note, fault }) => {
  const now = () => Math.max(...market.members.map((member) => member.memory()));
  await setTimeout((seconds * 1000) / 3);
  const early = now();
  await setTimeout((seconds * 2000) / 3);
  const late = now();
  note(`memory ${early} MB, then ${late} MB`);
  if (seconds >= 300 && late > early * 1.25) fault(`memory grew from ${early} to ${late} MB`);
};

/** In the order in which they are run. */
export const serverCases: Readonly<Record<string, { what: string; trouble: Trouble }>> = {
  steady: { what: "nothing happens", trouble: steady },
  terminate: { what: "sessions are ended, one by one and all at once", trouble: terminate },
  fast: { what: "PostgreSQL is restarted, sessions ended", trouble: restart("fast") },
  immediate: { what: "PostgreSQL crashes and recovers", trouble: restart("immediate") },
  frozen: { what: "PostgreSQL stands still", trouble: frozen },
  row: {
    what: "an organization's row is locked",
    trouble: locked("select 1 from organizations where id = $1 for update", true),
  },
  table: {
    what: "a table is locked",
    trouble: locked("lock table results in access exclusive mode", false),
  },
  storms: { what: "20 rivals want the same", trouble: storms },
  kill: { what: "one process after the other is killed", trouble: kill },
  stop: { what: "one process after the other is told to stop", trouble: stop },
};
