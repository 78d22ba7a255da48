/** Results and needs to test with: believable content, and listings in any state. */
import { eq, sql } from "drizzle-orm";
import type { z } from "zod";
import { auditRecords } from "../../db/schema/audit.ts";
import { idempotencyKeys } from "../../db/schema/idempotency-keys.ts";
import { needs } from "../../db/schema/needs.ts";
import { results } from "../../db/schema/results.ts";
import { newId } from "../../src/lib/ids.ts";
import type { NeedInput } from "../../src/modules/needs/needs.schema.ts";
import type { ResultInput } from "../../src/modules/results/results.schema.ts";
import type { Caller, Market, Reply } from "./market.ts";
import { yuan } from "./money.ts";
import { granted, must } from "./replies.ts";

export type Noun = "result" | "need";
/** What of a listing's input a test wants to be different. */
export type Overrides = Record<string, unknown>;

/** Everything a result may say, nothing left out; its completeness is 100. */
export const completeResult = (overrides: Overrides = {}) =>
  ({
    title: "盐碱地玉米专用缓释肥制备技术",
    summary: "面向黄河滩区盐碱地的缓释配方与造粒工艺，亩均减肥两成。",
    keywords: ["缓释肥", "盐碱地"],
    tags: ["黄河滩区", "绿色农业"],
    fieldCode: "09",
    industryCode: "C26",
    regionCode: "410711",
    cooperationModes: ["licence", "joint_development"],
    contact: { name: "陈静", phone: "0373-3326000", email: "zhuanhua@example.edu.cn" },
    contactVisibility: "accepted",
    validUntil: null,
    description: "以腐植酸包膜控制养分释放。\n连续三年田间试验，增产百分之八。",
    resultType: "new_technology",
    resultForm: "report",
    resultNature: "original",
    applicationField: "旱作农业",
    maturity: 6,
    maturityScale: "GB/T 22900-2022",
    sampleStatus: "pilot_tested",
    completedOn: "2025-11-30",
    planSourceCode: "40",
    funding: yuan("1250000.00"),
    isServiceResult: true,
    owners: [
      { name: "河南某某学院", creditCode: "12410700MB0T00015L", sharePercent: "70" },
      { name: "新乡某某农业公司", creditCode: null, sharePercent: "30" },
    ],
    inventors: [
      { name: "赵立新", organization: "资源与环境学院" },
      { name: "孙晓燕", organization: null },
    ],
    intellectualProperty: [
      {
        typeCode: "21",
        country: "CN",
        number: "201110047567.0",
        status: "granted",
        title: "一种缓释肥包膜材料",
        owner: "河南某某学院",
      },
    ],
    technicalIndicators: "28 天养分累积释放率不高于百分之七十五。",
    advantages: "包膜成本比进口树脂低四成。",
    marketAnalysis: "黄河滩区适用面积约二百万亩。",
    benefits: "亩均节本六十元。",
    awards: ["河南省科技进步奖三等奖"],
    appraisal: "2025 年经专家组鉴定，达到国内先进水平。",
    licenceKinds: ["ordinary"],
    price: { kind: "range", amount: null, min: yuan("300000.00"), max: yuan("800000.00") },
    ...overrides,
  }) as z.input<typeof ResultInput>;

/** Everything a need may say, nothing left out; its completeness is 100. */
export const completeNeed = (overrides: Overrides = {}) =>
  ({
    title: "电池极片涂布厚度在线检测",
    summary: "现有离线抽检漏检率高，需要在线、全幅、微米级的厚度检测方案。",
    keywords: ["涂布", "在线检测"],
    tags: ["动力电池"],
    fieldCode: "03",
    industryCode: "C38",
    regionCode: "410782",
    cooperationModes: ["entrusted_development", "joint_development"],
    contact: { name: "周敏", phone: "0373-6218000", email: "zhoumin@example.com" },
    contactVisibility: "accepted",
    validUntil: null,
    needType: "key_technology",
    urgency: "urgent",
    background: "产线提速后，离线抽检跟不上。",
    existingBase: "已有射线测厚仪两台，历史数据三年。",
    bottleneck: "涂布速度 80 m/min 时，射线法响应慢，激光法受浆料反光影响。",
    targetIndicators: [
      { name: "测厚误差", target: "≤ 1", unit: "μm", current: "3" },
      { name: "采样频率", target: "≥ 1", unit: "kHz", current: null },
    ],
    solverRequirements: "有同类产线案例。",
    minimumMaturity: 5,
    budget: { min: yuan("500000.00"), max: yuan("1200000.00"), negotiable: false },
    deadline: "2036-06-30",
    authenticityConfirmed: true,
    anonymous: false,
    ...overrides,
  }) as z.input<typeof NeedInput>;

/** What is needed for either, by noun. */
export const complete = { result: completeResult, need: completeNeed };

/** The table by noun; the columns that both share are read by the type of the one. */
export const tableOf = (noun: Noun) =>
  noun === "result" ? results : (needs as unknown as typeof results);

