/**
 * What the registry's figures cost: the volume over many contracts beside few, the pull feed beside a bare
 * read of the same rows, registering beside a bare insert of the same rows.
 */
import { fork } from "node:child_process";
import { rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { clock } from "../../src/lib/clock.ts";
import { newId } from "../../src/lib/ids.ts";
import { createKeyFile } from "../../src/lib/signing-keys.ts";
import { sweepTemporaryFolders, temporaryFolder } from "../../src/lib/temporary.ts";
import { copyOf, dealsTemplate, offices } from "./deals-data.ts";
import type { Ready, Start } from "./deals-target.ts";
import { urlOf } from "./generate.ts";
import { environment } from "./processes.ts";
import { untilSettled } from "./settled.ts";

export interface DealsOptions {
  registered: number;
  fresh: boolean;
  rounds: number;
}
type Say = (text: string) => void;

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
const rounded = (number: number, digits = 2) => Number(number.toFixed(digits));

/** What shares are aimed at: of the bare read when pulling the feed, of the bare insert when registering. */
export const aims = { feed: 0.6, registering: 0.6 };

/** Registrations of a round: over all offices, and in one of them alone. */
const each = 300;
const eachAlone = 100;
/** Rounds before those that count, until the compiler has seen enough: the other cases are warm as well. */
const warmUps = 4;
/** Connections of what is measured with several. */
const connections = 10;
const settings = "-c timezone=UTC -c jit=off";

interface Target {
  url: string;
  tokens: string[];
  stop: () => Promise<void>;
}

async function openTarget(folder: string, database: string, keyFile: string): Promise<Target> {
  const client = new pg.Client({ connectionString: urlOf(database) });
  await client.connect();
  const { rows } = await client.query<Start["people"][number]>(
    `select m.id as "memberId", s.id as "sessionId" from bench_offices f
     join members m on m.id = f.second join sessions s on s.member_id = m.id order by f.ordinal`,
  );
  await client.end();
  const child = fork(join(folder, "scripts", "bench", "deals-target.js"), [], {
    execArgv: ["--enable-source-maps"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: environment(),
  });
  const job = { databaseUrl: urlOf(database), keyFile, connections };
  child.send({ job, people: rows } satisfies Start);
  const { port, tokens } = await new Promise<Ready>((resolve, reject) => {
    child.once("message", (ready: Ready) => resolve(ready));
    child.once("exit", (code) => reject(new Error(`the API ended with code ${code}`)));
  });
  const stop = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.send("stop");
    await ended;
  };
  return { url: `http://127.0.0.1:${port}`, tokens, stop };
}

async function call(
  target: Target,
  path: string,
  init: RequestInit = {},
  who = 0,
): Promise<string> {
  const response = await fetch(`${target.url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${target.tokens[who]}`, ...init.headers },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 300)}`);
  return text;
}

const time = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

const span = "from=2026-01-01&to=2026-12-31";
const volumes = {
  "by month and type, current": "period=month&by=type",
  "by month and field, current": "period=month&by=field",
  "by year and two dimensions, current": "period=year&by=type,field",
  "output of a city by buyer's nature, current": "period=quarter&by=buyerNature&region=410700",
  "by month and type, asOf": "period=month&by=type&asOf=position:$HALF",
  "this year by month and type, asOf": `period=month&by=type&${span}&asOf=position:$HALF`,
} as const;

/** Milliseconds of each volume on both databases in turn, one connection. */
async function measureVolume(
  large: Target,
  small: Target,
  sizes: [number, number],
  rounds: number,
) {
  const rows = [];
  for (const [name, query] of Object.entries(volumes)) {
    const isFast =
      !name.includes("asOf") && query.split(",").length === 1 && !query.includes("region");
    const laps = isFast ? rounds * 20 : Math.max(2, Math.ceil(rounds / 2));
    const times: [number[], number[]] = [[], []];
    for (let lap = -2; lap < laps; lap++) {
      for (const [i, target] of [large, small].entries()) {
        const half = Math.floor((sizes[i] ?? 0) / 2);
        const path = `/v1/statistics/contract-volume?${query.replace("$HALF", `${half}`)}`;
        const spent = await time(() => call(target, path));
        if (lap >= 0) times[i as 0 | 1].push(spent);
      }
    }
    const [largeMs, smallMs] = [median(times[0]), median(times[1])];
    rows.push({
      name,
      largeMs: rounded(largeMs),
      smallMs: rounded(smallMs),
      growth: rounded(largeMs / smallMs),
    });
  }
  return rows;
}

/** Entries that a page of the feed holds. */
const page = 1_000;

/** Entries a second: the feed over HTTP beside the bare keyset read of the same rows, one connection. */
async function measureFeed(target: Target, database: string, pulled: number, rounds: number) {
  const client = new pg.Client({ connectionString: urlOf(database), options: settings });
  await client.connect();
  const bare = async () => {
    let after = 0;
    for (let seen = 0; seen < pulled; seen += page) {
      const { rows } = await client.query({
        name: "bare",
        text: `select f.position, f.sealed_at, e.kind, e.registration_id, e.number, e.revision, e.registered_on, e.facts,
            e.total_amount, e.technology_amount
          from registry_feed f join registry_entries e on e.id = f.entry_id
          where f.office_organization_id = $1 and f.position > $2 order by f.position limit ${page}`,
        values: [office, after],
      });
      if (rows.length < page) after = 0;
      else after = Number(rows.at(-1)?.position);
    }
  };
  const { rows: found } = await client.query(
    "select organization_id from bench_offices where ordinal = 0",
  );
  const office = found[0]?.organization_id;
  const pull = (accept: string) => async () => {
    let after = 0;
    for (let seen = 0; seen < pulled; seen += page) {
      const path = `/v1/registry/contracts?limit=${page}&after=${after}`;
      const text = await call(target, path, { headers: { accept } });
      const positions = text.match(/"position" ?: ?\d+/g) ?? [];
      after = positions.length < page ? 0 : Number(/\d+/.exec(positions.at(-1) ?? "")?.[0]);
    }
  };
  const ways = {
    bare,
    json: pull("application/json"),
    ndjson: pull("application/x-ndjson"),
  };
  const times: Record<keyof typeof ways, number[]> = { bare: [], json: [], ndjson: [] };
  for (let round = -1; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways) as [keyof typeof ways, () => Promise<void>][]) {
      const spent = await time(way);
      if (round >= 0) times[name].push(spent);
    }
  }
  await client.end();
  const ratio = (name: "json" | "ndjson") =>
    rounded(median(times[name].map((one, i) => (times.bare[i] ?? 0) / one)), 3);
  const perSecond = (name: keyof typeof ways) => Math.round((pulled / median(times[name])) * 1000);
  return {
    pulled,
    bare: perSecond("bare"),
    json: perSecond("json"),
    ndjson: perSecond("ndjson"),
    ratios: { json: ratio("json"), ndjson: ratio("ndjson") },
  };
}

/** Takes work off one list with several hands; gives pieces a second. */
async function withHands<T>(list: T[], hands: number, work: (one: T) => Promise<unknown>) {
  const started = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: hands }, async () => {
      for (let one = list.pop(); one !== undefined; one = list.pop()) {
        await work(one);
        done += 1;
      }
    }),
  );
  return (done / (performance.now() - started)) * 1000;
}

function post(agent: Agent, url: string, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, "content-length": 0 };
    const sent = request(url, { method: "POST", agent, headers }, (reply) => {
      let text = "";
      reply.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      reply.on("end", () => {
        if (reply.statusCode === 200) resolve();
        else reject(new Error(`${url}: ${reply.statusCode} ${text.slice(0, 300)}`));
      });
    });
    sent.on("error", reject).end();
  });
}

/** Registrations a second, over all offices and in one alone, beside a bare insert of the same rows. */
async function measureRegistering(
  target: Target,
  { database, bareDatabase }: { database: string; bareDatabase: string },
  rounds: number,
) {
  const watch = new pg.Client({ connectionString: urlOf(database) });
  await watch.connect();
  // The floor has a database of its own, where nobody seals what it inserts.
  const pool = new pg.Pool({
    connectionString: urlOf(bareDatabase),
    max: connections,
    options: settings,
  });
  const { rows } = await pool.query<{ id: string; office: number }>(
    "select case_id as id, office from bench_cases order by n",
  );
  const waiting = Array.from({ length: offices }, (_, office) =>
    rows.filter((r) => r.office === office),
  );
  // What registering leaves: the contract and the registration as they are then, two records, an entry of the
  // feed and one of the volume.
  const own =
    "'id', 'reference', 'contract_id', 'origin', 'number', 'number_year', 'serial', 'status', 'registered_at', 'registered_on', 'check_code'";
  const columnsOf = async (table: string) => {
    const { rows: found } = await pool.query<{ columns: string }>(
      `select string_agg(column_name, ', ') as columns from information_schema.columns
       where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER' and column_name not in (${own})`,
      [table],
    );
    return found[0]?.columns ?? "";
  };
  const contractColumns = await columnsOf("contracts");
  const registrationColumns = await columnsOf("registrations");
  const { rows: sample } = await pool.query(
    "select case_id, contract_id, organization_id, facts from bench_cases order by n limit 1",
  );
  const model = sample[0];
  const { organization_id: organization, facts } = model;
  let numbers = 0;
  const insert = async () => {
    const client = await pool.connect();
    const [contract, registration, record] = [newId(), newId(), newId()];
    numbers += 1;
    const number = `8${String(numbers).padStart(15, "0")}`;
    const audit = {
      name: "audit",
      text: `insert into audit_records (id, type, subject_type, subject_id, organization_id, actor_kind, before, after)
        values ($1, 'registration.register', 'registration', $2, $3, 'member', $4, $4)`,
    };
    await client.query("begin");
    await client.query({
      name: "contract",
      text: `insert into contracts (id, status, ${contractColumns})
        select $1, 'registered', ${contractColumns} from contracts where id = $2`,
      values: [contract, model.contract_id],
    });
    await client.query({
      name: "registration",
      text: `insert into registrations (id, contract_id, origin, status, number, number_year, registered_at, registered_on,
          check_code, ${registrationColumns})
        select $1, $2, 'imported', 'registered', $3, 2026, now(), '2026-11-01', 'none', ${registrationColumns}
        from registrations where id = $4`,
      values: [registration, contract, number, model.case_id],
    });
    await client.query({ ...audit, values: [newId(), contract, organization, facts] });
    await client.query({ ...audit, values: [record, registration, organization, facts] });
    await client.query({
      name: "entry",
      text: `insert into registry_entries (id, audit_record_id, kind, registration_id, office_organization_id, number, revision,
          facts, registered_on, total_amount, technology_amount)
        values ($1, $2, 'registered', $3, $4, $5, 1, $6, '2026-11-01', 1, 1)`,
      values: [newId(), record, registration, organization, number, facts],
    });
    await client.query({
      name: "volume",
      text: `insert into volume_entries (id, audit_record_id, kind, sign, registration_id, office_organization_id, origin,
          registered_on, signed_on, type, subtype, field, intellectual_property, plan_source, industry, seller_nature,
          buyer_nature, seller_region, buyer_region, size_band, total_amount, technology_amount)
        select $1, $2, 'contract', 1, $3, $4, 'here', '2026-11-01', '2026-10-01', 'service', '51', '03', '00', '90', 'C', '022',
          '150', '410711', '410702', '10k_100k', 1, 1`,
      values: [newId(), record, registration, organization],
    });
    await client.query("commit");
    client.release();
  };
  // A light client: it shares the machine with what is measured, and the floor has none.
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const register =
    (office: number) =>
    ({ id }: { id: string }) =>
      post(agent, `${target.url}/v1/registrations/${id}/register`, target.tokens[office] ?? "");
  // What registering leaves to the sealer must not slow down what comes next.
  const sealed = async () => {
    for (;;) {
      const { rows: found } = await watch.query(
        "select (select count(*) from audit_records) = (select count(*) from audit_log) as sealed",
      );
      if (found[0]?.sealed) return;
      await setTimeout(100);
    }
  };
  const rates = { spread: [] as number[], alone: [] as number[], bare: [] as number[] };
  for (let round = -warmUps; round < rounds; round++) {
    const ways = {
      spread: () => {
        // The offices in turn, as cases come in.
        const list = Array.from({ length: each }, (_, i) => waiting[i % offices]?.pop()).filter(
          (one) => one !== undefined,
        );
        return withHands(list, connections, (one) => register(one.office)(one));
      },
      bare: () => withHands(Array(each).fill(null), connections, insert),
      alone: () => {
        const office = (round + warmUps) % offices;
        const own = waiting[office]?.splice(0, eachAlone) ?? [];
        return withHands(own, connections, register(office));
      },
    };
    const names = ["spread", "bare", "alone"] as const;
    // Who goes first changes, so that whatever one leaves behind hits all alike.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      await sealed();
      const rate = await ways[name]();
      if (round >= 0) rates[name].push(rate);
    }
  }
  const { spread, alone, bare } = rates;
  agent.destroy();
  await watch.end();
  await pool.end();
  const ratio = (over: number[]) => rounded(median(over.map((one, i) => one / (bare[i] ?? 1))), 3);
  return {
    spread: Math.round(median(spread)),
    alone: Math.round(median(alone)),
    bare: Math.round(median(bare)),
    ratios: { spread: ratio(spread), alone: ratio(alone) },
  };
}

