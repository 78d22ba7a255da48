/** Contract volume: every combination is the sum over its contracts, current figures and past ones. */
import { sql } from "drizzle-orm";
import t from "tap";
import { today } from "../../../src/lib/clock.ts";
import { volumeDimensions } from "../../../src/modules/statistics/statistics.schema.ts";
import { newParties } from "../../support/contracts.ts";
import { sealAll } from "../../support/log.ts";
import { openMarket, type Reply } from "../../support/market.ts";
import { yuan } from "../../support/money.ts";
import { type MadeCase, openOffice, registeredCase, stepOf } from "../../support/registrations.ts";
import { must, pointersOf, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const { as } = market;
const office = await openOffice(market);
const operator = await market.person("operator");
const parties = await newParties(market);
const path = "/v1/statistics/contract-volume";
const ask = (query = "", who = office.first) => must(as(who)("GET", `${path}${query}`));

type Row = Record<string, string> & { count: number; totalAmount: { amount: string } };

/** A party of another nature, in another place: its region is its organization's. */
const party = async (role: "university" | "enterprise", natureCode: string, regionCode: string) => {
  const caller = await market.person(role, { regionCode });
  return { caller, parties: [{ organizationId: caller.organizationId, natureCode }] };
};
const beijing = await party("enterprise", "160", "110000");
const zhengzhou = await party("enterprise", "150", "410100");
const fengquan = await party("university", "021", "410711");
const amounts = (total: string, technology: string) => ({
  totalAmount: yuan(total),
  technologyAmount: yuan(technology),
  deductions:
    total === technology
      ? []
      : [{ kind: "parts", amount: yuan((Number(total) - Number(technology)).toFixed(2)) }],
  paymentMode: "lump_sum",
  instalments: [],
});

// Contracts that differ in every dimension; amounts on both sides of a size band's lower bound.
const contents = [
  { ...amounts("9999.99", "9999.99"), signedOn: "2025-12-31", validFrom: "2025-12-31" },
  { ...amounts("10000.00", "8000.00"), subtype: "12", buyers: beijing.parties },
  {
    ...amounts("1000000.00", "1000000.00"),
    type: "service",
    subtype: "51",
    fieldCode: "09",
    industryCode: "A",
    intellectualPropertyType: "00",
    rights: [],
    planSourceCode: "30",
    sellers: fengquan.parties,
  },
  { ...amounts("250.10", "0.01"), buyers: zhengzhou.parties },
];
const parts = [
  parties,
  { ...parties, buyer: beijing.caller },
  { ...parties, seller: fengquan.caller },
  { ...parties, buyer: zhengzhou.caller },
];
const made: MadeCase[] = [];
for (const [i, content] of contents.entries()) {
  made.push(await registeredCase(market, office, { ...parts[i], content }));
}

/** Rows as text, so that they compare whatever their order. */
const flat = (rows: Row[]) =>
  rows
    .map(({ technologyAmount: _, totalAmount, suppressed: __, ...row }) =>
      JSON.stringify([Object.entries(row).sort(), totalAmount.amount]),
    )
    .sort();

t.test("in each dimension the rows add up to the whole, summed or not", async (t) => {
  const { total } = await ask();
  t.same(total, {
    count: 4,
    totalAmount: yuan("1020250.09"),
    technologyAmount: yuan("1018000.00"),
    suppressed: false,
  });
  for (const dimension of volumeDimensions.filter((name) => name !== "direction")) {
    for (const basis of ["registered", "signed"]) {
      for (const period of ["year", "quarter", "month"]) {
        const query = `?by=${dimension}&dateBasis=${basis}&period=${period}`;
        const { rows, total: whole } = await ask(query);
        t.same(whole, total, query);
        // The same asked in a way that the running sums do not serve.
        const { rows: counted } = await ask(`${query}&region=410000&flow=output`);
        t.same(flat(rows), flat(counted), query);
      }
    }
  }
});

t.test("sealing changes no figure", async (t) => {
  const before = await ask("?by=subtype&period=month");
  await sealAll(market);
  const after = await ask("?by=subtype&period=month");
  t.same(after.rows, before.rows);
  t.ok(after.asOf.position > before.asOf.position);
});

t.test("three dimensions at once, and never more", async (t) => {
  const { rows } = await ask("?by=type,sizeBand,sellerNature");
  const cells = rows.map((r: Row) => `${r.type} ${r.sizeBand} ${r.sellerNature} ${r.count}`).sort();
  t.same(cells, ["development 10k_100k 022 1", "development lt_10k 022 2", "service 1m_10m 021 1"]);
  for (const by of ["type,type", "type,field,subtype,origin", "colour"]) {
    refused(t, await as(office.first)("GET", `${path}?by=${by}`), 400, "request.invalid");
  }
});

t.test("filters and regions narrow it", async (t) => {
  const counts: Record<string, number> = {
    "?type=service": 1,
    "?subtype=12": 1,
    "?fieldCode=09": 1,
    "?fieldCode=_": 0,
    "?fieldCode=0_": 0,
    "?industryCode=A": 1,
    "?industryCode=C": 3,
    "?industryCode=_": 0,
    "?intellectualPropertyType=00": 1,
    "?planSourceCode=30": 1,
    "?sellerNature=021": 1,
    "?buyerNature=160": 1,
    "?sizeBand=lt_10k": 2,
    "?origin=here": 4,
    "?origin=imported": 0,
    "?region=410700": 4,
    "?region=410711": 1,
    "?region=410700&flow=absorption": 2,
    "?region=410000&flow=absorption": 3,
    "?region=410700&flow=local": 2,
    "?type=development&sizeBand=lt_10k&region=410702": 2,
    [`?from=${today()}`]: 4,
    "?to=2020-12-31": 0,
    "?dateBasis=signed&to=2025-12-31": 1,
  };
  for (const [query, count] of Object.entries(counts)) {
    t.equal((await ask(query)).total.count, count, query);
  }
  // What no code holds is refused before it is compared with any.
  for (const code of ["%25", "%5C", "0%25"]) {
    for (const name of ["fieldCode", "industryCode", "region"]) {
      const reply = await as(office.first)("GET", `${path}?${name}=${code}`);
      refused(t, reply, 400, "request.invalid");
    }
  }
  refused(t, await as(office.first)("GET", `${path}?region=____00`), 400, "request.invalid");
});

t.test("where the other side lies, seen from a region", async (t) => {
  const { rows } = await ask("?by=direction&region=410700");
  const directions = Object.fromEntries(rows.map((r: Row) => [r.direction, r.count]));
  t.same(directions, { inside: 2, inside_province: 1, outside_province: 1 });
  const reply = await as(office.first)("GET", `${path}?by=direction`);
  t.same(
    refused(t, reply, 400, "request.invalid").errors.map((e: { parameter: string }) => e.parameter),
    ["region"],
  );
  const cities = await ask("?by=buyerRegion&regionLevel=city");
  t.same(cities.rows.map((r: Row) => r.buyerRegion).sort(), ["110000", "410100", "410700"]);
});

t.test(
  "asOf: a position, an instant, a day; what is not sealed yet cannot be asked for",
  async (t) => {
    await sealAll(market);
    const { to } = await must(as(office.first)("GET", "/v1/registry/contracts/control"));
    const { asOf: present } = await ask();
    const [first, second] = made.map(({ caseId }) => caseId);
    const ground = { ground: "wrong_recognition", note: "认定错误。" };
    for (const who of [office.first, office.second]) {
      await must(stepOf(market, who, first!, "revoke", ground));
    }
    t.equal((await ask()).total.count, 3, "a caller reads what was written a moment ago");
    t.equal((await ask(`?asOf=position:${to}`)).total.count, 4);
    t.equal((await ask(`?asOf=position:${to}&by=sizeBand`)).rows.length, 3);
    const then = (
      await db.execute<{ at: string }>(
        sql`select to_char(sealed_through at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at from sealer_state`,
      )
    ).rows[0]!.at;
    await sealAll(market);
    const past = await ask(`?asOf=${then}`);
    t.match(past, { asOf: { position: present.position, instant: then }, total: { count: 4 } });
    t.equal((await ask("?asOf=2020-01-01")).total.count, 0);
    const beyond: Reply[] = [
      await as(office.first)("GET", `${path}?asOf=2199-01-01T00:00:00Z`),
      await as(office.first)("GET", `${path}?asOf=${today()}`),
      await as(office.first)("GET", `${path}?asOf=position:999999999`),
    ];
    for (const reply of beyond) {
      t.match(refused(t, reply, 400, "statistics.as_of_unsealed").detail, /已封存至第 \d+ 位/);
    }
    refused(t, await as(office.first)("GET", `${path}?asOf=yesterday`), 400, "request.invalid");
    t.ok(second);
  },
);

t.test(
  "all but registries and the operator have the public view, and it takes nothing else",
  async (t) => {
    t.equal((await ask("?by=type", operator)).view, "full");
    for (const who of [null, parties.seller]) {
      const open = await must(as(who)("GET", `${path}?by=type&period=quarter`));
      t.equal(open.view, "public");
      t.same(open.rows, [], "the quarter is not over");
      for (const query of [
        "?period=month",
        "?by=type,field",
        "?by=subtype",
        "?dateBasis=paid",
        "?dateBasis=signed",
        "?region=410700",
        "?type=service",
        `?asOf=${today()}`,
        "?by=sellerRegion&regionLevel=city",
      ]) {
        refused(t, await as(who)("GET", `${path}${query}`), 403, "statistics.public_view");
      }
    }
    const machine = await market.client(parties.seller, ["statistics:read"]);
    t.equal((await must(as(machine)("GET", path))).view, "public");
    const other = await market.client(parties.seller, ["needs:read"]);
    refused(t, await as(other)("GET", path), 403, "auth.insufficient_scope");
  },
);

t.test("a span is widened to its periods, and must not end before it begins", async (t) => {
  const { rows } = await ask(`?from=${today()}&to=${today()}&period=year`);
  t.equal(rows.length, 1);
  const reply = await as(office.first)("GET", `${path}?from=2026-02-01&to=2026-01-01`);
  refused(t, reply, 400, "request.invalid");
  t.same(pointersOf(reply.body), [undefined]);
});

t.test("what the figures mean is told in both languages", async (t) => {
  const { data } = await must(as(null)("GET", "/v1/statistics/definitions"));
  t.ok(data.length >= 15);
  for (const { name, label, definition } of data) {
    t.ok(label.zh && label.en && definition.zh && definition.en, name);
  }
});