export interface Cast {
  /** Whose listings they are, and a second person of that organization. */
  owner: Caller;
  colleague: Caller;
  /** An enterprise that has nothing to do with it. */
  other: Caller;
  broker: Caller;
  registrar: Caller;
  operator: Caller;
  /** Of the owner's organization, with the scopes to read and write, and with none. */
  machine: Caller;
  scopeless: Caller;
}

/** People of every kind, the owners of the kind that the noun is for. */
export async function castOf(market: Market, noun: Noun): Promise<Cast> {
  const owner = await market.person(noun === "result" ? "university" : "enterprise");
  return {
    owner,
    colleague: await market.colleague(owner),
    other: await market.person("enterprise"),
    broker: await market.person("brokerage"),
    registrar: await market.person("registry"),
    operator: await market.person("operator"),
    machine: await market.client(owner, [`${noun}s:read`, `${noun}s:write`]),
    scopeless: await market.client(owner, ["organization:read"]),
  };
}

/** A listing, drafted by its owner through the API. */
export const drafted = async (
  market: Market,
  noun: Noun,
  owner: Caller,
  overrides: Overrides = {},
): Promise<Reply> =>
  granted(market.as(owner)("POST", `/v1/${noun}s`, { body: complete[noun](overrides) }));

async function published(
  market: Market,
  noun: Noun,
  owner: Caller,
  operator: Caller,
  overrides: Overrides = {},
): Promise<Reply["body"]> {
  const { body } = await drafted(market, noun, owner, overrides);
  const path = `/v1/${noun}s/${body.id}`;
  await must(market.as(owner)("POST", `${path}/submit`));
  await must(market.as(operator)("POST", `${path}/publish`));
  return must(market.as(owner)("GET", path));
}

/** A published result as its owner reads it, through the API. */
export const publishedResult = (
  market: Market,
  owner: Caller,
  operator: Caller,
  overrides: Overrides = {},
) => published(market, "result", owner, operator, overrides);

/** A published need as its owner reads it, through the API. */
export const publishedNeed = (
  market: Market,
  owner: Caller,
  operator: Caller,
  overrides: Overrides = {},
) => published(market, "need", owner, operator, overrides);

const review = { reason: "incomplete", note: "请补充技术指标。" };

/** Steps through the API from a draft to each status. The others are reached in the database. */
const walks: Record<string, ["owner" | "operator", string, object?][]> = {
  draft: [],
  submitted: [["owner", "submit"]],
  changes_requested: [
    ["owner", "submit"],
    ["operator", "request-changes", review],
  ],
  rejected: [
    ["owner", "submit"],
    ["operator", "reject", review],
  ],
  published: [
    ["owner", "submit"],
    ["operator", "publish"],
  ],
  withdrawn: [
    ["owner", "submit"],
    ["operator", "publish"],
    ["owner", "withdraw"],
  ],
  solved: [
    ["owner", "submit"],
    ["operator", "publish"],
    ["owner", "solve", {}],
  ],
  closed: [
    ["owner", "submit"],
    ["operator", "publish"],
    ["owner", "close"],
  ],
};

/** A listing in any status of its lifecycle; gives its id. */
export async function listingIn(
  market: Market,
  noun: Noun,
  people: { owner: Caller; operator: Caller },
  status: string,
  overrides: Overrides = {},
): Promise<string> {
  const { db } = market.database;
  const table = tableOf(noun);
  const { body } = await drafted(market, noun, people.owner, overrides);
  const id: string = body.id;
  for (const [who, action, input] of walks[status] ?? walks.published ?? []) {
    const options = input ? { body: input } : {};
    await must(market.as(people[who])("POST", `/v1/${noun}s/${id}/${action}`, options));
  }
  if (status === "expired") {
    await db
      .update(table)
      .set({ status, validUntil: "2026-01-31", version: sql`version + 1` })
      .where(eq(table.id, id));
  }
  // No step leads there yet, and the database lets no update through: it is written as it would be.
  return status === "transferred" ? copyListing(market, noun, id, { status }) : id;
}

/** Another row like this one, straight into the database; gives its id. */
export async function copyListing(
  market: Market,
  noun: Noun,
  id: string,
  changes: Partial<typeof results.$inferInsert> = {},
): Promise<string> {
  const { db } = market.database;
  const { reference: _, ...row } = await rowOf(market, noun, id);
  const copy = { ...row, id: newId(), ...changes };
  await db.insert(tableOf(noun)).values(copy);
  return copy.id;
}

/** What is stored of a listing. */
export async function rowOf(market: Market, noun: Noun, id: string) {
  const table = tableOf(noun);
  const [row] = await market.database.db.select().from(table).where(eq(table.id, id));
  if (!row) throw new Error(`no ${noun} ${id}`);
  return row;
}

/** How many rows the tables hold that a listing's change may write to. */
export async function rowCounts({ database: { db } }: Market) {
  return {
    results: await db.$count(results),
    needs: await db.$count(needs),
    auditRecords: await db.$count(auditRecords),
    idempotencyKeys: await db.$count(idempotencyKeys),
  };
}