/** Measures and prints; gives what was measured. */
export async function benchDeals(folder: string, options: DealsOptions, say: Say) {
  const { registered, rounds } = options;
  const few = Math.ceil(registered / 100);
  const pulled = Math.min(100_000, registered);
  const cases = offices * eachAlone + each * (rounds + warmUps);
  const large = await dealsTemplate(registered, 0, options.fresh, say);
  const small = await dealsTemplate(few, cases, options.fresh, say);
  await sweepTemporaryFolders(clock.now());
  const keys = temporaryFolder("bench");
  const keyFile = join(keys, "keys.json");
  createKeyFile(keyFile, clock.now());
  const copies: { name: string; drop: () => Promise<void> }[] = [];
  const targets: Target[] = [];
  try {
    for (const template of [large, small]) {
      const copy = await copyOf(template);
      copies.push(copy);
      targets.push(await openTarget(folder, copy.name, keyFile));
    }
    const bare = await copyOf(small, "bare");
    copies.push(bare);
    for (const { name } of copies.slice(0, 2)) await untilSettled(urlOf(name));
    const [onLarge, onSmall] = targets as [Target, Target];
    const [largeCopy, smallCopy] = copies.map(({ name }) => name) as [string, string];
    say("volume");
    const volume = await measureVolume(onLarge, onSmall, [registered, few], rounds);
    say("pull feed");
    const feed = await measureFeed(onLarge, largeCopy, pulled, Math.min(rounds, 3));
    say("registering");
    const registering = await measureRegistering(
      onSmall,
      { database: smallCopy, bareDatabase: bare.name },
      rounds,
    );
    print(registered, few, volume, feed, registering);
    return { registered, few, volume, feed, registering };
  } finally {
    for (const target of targets) await target.stop();
    for (const { drop } of copies) await drop();
    rmSync(keys, { recursive: true, force: true });
  }
}

