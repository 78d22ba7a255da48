/** What only the owner's own list offers: what ends when, how complete each is, and what it lacks. */
import { eq } from "drizzle-orm";
import t from "tap";
import { complete, copyListing, drafted, type Noun, tableOf } from "../../support/listings.ts";
import { type Call, openMarket, type Reply } from "../../support/market.ts";
import { must, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const owner = await market.person("enterprise");
const other = await market.person("enterprise");
const machine = await market.client(owner, ["results:read", "needs:read"]);
const asOwner = market.as(owner);
const nouns: readonly Noun[] = ["result", "need"];

const find = (as: Call, noun: Noun, parameters: Record<string, string>): Promise<Reply> =>
  as("GET", `/v1/${noun}s?${new URLSearchParams(parameters)}`);

/** The ids of all pages, two a page. */
async function walk(as: Call, noun: Noun, parameters: Record<string, string>): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await must(
      find(as, noun, { scope: "own", limit: "2", ...parameters, ...(cursor && { cursor }) }),
    );
    ids.push(...page.data.map(({ id }: { id: string }) => id));
    cursor = page.page.next;
  } while (cursor && ids.length < 100);
  return ids;
}

for (const noun of nouns) {
  const days = [null, "2031-03-01", "2031-01-01", null, "2031-02-01", "2031-03-01"];
  const titles = days.map((_, i) => `${noun === "result" ? "成果" : "需求"}样例第${i + 1}号`);
  const made: { id: string; day: string | null; score: number }[] = [];
  for (const [i, validUntil] of days.entries()) {
    // Each lacks another part of what a complete one has.
    const whole = Object.entries(complete[noun]({ title: titles[i], validUntil }));
    const kept = whole.filter(
      ([key], at) => key === "title" || key === "validUntil" || at % 6 >= i,
    );
    const body = await must(
      market.as(owner)("POST", `/v1/${noun}s`, {
        // Nothing is taken over of the organization.
        body: { regionCode: null, contact: null, ...Object.fromEntries(kept) },
      }),
    );
    made.push({ id: body.id, day: validUntil, score: body.completeness.score });
  }
  await drafted(market, noun, other, { validUntil: "2031-01-15" });
  const byId = (one: { id: string }, two: { id: string }) => (one.id < two.id ? -1 : 1);
  const idsBy = (compare: (one: (typeof made)[number], two: (typeof made)[number]) => number) =>
    [...made].sort((one, two) => compare(one, two) || byId(one, two)).map(({ id }) => id);
  const reversed = (ids: string[]) => [...ids].reverse();

  t.test(
    `${noun}: sorted by the last day, either way; without one is behind all days`,
    async (t) => {
      const expected = idsBy((one, two) =>
        (one.day ?? "9") < (two.day ?? "9") ? -1 : Number(one.day !== two.day),
      );
      t.same(await walk(asOwner, noun, { sort: "validUntil" }), expected);
      t.same(await walk(asOwner, noun, { sort: "-validUntil" }), reversed(expected));
      t.same(await walk(market.as(machine), noun, { sort: "validUntil" }), expected);
    },
  );

  t.test(`${noun}: those that end by a day, or not before it`, async (t) => {
    const within = await walk(asOwner, noun, {
      sort: "validUntil",
      "validUntil[lte]": "2031-02-01",
    });
    t.same(within, [made[2]?.id, made[4]?.id], "the other's are not among them");
    const from = { "validUntil[gte]": "2031-02-01", sort: "validUntil" };
    t.same(await walk(asOwner, noun, from), [made[4]?.id, made[1]?.id, made[5]?.id]);
    const both = { "validUntil[gte]": "2031-02-01", "validUntil[lte]": "2031-02-28" };
    t.same(await walk(asOwner, noun, both), [made[4]?.id]);
  });

  t.test(`${noun}: sorted and filtered by completeness`, async (t) => {
    const scores = new Set(made.map(({ score }) => score));
    t.equal(scores.size, made.length, `${[...scores]}`);
    const expected = idsBy((one, two) => one.score - two.score);
    t.same(await walk(asOwner, noun, { sort: "completeness" }), expected);
    t.same(await walk(asOwner, noun, { sort: "-completeness" }), reversed(expected));
    const middle = made[3]?.score ?? 0;
    const below = await walk(asOwner, noun, {
      "completeness[lte]": String(middle),
      sort: "completeness",
    });
    t.same(below, expected.slice(0, expected.indexOf(made[3]?.id ?? "") + 1));
    const above = await walk(asOwner, noun, {
      "completeness[gte]": String(middle),
      sort: "completeness",
    });
    t.same(above, expected.slice(expected.indexOf(made[3]?.id ?? "")));
  });

  t.test(`${noun}: each with what it lacks, as it says itself`, async (t) => {
    const page = await must(find(asOwner, noun, { scope: "own", include: "gaps,total" }));
    t.same(page.total, { exact: made.length });
    for (const item of page.data) {
      const one = await must(asOwner("GET", `/v1/${noun}s/${item.id}`));
      t.same(item.gaps, one.completeness.missing);
      t.equal(item.completeness, one.completeness.score);
      t.equal(item.contact, undefined, "nothing of it but that");
    }
    t.ok(page.data.some(({ gaps }: { gaps: unknown[] }) => gaps.length > 0));
    const without = await must(find(asOwner, noun, { scope: "own" }));
    t.equal(without.data[0].gaps, undefined);
    const searched = await must(
      find(asOwner, noun, { scope: "own", include: "gaps", q: titles[4] ?? "" }),
    );
    t.equal(searched.data[0]?.id, made[4]?.id);
    t.ok(searched.data[0]?.gaps.length > 0, "a search as well");
    const inDays = await must(
      find(asOwner, noun, {
        scope: "own",
        include: "gaps",
        q: titles[4] ?? "",
        sort: "validUntil",
      }),
    );
    t.ok(inDays.data[0]?.gaps && inDays.data[0].match, "in another order too");
    const all = await must(find(market.as(operator), noun, { scope: "all", include: "gaps" }));
    t.ok(all.data.every(({ gaps }: { gaps: unknown }) => Array.isArray(gaps)));
  });

  t.test(`${noun}: a wrong thing is named among the gaps by its code`, async (t) => {
    if (noun === "need") return;
    const { body } = await drafted(market, noun, owner, { title: "专利号有误的成果" });
    const rights = [
      {
        typeCode: "21",
        country: "CN",
        number: "201110047567.1",
        status: null,
        title: null,
        owner: null,
      },
    ];
    const copy = await copyListing(market, noun, body.id, { intellectualProperty: rights });
    const page = await must(find(asOwner, noun, { scope: "own", include: "gaps" }));
    const item = page.data.find(({ id }: { id: string }) => id === copy);
    t.match(item.gaps, [{ code: "patent_number.check_digit", required: true }]);
    await db.delete(tableOf(noun)).where(eq(tableOf(noun).id, copy));
  });

  t.test(`${noun}: other scopes take none of it`, async (t) => {
    const filters = {
      "validUntil[lte]": "2031-01-01",
      "validUntil[gte]": "2031-01-01",
      "completeness[gte]": "5",
      "completeness[lte]": "5",
    };
    for (const [as, scope] of [
      [market.as(null), "public"],
      [market.as(operator), "all"],
    ] as const) {
      for (const [parameter, value] of Object.entries(filters)) {
        const reply = await find(as, noun, { scope, [parameter]: value });
        t.match(refused(t, reply, 400, "request.invalid").errors, [
          { parameter, code: "filter.unavailable" },
        ]);
      }
      const sorted = await find(as, noun, { scope, sort: "completeness" });
      t.match(refused(t, sorted, 400, "request.invalid").errors, [{ code: "sort.unavailable" }]);
    }
    const gaps = await find(market.as(null), noun, { include: "gaps" });
    t.match(refused(t, gaps, 400, "request.invalid").errors, [
      { parameter: "include", code: "include.unavailable" },
    ]);
    refused(
      t,
      await find(market.as(null), noun, { scope: "own", include: "gaps" }),
      401,
      "auth.required",
    );
    const mine = await must(find(market.as(other), noun, { scope: "own", include: "gaps" }));
    t.equal(mine.data.length, 1, "nobody else's");
  });

  t.test(`${noun}: a cursor made up is refused`, async (t) => {
    for (const sort of ["validUntil", "completeness"]) {
      const { page } = await must(find(asOwner, noun, { scope: "own", limit: "1", sort }));
      const [hash, , id] = JSON.parse(Buffer.from(page.next, "base64url").toString());
      for (const key of ["-infinity", "2031-02-30", "x", "1000"]) {
        const cursor = Buffer.from(JSON.stringify([hash, key, id])).toString("base64url");
        const reply = await find(asOwner, noun, { scope: "own", limit: "1", sort, cursor });
        t.match(refused(t, reply, 400, "request.invalid").errors, [{ code: "cursor.invalid" }]);
      }
    }
  });
}
