/** The main flow, as its users go through it: HTTP only, each under an own token. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { projectRoot } from "../../src/lib/root.ts";
import { type Body, type Caller, expect } from "./caller.ts";
import type { Cast } from "./cast.ts";

const yuan = (amount: string) => ({ amount, currency: "CNY" });

/** A day from today in Asia/Shanghai, `YYYY-MM-DD`. */
const day = (offset: number) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Shanghai" }).format(
    Date.now() + offset * 24 * 60 * 60 * 1000,
  );

let steps = 0;

/** One line a step: who, what, which, and how it stands now. */
function tell({ who }: Caller, what: string, which: string, status: string): void {
  steps += 1;
  console.log(
    `${String(steps).padStart(3)}  ${who.padEnd(20)} ${what.padEnd(46)} ${which.padEnd(38)} ${status}`,
  );
}

/** A file whose bytes look like a PDF. */
const pdf = (name: string, text: string) =>
  new File([`%PDF-1.4\n% ${text}\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n`], name, {
    type: "application/pdf",
  });

/** Every dimension of the volume, and which value of it the tour's contract has. */
const dimensionsOf = ({ enterpriseRegionCode }: Cast): readonly [string, string][] => [
  ["type", "development"],
  ["subtype", "11"],
  ["field", "07"],
  ["intellectualProperty", "21"],
  ["planSource", "90"],
  ["industry", "C"],
  ["sellerNature", "022"],
  ["buyerNature", "150"],
  ["sizeBand", "1m_10m"],
  ["sellerRegion", "410711"],
  ["buyerRegion", enterpriseRegionCode],
  ["origin", "here"],
];

interface Figure {
  count: number;
  total: string;
  technology: string;
}

const toFen = (amount: string) => BigInt(amount.replace(".", ""));

/** How much a figure grew, in contracts and fen. */
const growth = (before: Figure, after: Figure) => ({
  count: after.count - before.count,
  total: toFen(after.total) - toFen(before.total),
  technology: toFen(after.technology) - toFen(before.technology),
});

const nothing: Figure = { count: 0, total: "0.00", technology: "0.00" };

const toFigure = (row: Body): Figure => ({
  count: row.count,
  total: row.totalAmount.amount,
  technology: row.technologyAmount.amount,
});

/** This year's figure, whole or of one value of one dimension. */
async function volume(
  registry: Caller,
  query: Record<string, string> = {},
  value?: string,
): Promise<Figure> {
  const year = day(0).slice(0, 4);
  const parameters = new URLSearchParams({
    period: "year",
    from: `${year}-01-01`,
    to: `${year}-12-31`,
    ...query,
  });
  const { rows, total } = await registry.get(`/v1/statistics/contract-volume?${parameters}`);
  if (value === undefined) return toFigure(total);
  const row = rows.find((r: Body) => r[query.by ?? ""] === value);
  return row ? toFigure(row) : nothing;
}

async function figures(cast: Cast): Promise<Map<string, Figure>> {
  const registry = cast.firstReviewer;
  const found = new Map<string, Figure>();
  for (const [by, value] of dimensionsOf(cast)) {
    found.set(by, await volume(registry, { by }, value));
  }
  for (const flow of ["output", "absorption", "local"]) {
    found.set(flow, await volume(registry, { region: "410700", flow }));
  }
  return found;
}

/** Asks again until it is so: the log is sealed within a second. */
async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 100; i++) {
    const found = await ask();
    if (found !== undefined) return found;
    await setTimeout(200);
  }
  expect(false, `waited in vain: ${what}`);
}

/** Entries of the pull feed about one registration, read from its beginning, page by page. */
async function feedOf(registry: Caller, registrationId: string): Promise<Body[]> {
  const found: Body[] = [];
  let after = "";
  for (;;) {
    const query = new URLSearchParams({ limit: "1000", ...(after ? { after } : {}) });
    const { data, page } = await registry.get(`/v1/registry/contracts?${query}`);
    found.push(...data.filter((entry: Body) => entry.registrationId === registrationId));
    if (!page.hasMore) return found;
    after = String(page.next);
  }
}

