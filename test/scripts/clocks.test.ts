/** Processes whose machines' clocks are wrong: they go by the database's, run their jobs and say so. */
import type { ChildProcess } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import t from "tap";
import { clock } from "../../src/lib/clock.ts";
import { createKeyFile } from "../../src/lib/signing-keys.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { openTestDatabase } from "../support/database.ts";
import { nextCreditCode } from "../support/market.ts";
import { startProgram } from "../support/program.ts";
import { until } from "../support/time.ts";

const folder = temporaryFolder("clocks");
const children: ChildProcess[] = [];
t.teardown(async () => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const isServer = process.env.TEST_DATABASE_URL !== undefined;
const database = isServer ? await openTestDatabase() : null;
t.teardown(() => database?.close());
const keys = join(folder, "keys.json");
createKeyFile(keys, clock.now());

/** Starts the program with its machine's clock off; resolves with its address and what it has logged. */
async function startOff(seconds: number): Promise<{ address: string; text: () => string }> {
  const preload = join(folder, `clock${seconds}.mjs`);
  writeFileSync(
    preload,
    `const real = Date;
    const off = ${seconds * 1000};
    globalThis.Date = class Date extends real {
      constructor(...given) { if (given.length === 0) super(real.now() + off); else super(...given); }
      static now() { return real.now() + off; }
    };`,
  );
  const url = (database?.pool.options as { connectionString?: string })?.connectionString;
  const { child, text, announced } = startProgram(
    {
      ...{ DATA_DIR: folder, LOG_LEVEL: "info", DRAIN_SECONDS: "0" },
      ...(url ? { DATABASE_URL: url, SIGNING_KEYS_FILE: keys } : {}),
    },
    ["--import", preload],
  );
  children.push(child);
  return { address: await announced, text };
}

async function metric(address: string, name: string): Promise<number> {
  const text = await (await fetch(`${address}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1] ?? Number.NaN);
}

t.test("a lone process whose clock is slow says so, and runs its jobs at their time", async (t) => {
  const { address, text } = await startOff(-300);
  const offset = await metric(address, "clock_offset_seconds");
  t.ok(Math.abs(offset + 300) < 5, `off by ${offset}`);
  t.match(text(), /"offsetSeconds":-(299|300)[.\d]*.*clock is off/);
  const ran = 'job_last_success_timestamp_seconds\\{job="needs.expire"\\}';
  await until(async () => (await metric(address, ran)) > 0);
  const lastRun = await metric(address, ran);
  t.ok(Math.abs(lastRun - Date.now() / 1000) < 60, "by the database's clock");
  if (!database) return;
  // Its next time comes.
  await database.db.execute(
    sql`update job_runs set due_at = now() + interval '1 second' where job = 'needs.expire'`,
  );
  await until(async () => (await metric(address, ran)) > lastRun);
  const { rows } = await database.db.execute<{ wait: number }>(
    sql`select extract(epoch from due_at - now())::int as wait from job_runs where job = 'needs.expire'`,
  );
  t.ok(rows[0]!.wait > -5 && rows[0]!.wait <= 3600, "and again within the hour");
});

t.test(
  "what two processes make whose clocks are ten minutes apart is in order",
  { skip: database ? false : "needs a server" },
  async (t) => {
    if (!database) return;
    const fast = await startOff(300);
    const slow = await startOff(-300);
    const { rows: before } = await database.db.execute(sql`select id from audit_records`);
    for (let i = 0; i < 8; i++) {
      const reply = await fetch(`${(i % 2 ? fast : slow).address}/v1/auth/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          organization: {
            kind: "enterprise",
            name: `两个时钟的企业${i}`,
            creditCode: nextCreditCode(),
            regionCode: "410782",
          },
          member: { name: "某人", email: `clock${i}@example.com`, password: "a long pass phrase" },
        }),
      });
      t.equal(reply.status, 201);
    }
    const { rows } = await database.db.execute<{ id: string; skew: number }>(
      sql`select id, abs(extract(epoch from at - recorded_at)) as skew from audit_records
        order by recorded_at, id`,
    );
    const ids = rows.map(({ id }) => id);
    t.ok(ids.length >= before.length + 8);
    t.same(ids, [...ids].sort(), "ids sort as things happened");
    // A token of the one is good for the other: neither too old nor of the future.
    const signedIn = await fetch(`${slow.address}/v1/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: "clock0@example.com", password: "a long pass phrase" }),
    });
    const { accessToken } = (await signedIn.json()) as { accessToken: string };
    const me = await fetch(`${fast.address}/v1/me`, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    t.equal(me.status, 200);
    const { iat } = JSON.parse(
      Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString(),
    ) as { iat: number };
    t.ok(Math.abs(iat - Date.now() / 1000) < 60);
  },
);