function print(
  registered: number,
  few: number,
  volume: Awaited<ReturnType<typeof measureVolume>>,
  feed: Awaited<ReturnType<typeof measureFeed>>,
  registering: Awaited<ReturnType<typeof measureRegistering>>,
): void {
  const verdict = (reached: boolean) => (reached ? "yes" : "no");
  console.log(`\ncontract volume, 1 connection, ${registered} registered contracts beside ${few}`);
  for (const { name, largeMs, smallMs, growth } of volume) {
    const aim =
      name.startsWith("by month") && name.endsWith("current")
        ? `; at most 2: ${verdict(growth <= 2)}`
        : "";
    console.log(`  ${name.padEnd(44)} ${largeMs} ms beside ${smallMs} ms, ${growth} times${aim}`);
  }
  console.log(
    `\npulling ${feed.pulled} entries, pages of ${page}, 1 connection: ${feed.json} a second as JSON, ${feed.ndjson} as NDJSON, bare read ${feed.bare}`,
  );
  console.log(
    `  ratio ${feed.ratios.json} and ${feed.ratios.ndjson}; at least ${aims.feed}: ${verdict(Math.min(feed.ratios.json, feed.ratios.ndjson) >= aims.feed)}`,
  );
  console.log(
    `\nregistering, ${connections} connections: ${registering.spread} a second over ${offices} offices, ${registering.alone} in one office, bare insert of the rows ${registering.bare}`,
  );
  console.log(
    `  ratio ${registering.ratios.spread} over ${offices} offices; at least ${aims.registering}: ${verdict(registering.ratios.spread >= aims.registering)}; ${registering.ratios.alone} in one office`,
  );
}