/** Both listings, drafted by their owners and published by the operator. */
async function listings(cast: Cast, mark: string): Promise<{ result: Body; need: Body }> {
  const result = await cast.office.post("/v1/results", {
    title: `选择性镍回收螯合树脂 ${mark}`,
    summary: "钙镁共存下对镍的选择系数大于五百，再生液可直接回用于电镀槽。",
    description:
      "双吡啶甲胺官能团大孔树脂，已在一家电镀园区连续运行十四个月，出水镍稳定低于 0.1 mg/L。",
    fieldCode: "07",
    industryCode: "C26",
    regionCode: "410711",
    maturity: 7,
    cooperationModes: ["joint_development", "licence"],
    intellectualProperty: [{ typeCode: "21", number: "201110047567.0", status: "granted" }],
    price: { kind: "negotiable" },
    contact: { name: "成果转化办公室", phone: "0373-0000882" },
  });
  tell(cast.office, "drafts a result", result.reference, result.status);
  const need = await cast.system.post("/v1/needs", {
    ...JSON.parse(readFileSync(join(projectRoot, "scripts/tour/need.json"), "utf8")),
    deadline: day(240),
  });
  tell(cast.system, "posts a need from a file", need.reference, need.status);
  await cast.office.post(`/v1/results/${result.id}/submit`);
  await cast.system.post(`/v1/needs/${need.id}/submit`);
  for (const [path, { id, reference }] of [
    ["results", result],
    ["needs", need],
  ] as const) {
    const { status } = await cast.operator.post(`/v1/${path}/${id}/publish`);
    expect(status === "published", `${reference} is ${status}`);
    tell(cast.operator, `publishes the ${path.slice(0, -1)}`, reference, status);
  }
  return { result, need };
}

async function interest(cast: Cast, result: Body): Promise<void> {
  const asked = await cast.system.post(`/v1/results/${result.id}/interests`, {
    message: "我公司三条电镀线末端废水含镍，想了解树脂在钙镁共存下的选择性与再生周期。",
    questions: [{ topic: "performance", question: "钙镁各 200 mg/L 时选择系数是多少？" }],
    contact: { name: "技术部", phone: "0373-0000881" },
  });
  tell(cast.system, "asks about the result", asked.id, `${asked.status}, due ${asked.dueOn}`);
  const before = await cast.office.get(`/v1/interests/${asked.id}`);
  expect(!JSON.stringify(before).includes("0373-0000881"), "the asker's contact is still hidden");
  const answered = await cast.office.post(`/v1/interests/${asked.id}/accept`, {
    note: "欢迎来校看中试装置。",
    answers: [{ index: 0, answer: "大于 500，再生周期 20 天。" }],
  });
  expect(answered.status === "accepted", `the interest is ${answered.status}`);
  expect(JSON.stringify(answered).includes("0373-0000881"), "the asker's contact is shown now");
  tell(cast.office, "answers and accepts", asked.id, answered.status);
}

/** People search, and the market suggests: with the words and the signals that made it. */
async function suggestion(cast: Cast, result: Body, need: Body): Promise<void> {
  const words = new URLSearchParams({ q: "螯合樹脂 镍", include: "facets" });
  const found = await cast.public.get(`/v1/results?${words}`);
  const hit = found.data.find((one: Body) => one.id === result.id);
  expect(hit?.match.highlights.length > 0, "everybody finds the result by its words");
  expect(found.facets.fieldCode.length > 0, "and sees what fields there are");
  tell(cast.public, "searches 螯合樹脂 镍", result.reference, `score ${hit.match.score}`);

  const { data } = await cast.broker.get(`/v1/needs/${need.id}/suggestions?limit=50`);
  const best = data.find((one: Body) => one.result.id === result.id);
  expect(best, "the market suggests the result for the need");
  const text = best.parts.find((part: Body) => part.signal === "text");
  const reasons = text.words.slice(0, 3).map((word: Body) => word.text);
  expect(reasons.length > 0, "it says which words made it");
  const signals = best.parts.filter((part: Body) => part.value === 1).map((part: Body) => part.en);
  tell(
    cast.broker,
    "sees the result among the suggestions",
    result.reference,
    `score ${best.score}: ${reasons.join(", ")}; ${signals.join(", ")}`,
  );
  const verdict = await cast.broker.post(`/v1/needs/${need.id}/suggestions/verdicts`, {
    resultId: result.id,
    verdict: "useful",
    reason: "good_fit",
  });
  tell(cast.broker, "finds it useful", verdict.id, verdict.verdict);
}

