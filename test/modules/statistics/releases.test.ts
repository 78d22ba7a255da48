/** The public view of a quarter that is over: it changes in releases, which give no single contract away. */
import { sql } from "drizzle-orm";
import t from "tap";
import { transact } from "../../../src/database/transact.ts";
import { addYears, clock, nowInstant, today } from "../../../src/lib/clock.ts";
import { addDays } from "../../../src/lib/working-days.ts";
import { releaseVolume } from "../../../src/modules/statistics/releases.service.ts";
import { lastClosedDay } from "../../../src/modules/statistics/statistics.service.ts";
import type { Parties } from "../../support/contracts.ts";
import { sealAll } from "../../support/log.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { yuan } from "../../support/money.ts";
import { type MadeCase, openOffice, registeredCase, stepOf } from "../../support/registrations.ts";
import { must } from "../../support/replies.ts";

const market = await openMarket(t);
const { as } = market;
const { db } = market.database;
const office = await openOffice(market);
const people = (role: "university" | "enterprise") =>
  Promise.all(Array.from({ length: 4 }, () => market.person(role)));
const [sellers, buyers] = await Promise.all([people("university"), people("enterprise")]);

/** Does something as if it were another day. */
async function on<T>(day: string, work: () => Promise<T>): Promise<T> {
  const { now } = clock;
  clock.now = () => new Date(`${day}T04:00:00Z`);
  try {
    return await work();
  } finally {
    clock.now = now;
  }
}

const lastDay = lastClosedDay();
const quarter = `${lastDay.slice(0, 4)}-Q${Math.ceil(Number(lastDay.slice(5, 7)) / 3)}`;
const year = lastDay.slice(0, 4);

/** A contract of the last quarter that is over. */
const registered = (
  [seller, buyer]: [number, number],
  amount: string,
  content: object = {},
): Promise<MadeCase> =>
  on(addDays(lastDay, -30), () => {
    const parties: Parties = { seller: sellers[seller]!, buyer: buyers[buyer]! };
    return registeredCase(market, office, {
      ...parties,
      content: {
        totalAmount: yuan(amount),
        technologyAmount: yuan(amount),
        deductions: [],
        paymentMode: "lump_sum",
        instalments: [],
        ...content,
      },
    });
  });

const service = { type: "service", subtype: "51" };
const consulting = { type: "consulting", subtype: "41" };
const made: MadeCase[] = [];
for (const [pair, amount, content] of [
  [[0, 0], "100000.00", {}],
  [[1, 1], "110000.00", {}],
  [[2, 2], "120000.00", {}],
  [[3, 3], "130000.00", {}],
  [[0, 1], "140000.00", {}],
  // More contracts than of the type that is shown, so that hiding the other two costs more than hiding it: six of two
  // sellers, and six of whose amount one firm has 90 %.
  [[0, 0], "50000.00", service],
  [[1, 1], "60000.00", service],
  [[1, 2], "70000.00", service],
  [[0, 1], "10000.00", service],
  [[0, 3], "10000.00", service],
  [[1, 3], "10000.00", service],
  [[0, 0], "2000.00", consulting],
  [[1, 1], "2000.00", consulting],
  [[0, 1], "2000.00", consulting],
  [[1, 0], "2000.00", consulting],
  [[3, 3], "2000.00", consulting],
  [[2, 2], "90000.00", consulting],
] as [[number, number], string, object][]) {
  made.push(await registered(pair, amount, content));
}

const release = () => transact(market.database.pool, releaseVolume);
const path = "/v1/statistics/contract-volume";
const dimensions = ["type", "field", "sellerNature", "buyerNature", "sizeBand", "sellerRegion"];
const queries = ["quarter", "year"].flatMap((period) =>
  ["", ...dimensions.map((by) => `&by=${by}`)].map((by) => `${path}?period=${period}${by}`),
);

/** Everything that the public is shown, and everything that the registry is. */
const views = async (who: Caller | null) => {
  const replies = [];
  for (const query of queries) replies.push(await must(as(who)("GET", query)));
  return replies.map(({ view, rows, total }) => ({ view, rows, total }));
};
const total = async (who: Caller | null) =>
  (await must(as(who)("GET", `${path}?period=quarter`))).rows[0] ?? null;

const revokeUnsealed = async ({ caseId }: MadeCase) => {
  const body = { ground: "wrong_recognition", note: "认定错误。" };
  for (const who of [office.first, office.second]) {
    await must(stepOf(market, who, caseId, "revoke", body));
  }
};
const revoke = async (one: MadeCase) => {
  await revokeUnsealed(one);
  await sealAll(market);
};

