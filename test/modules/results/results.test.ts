/** Results: what is theirs alone. What they share with needs is in listings/listings.test.ts. */
import t from "tap";
import {
  castOf,
  completeResult,
  drafted,
  type Overrides,
  publishedResult,
  rowCounts,
  rowOf,
} from "../../support/listings.ts";
import { openMarket } from "../../support/market.ts";
import { yuan } from "../../support/money.ts";
import { must, pointersOf, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const cast = await castOf(market, "result");
const asOwner = market.as(cast.owner);

const create = (fields: Overrides) =>
  asOwner("POST", "/v1/results", { body: { title: "价格与知识产权测试", ...fields } });

/** Creates with one field and tells what came of it. */
const pointersFor = async (fields: Overrides) => {
  const { body } = await create(fields);
  return pointersOf(body);
};

t.test("every kind of price is kept and read back", async (t) => {
  const prices = [
    { kind: "fixed", amount: yuan("500000.00"), min: null, max: null },
    { kind: "appraised", amount: yuan("0.01"), min: null, max: null },
    { kind: "range", amount: null, min: yuan("1.00"), max: yuan("9999999999999999.99") },
    { kind: "range", amount: null, min: yuan("7.50"), max: yuan("7.50") },
    { kind: "negotiable", amount: null, min: null, max: null },
  ];
  for (const price of prices) {
    const { body, status } = await create({ price });
    t.equal(status, 201);
    t.strictSame(body.price, price);
    const row = await rowOf(market, "result", body.id);
    const [low, high] = [price.amount ?? price.min, price.amount ?? price.max];
    t.match(row, {
      priceKind: price.kind,
      priceMin: low?.amount ?? null,
      priceMax: high?.amount ?? null,
    });
  }
});

t.test("a price whose amounts do not fit its kind is refused", async (t) => {
  const wrong: [object, string][] = [
    [{ kind: "fixed" }, "/price"],
    [{ kind: "fixed", min: yuan("1"), max: yuan("2") }, "/price"],
    [{ kind: "fixed", amount: yuan("1"), min: yuan("1") }, "/price"],
    [{ kind: "appraised" }, "/price"],
    [{ kind: "range", min: yuan("1") }, "/price"],
    [{ kind: "range", max: yuan("1") }, "/price"],
    [{ kind: "range", amount: yuan("1"), min: yuan("1"), max: yuan("2") }, "/price"],
    [{ kind: "range", min: yuan("2.01"), max: yuan("2.00") }, "/price/max"],
    [{ kind: "negotiable", amount: yuan("1") }, "/price"],
    [{ kind: "auction" }, "/price/kind"],
    [{ kind: "fixed", amount: { amount: "1", currency: "USD" } }, "/price/amount/currency"],
  ];
  for (const [price, pointer] of wrong) {
    t.same(await pointersFor({ price }), [pointer], JSON.stringify(price));
  }
});

t.test("amounts are stored to the fen", async (t) => {
  const { body } = await create({
    price: { kind: "fixed", amount: yuan("5") },
    funding: yuan("0.1"),
  });
  t.strictSame(body.price.amount, yuan("5.00"));
  t.strictSame(body.funding, yuan("0.10"));
});

t.test("shares add up to 100, to two decimals", async (t) => {
  const owners = (...shares: string[]) => ({
    owners: shares.map((sharePercent, i) => ({ name: `权利人${i}`, sharePercent })),
  });
  const thirds = await create(owners("33.33", "33.33", "33.34"));
  t.equal(thirds.status, 201);
  t.same(
    thirds.body.owners.map((owner: { sharePercent: string }) => owner.sharePercent),
    ["33.33", "33.33", "33.34"],
  );
  t.equal((await create({ owners: [{ name: "唯一权利人" }] })).body.owners[0].sharePercent, "100");
  t.equal((await create(owners("0.1", "99.9"))).status, 201);
  t.same(await pointersFor(owners("33.33", "33.33", "33.33")), ["/owners"]);
  t.same(await pointersFor(owners("60", "50")), ["/owners"]);
  t.ok((await pointersFor(owners("0", "100"))).includes("/owners/0/sharePercent"));
  t.ok((await pointersFor(owners("101"))).includes("/owners/0/sharePercent"));
  t.ok((await pointersFor(owners("99.999", "0.001"))).includes("/owners/0/sharePercent"));
  t.ok((await pointersFor(owners("-1", "101"))).includes("/owners/0/sharePercent"));
});

t.test("a Chinese patent number is stored as 201110047567.0, however it was typed", async (t) => {
  for (const number of [
    "201110047567.0",
    "ZL201110047567.0",
    "CN 2011 1004 7567.0",
    "zl2011100475670",
  ]) {
    const { status, body } = await create({ intellectualProperty: [{ typeCode: "21", number }] });
    t.equal(status, 201, number);
    t.equal(body.intellectualProperty[0].number, "201110047567.0");
    const row = await rowOf(market, "result", body.id);
    t.match(row.intellectualProperty, [{ number: "201110047567.0", country: "CN" }]);
    t.strictSame(row.intellectualPropertyTypes, ["21"]);
  }
  const letter = { typeCode: "21", number: "202410000001.x" };
  const x = await create({ intellectualProperty: [letter] });
  t.equal(x.body.intellectualProperty[0].number, "202410000001.X", "check digit ten is X");
});

t.test("a draft keeps a wrong patent number as a gap, and is not submitted with it", async (t) => {
  const good = { typeCode: "10" };
  const at = "/intellectualProperty/1/number";
  const numbers = ["201110047567.1", "20111004756.0", "201140047567.0", "no number"];
  for (const [typeCode, number, code] of [
    ...numbers.map((one) => ["21", one, "patent_number.check_digit"] as const),
    ["22", "201110047567.0", "patent_number.type_mismatch"] as const,
  ]) {
    const wrong = { intellectualProperty: [good, { typeCode, number }] };
    const made = await create(completeResult(wrong));
    t.equal(made.status, 201, number);
    t.equal(made.body.intellectualProperty[1].number, number);
    const [gap, ...others] = made.body.completeness.missing;
    t.match(gap, { field: at, required: true, code });
    t.same(others, []);
    t.equal(made.body.completeness.score, 100 - gap.weight);
    t.ok(gap.weight > 0);
    const row = await rowOf(market, "result", made.body.id);
    t.match(row.intellectualProperty, [{}, { number }], "it is stored");
    const submit = () => asOwner("POST", `/v1/results/${made.body.id}/submit`);
    t.match(refused(t, await submit(), 409, "result.incomplete").errors, [{ pointer: at, code }]);
    t.equal((await rowOf(market, "result", made.body.id)).status, "draft");
    const right = { typeCode: "21", number: "201110047567.0" };
    const change = (body: object) =>
      asOwner("PATCH", `/v1/results/${made.body.id}`, { body, headers: { "if-match": "*" } });
    const mended = await change({ intellectualProperty: [good, right] });
    t.same([mended.status, mended.body.completeness.missing], [200, []]);
    t.equal((await submit()).status, 200);
    await must(market.as(cast.operator)("POST", `/v1/results/${made.body.id}/publish`));
    const { version } = await rowOf(market, "result", made.body.id);
    const spoilt = refused(t, await change(wrong), 400, "request.invalid");
    t.match(spoilt.errors, [{ pointer: at, code }], "what is public is refused it");
    t.equal((await rowOf(market, "result", made.body.id)).version, version);
  }
});

t.test("the number's kind may be the type's", async (t) => {
  const utility = { typeCode: "22", number: "200820132792.8" };
  const { status, body } = await create({ intellectualProperty: [utility] });
  t.equal(status, 201);
  t.notOk(body.completeness.missing.some(({ code }: { code?: string }) => code));
});

t.test("numbers of other countries and other rights are taken as given", async (t) => {
  const rights = [
    { typeCode: "21", country: "US", number: "US 10,123,456 B2" },
    { typeCode: "30", country: "CN", number: "2023SR0123456" },
    { typeCode: "40", country: "CN", number: "CNA20191234.5" },
    { typeCode: "21", country: "CN" },
  ];
  const { status, body } = await create({ intellectualProperty: rights });
  t.equal(status, 201);
  t.match(body.intellectualProperty, [...rights.slice(0, 3), { ...rights[3], number: null }]);
  const row = await rowOf(market, "result", body.id);
  t.strictSame(row.intellectualPropertyTypes, ["21", "30", "40"]);
});

t.test("a patch reaches into the price and the contact", async (t) => {
  const { body } = await drafted(market, "result", cast.owner);
  const patch = (fields: Overrides) =>
    asOwner("PATCH", `/v1/results/${body.id}`, { body: fields, headers: { "if-match": "*" } });
  const dearer = await patch({ price: { max: { amount: "900000.00" } } });
  t.strictSame(dearer.body.price, {
    kind: "range",
    amount: null,
    min: yuan("300000.00"),
    max: yuan("900000.00"),
  });
  const fixed = await patch({
    price: { kind: "fixed", amount: yuan("650000.00"), min: null, max: null },
  });
  t.strictSame(fixed.body.price, {
    kind: "fixed",
    amount: yuan("650000.00"),
    min: null,
    max: null,
  });
  const half = await patch({ price: { kind: "range" } });
  t.same(pointersOf(refused(t, half, 400, "request.invalid")), ["/price"]);
  const crossed = await patch({
    price: { kind: "range", amount: null, min: yuan("2.00"), max: yuan("1.00") },
  });
  t.same(pointersOf(refused(t, crossed, 400, "request.invalid")), ["/price/max"]);
  const gone = await patch({ price: null, funding: null, contact: { email: null } });
  t.equal(gone.body.price, null);
  t.equal(gone.body.funding, null);
  t.strictSame(gone.body.contact, { name: "陈静", phone: "0373-3326000", email: null });
  t.match(await rowOf(market, "result", body.id), {
    priceKind: null,
    priceMin: null,
    priceMax: null,
    version: 4,
  });
});

t.test("a patch of patents is checked and normalised as a whole", async (t) => {
  const body = await publishedResult(market, cast.owner, cast.operator);
  const patch = (number: string) =>
    asOwner("PATCH", `/v1/results/${body.id}`, {
      body: { intellectualProperty: [{ typeCode: "21", number }] },
      headers: { "if-match": "*" },
    });
  t.same(pointersOf(refused(t, await patch("201110047567.2"), 400, "request.invalid")), [
    "/intellectualProperty/0/number",
  ]);
  const right = await patch("ZL 201010146372.7");
  t.equal(right.body.intellectualProperty[0].number, "201010146372.7");
});

t.test("maturity is a whole level from 1 to 9, on a known scale", async (t) => {
  for (const maturity of [0, 10, 4.5, "6"]) {
    t.same(await pointersFor({ maturity }), ["/maturity"], String(maturity));
  }
  t.same(await pointersFor({ maturityScale: "TRL" }), ["/maturityScale"]);
  const { body } = await create({ maturity: 9, maturityScale: "GB/T 37264-2018" });
  t.match(body, { maturity: 9, maturityScale: "GB/T 37264-2018" });
});

t.test("all faults of a request are named at once, and nothing is written", async (t) => {
  const counts = await rowCounts(market);
  const reply = await create({
    maturity: 11,
    completedOn: "2025-13-01",
    funding: { amount: 5, currency: "CNY" },
    price: { kind: "fixed" },
    inventors: [{ organization: "没有姓名" }],
    extra: true,
  });
  t.same(pointersOf(refused(t, reply, 400, "request.invalid")), [
    "/completedOn",
    "/extra",
    "/funding/amount",
    "/inventors/0/name",
    "/maturity",
    "/price",
  ]);
  t.same(await rowCounts(market), counts);
});

t.test("universities, enterprises and brokerages may post results", async (t) => {
  for (const caller of [cast.owner, cast.other, cast.broker]) {
    const reply = await market.as(caller)("POST", "/v1/results", { body: completeResult() });
    t.equal(reply.status, 201);
    t.equal(reply.body.organization.id, caller.organizationId);
  }
});