async function match(cast: Cast, result: Body, need: Body): Promise<Body> {
  const proposed = await cast.broker.post("/v1/matches", {
    resultId: result.id,
    needId: need.id,
    proposal: "树脂的选择系数与再生液浓度正好满足镍回用的两项指标，价格在预算之内。",
  });
  tell(cast.broker, "proposes the match", proposed.id, proposed.status);
  const first = await cast.office.post(`/v1/matches/${proposed.id}/accept`, {});
  tell(cast.office, "accepts the match", proposed.id, `${first.status}, the other side is awaited`);
  const second = await cast.enterprise.post(`/v1/matches/${proposed.id}/accept`, {});
  expect(second.status === "agreed", `the match is ${second.status}`);
  tell(cast.enterprise, "accepts the match", proposed.id, second.status);
  const negotiating = await cast.broker.post(`/v1/matches/${proposed.id}/negotiate`);
  await cast.broker.post(`/v1/matches/${proposed.id}/notes`, {
    kind: "meeting",
    heldAt: new Date(Date.now() - 60_000).toISOString(),
    text: "双方在中试基地会面，确认以委托开发方式合作，分两期付款。",
  });
  const { data: timeline } = await cast.enterprise.get(`/v1/matches/${proposed.id}/notes`);
  expect(timeline.length >= 5, "the timeline tells who introduced whom");
  tell(
    cast.broker,
    "notes a meeting",
    proposed.id,
    `${negotiating.status}, ${timeline.length} entries`,
  );
  return negotiating;
}

/** The contract as the parties mean it. */
const content = (cast: Cast, matchId: string, mark: string) => ({
  matchId,
  title: `电镀废水镍选择性回收树脂工艺委托开发 ${mark}`,
  type: "development",
  subtype: "11",
  subject: "开发适用于钙镁共存电镀废水的镍选择性回收工艺，含中试装置的设计与调试。",
  fieldCode: "07",
  industryCode: "C33",
  intellectualPropertyType: "21",
  rights: [{ typeCode: "21", country: "CN", number: "201110047567.0", title: "一种螯合树脂" }],
  planSourceCode: "90",
  objectiveCode: "01",
  signedOn: day(0),
  validFrom: day(0),
  validUntil: day(720),
  totalAmount: yuan("1200000.00"),
  technologyAmount: yuan("1000000.00"),
  amountStatus: "provisional",
  deductions: [{ kind: "equipment", amount: yuan("200000.00"), note: "中试树脂柱" }],
  paymentMode: "installment",
  instalments: [
    { dueOn: day(30), amount: yuan("400000.00") },
    { condition: "中试验收合格后十五日内", amount: yuan("800000.00") },
  ],
  pricing: {
    method: "negotiated",
    notice: { from: day(-20), to: day(-4), reference: "校科技处公示〔2026〕17号" },
  },
  commission: { basis: "technology_amount", rate: "3", payer: "both" },
  confidentiality: "internal",
  sellers: [{ organizationId: cast.officeOrganizationId, natureCode: "022" }],
  buyers: [{ organizationId: cast.enterpriseOrganizationId, natureCode: "150" }],
});

async function contract(cast: Cast, matchId: string, mark: string): Promise<Body> {
  const draft = await cast.broker.post("/v1/contracts", content(cast, matchId, mark));
  tell(cast.broker, "drafts the contract from the match", draft.reference, draft.status);
  const file = await cast.broker.upload(
    { subjectType: "contract", subjectId: draft.id, purpose: "contract_text" },
    pdf("合同.pdf", `${draft.reference} ${mark}`),
  );
  tell(
    cast.broker,
    "attaches its text",
    file.sha256.slice(0, 16),
    `${file.mediaType}, ${file.size} B`,
  );
  const { revision, contentSha256 } = await cast.broker.post(`/v1/contracts/${draft.id}/submit`);
  for (const caller of [cast.office, cast.enterprise]) {
    const { status } = await caller.post(`/v1/contracts/${draft.id}/confirm`, {
      revision,
      contentSha256,
    });
    tell(caller, `confirms revision ${revision}`, draft.reference, status);
  }
  const effective = await cast.office.get(`/v1/contracts/${draft.id}`);
  expect(effective.status === "effective", `the contract is ${effective.status}`);
  return effective;
}