t.test("a quarter is released when all of it is sealed, once", async (t) => {
  t.equal(await total(null), null, "it was not released yet");
  t.same(await release(), [], "what is not sealed would be its first correction");
  await sealAll(market);
  t.same(await release(), [quarter]);
  t.same(await release(), []);
  const { asOf, rows } = await must(as(null)("GET", `${path}?period=quarter`));
  t.match(rows, [{ period: quarter, count: 17, totalAmount: yuan("910000.00") }]);
  t.ok(rows[0].releasedAt && rows[0].releasedAt <= nowInstant());
  t.equal(asOf.instant, rows[0].releasedAt);
  t.equal((await must(as(null)("GET", `${path}?period=year`))).rows[0].releasedAt, asOf.instant);
  t.equal((await total(office.first)).releasedAt, null, "the full view is current");
});

t.test("three sellers, three buyers, and none that dominates", async (t) => {
  const counts = async (who: Caller | null) => {
    const { rows } = await must(as(who)("GET", `${path}?period=quarter&by=type`));
    return Object.fromEntries(
      rows.map((row: { type: string; count: number | null }) => [row.type, row.count]),
    );
  };
  t.same(await counts(office.first), { development: 5, service: 6, consulting: 6 });
  t.same(await counts(null), { development: 5, service: null, consulting: null });
});

t.test(
  "nothing changes for the public when one contract of a past quarter is revoked",
  async (t) => {
    const [before, full] = [await views(null), await total(office.first)];
    await revoke(made[0]!);
    t.same(await release(), []);
    t.same(await views(null), before);
    t.same(await views(made[1]!.seller), before);
    t.match(full, { count: 17 });
    t.match(await total(office.first), { count: 16, totalAmount: yuan("810000.00") });

    // One that comes late and is gone before the next release corrects nothing.
    const late = await registered([3, 3], "150000.00");
    await revoke(late);
    await revoke(made[1]!);
    t.same(await release(), [], "two were corrected");
    t.same(await views(null), before);

    await revoke(made[5]!);
    t.same(await release(), [quarter]);
    t.match(await total(null), { count: 14, totalAmount: yuan("650000.00") });
  },
);

t.test("what is fewer than three is released once a year", async (t) => {
  await revoke(made[6]!);
  const before = await views(null);
  const { releasedAt } = await total(null);
  t.same(await release(), []);
  t.same(await views(null), before);
  const after = addYears(today(), 1);
  t.same(
    (await on(addDays(after, -1), release)).filter((one) => one === quarter),
    [],
    "not a day earlier",
  );
  t.same(
    (await on(after, release)).filter((one) => one === quarter),
    [quarter],
  );
  const released = await total(null);
  t.match(released, { count: 13, totalAmount: yuan("590000.00") });
  t.ok(released.releasedAt > releasedAt);
});

t.test("a quarter in which nothing was registered changes no earlier", async (t) => {
  const day = `${Number(year) - 2}-02-10`;
  const parties = { seller: sellers[0]!, buyer: buyers[0]! };
  await on(day, () => registeredCase(market, office, parties));
  await sealAll(market);
  const before = await views(null);
  t.same(await release(), []);
  t.same(await views(null), before);
});

t.test("who walks all numbers learns which are valid, and nothing else", async (t) => {
  const numbers = made.map(({ registration }) => registration.number as string).sort();
  const [first, last] = [BigInt(numbers[0]!), BigInt(numbers.at(-1)!)];
  const answers: Record<string, unknown>[] = [];
  for (let number = first; number <= last + 3n; number += 1n) {
    answers.push(await must(as(null)("GET", `/v1/registrations/${number}/certificate`)));
  }
  for (const answer of answers) t.same(Object.keys(answer), ["valid"]);
  t.equal(answers.filter(({ valid }) => valid).length, 13);
});

t.test(
  "the sealer has the job look when a past quarter was corrected, and only then",
  async (t) => {
    const run = (job: string) => market.app.jobs.find(({ name }) => name === job)!.run(db);
    const isDue = async () => {
      const found = await db.execute<{ due: boolean }>(
        sql`select due_at <= now() as due from job_runs where job = 'statistics.release'`,
      );
      return found.rows[0]?.due;
    };
    await db.execute(
      sql`insert into job_runs (job, due_at) values ('statistics.release', now() + interval '1 day')`,
    );
    await registeredCase(market, office, { seller: sellers[0]!, buyer: buyers[0]! });
    await run("audit.seal");
    t.equal(await isDue(), false, "a contract of this quarter is no correction");
    for (const one of made.slice(2, 5)) await revokeUnsealed(one);
    await run("audit.seal");
    t.equal(await isDue(), true);
    await run("statistics.release");
    t.match(await total(null), { count: 10, totalAmount: yuan("200000.00") });
  },
);