async function register(cast: Cast, contractId: string): Promise<Body> {
  const filed = await cast.office.post(`/v1/contracts/${contractId}/file`, {});
  tell(cast.office, "files it for registration", filed.id, filed.status);
  const path = `/v1/registrations/${filed.id}`;
  const accepted = await cast.firstReviewer.post(`${path}/accept`);
  tell(
    cast.firstReviewer,
    "accepts the case",
    filed.id,
    `${accepted.status}, due ${accepted.dueOn}`,
  );
  const asked = await cast.firstReviewer.post(`${path}/request-supplement`, {
    note: "请补充中试装置费用的测算说明。",
    grounds: ["incomplete_material"],
    deadline: day(20),
  });
  tell(cast.firstReviewer, "asks for a supplement", filed.id, asked.status);
  await cast.office.upload(
    { subjectType: "registration", subjectId: filed.id, purpose: "supplement" },
    pdf("测算说明.pdf", filed.id),
  );
  const supplemented = await cast.office.post(`${path}/supplement`, { note: "已补充测算说明。" });
  expect(supplemented.status === "accepted", `the case is ${supplemented.status}`);
  tell(
    cast.office,
    "supplements the case",
    filed.id,
    `${supplemented.status}, due ${supplemented.dueOn}`,
  );
  await cast.firstReviewer.call("POST", `${path}/register`, { status: 409 });
  tell(cast.firstReviewer, "may not register what it reviewed first", filed.id, "409");
  const registered = await cast.secondReviewer.post(`${path}/register`);
  expect(registered.status === "registered", `the case is ${registered.status}`);
  expect(/^\d{16}$/.test(registered.number), `the number is ${registered.number}`);
  tell(cast.secondReviewer, "registers it", registered.number, registered.status);
  return registered;
}

async function certificate(cast: Cast, { id, number }: Body): Promise<void> {
  const { certificatePath } = await cast.office.get(`/v1/registrations/${id}`);
  const { pathname, search } = new URL(certificatePath, "http://market");
  const page = await cast.office.call("GET", pathname + search, {
    headers: { accept: "text/html" },
  });
  expect(
    page.text.includes(number) && page.text.includes("<svg"),
    "a page to print, with its code",
  );
  tell(cast.office, "fetches the certificate to print", number, `${page.text.length} characters`);
  const open = await cast.public.get(pathname);
  expect(
    open.valid === true && Object.keys(open).length === 1,
    "the number alone tells that it is valid, and nothing else",
  );
  const full = await cast.public.get(pathname + search);
  expect(full.totalAmount.amount === "1200000.00", "with the code the public sees all of it");
  tell(cast.public, "verifies number and code", number, full.status);
}

async function payAndAmend(cast: Cast, contractId: string, registrationId: string): Promise<void> {
  const payment = await cast.office.post(`/v1/contracts/${contractId}/payments`, {
    paidOn: day(0),
    amount: yuan("400000.00"),
    voucherNumber: "2026-0417",
  });
  tell(cast.office, "records a payment", payment.id, payment.amount.amount);
  const amendment = await cast.office.post(`/v1/contracts/${contractId}/amendments`, {
    reason: "中试规模扩大，双方追加费用。",
    patch: {
      totalAmount: yuan("1500000.00"),
      technologyAmount: yuan("1250000.00"),
      amountStatus: "final",
      deductions: [{ kind: "equipment", amount: yuan("250000.00"), note: "中试树脂柱" }],
      instalments: [
        { dueOn: day(30), amount: yuan("400000.00") },
        { condition: "中试验收合格后十五日内", amount: yuan("1100000.00") },
      ],
    },
  });
  const { revision, contentSha256 } = amendment;
  const path = `/v1/contracts/${contractId}/amendments/${amendment.id}/confirm`;
  for (const caller of [cast.office, cast.enterprise]) {
    const { status } = await caller.post(path, { revision, contentSha256 });
    tell(caller, `confirms the amendment, revision ${revision}`, amendment.id, status);
  }
  const amend = `/v1/registrations/${registrationId}/amend`;
  const asked = await cast.office.post(amend, { contractRevision: revision });
  tell(cast.office, "asks to amend the registration", registrationId, asked.status);
  await cast.firstReviewer.post(amend, {});
  const amended = await cast.secondReviewer.post(amend, {});
  expect(amended.revision === 2, `the registration is at revision ${amended.revision}`);
  tell(
    cast.secondReviewer,
    "amends it, after the first reviewer",
    amended.number,
    `revision ${amended.revision}`,
  );
}

async function table(registry: Caller): Promise<void> {
  const year = day(0).slice(0, 4);
  const { rows, total } = await registry.get(
    `/v1/statistics/contract-volume?period=month&by=type&from=${year}-01-01&to=${year}-12-31`,
  );
  const line = (cells: string[]) =>
    console.log(
      `  ${cells.map((cell, i) => (i < 2 ? cell.padEnd(14) : cell.padStart(18))).join("")}`,
    );
  console.log(`\nContract volume by month of registration and type, in yuan\n`);
  line(["month", "type", "contracts", "total amount", "technology amount"]);
  for (const row of rows) {
    line([
      row.period,
      row.type,
      String(row.count),
      row.totalAmount.amount,
      row.technologyAmount.amount,
    ]);
  }
  line([year, "all", String(total.count), total.totalAmount.amount, total.technologyAmount.amount]);
}

/**
 * Plays the main flow of the market once.
 * @throws TourFailure at the first step that is not what it should be
 */
export async function play(cast: Cast): Promise<void> {
  const mark = new Date()
    .toISOString()
    .replaceAll(/[-:TZ]/g, "")
    .slice(2, 14);
  const registry = cast.firstReviewer;
  const before = await figures(cast);
  const { result, need } = await listings(cast, mark);
  await interest(cast, result);
  await suggestion(cast, result, need);
  const { id: matchId } = await match(cast, result, need);
  const { id: contractId } = await contract(cast, matchId, mark);
  const registered = await register(cast, contractId);
  await certificate(cast, registered);

  const counted = await figures(cast);
  for (const [name, figure] of counted) {
    const grown = growth(before.get(name) ?? nothing, figure);
    const fits = grown.count === 1 && grown.total === 120000000n && grown.technology === 100000000n;
    expect(fits, `the volume counts the contract in ${name}`);
  }
  tell(
    registry,
    "finds it in the contract volume",
    `${counted.size} ways`,
    `+1, +1200000.00 in each: ${[...counted.keys()].join(", ")}`,
  );

  await until("the registration is in the feed", async () =>
    (await feedOf(registry, registered.id)).length === 1 ? true : undefined,
  );
  const instant = new Date().toISOString();
  const earlier = await until("the log is sealed up to now", async () => {
    // Refused with 400 until then.
    const path = `/v1/statistics/contract-volume?${new URLSearchParams({ asOf: instant })}`;
    const reply = await registry.call("GET", path).catch(() => undefined);
    return reply ? await volume(registry, { asOf: instant }) : undefined;
  });

  await payAndAmend(cast, contractId, registered.id);
  const entries = await until("the amendment is in the feed", async () => {
    const found = await feedOf(registry, registered.id);
    return found.length === 2 ? found : undefined;
  });
  expect(entries[1].kind === "amended", `the second entry is ${entries[1].kind}`);
  expect(entries[1].position > entries[0].position, "the feed is in commit order");
  tell(registry, "pulls the change", `position ${entries[1].position}`, entries[1].kind);

  const then = await volume(registry, { asOf: instant });
  const now = await volume(registry);
  expect(JSON.stringify(then) === JSON.stringify(earlier), "the past still says what it said");
  const grown = growth(then, now);
  expect(grown.count === 0 && grown.total === 30000000n, "the present says what was amended");
  tell(
    registry,
    "asks for the volume as of before",
    `asOf ${instant}`,
    `${then.total} then, ${now.total} now`,
  );
  await table(registry);
}
