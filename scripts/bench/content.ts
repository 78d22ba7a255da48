/** What the scratch market holds: rows made of a seed, so that every run measures the same ones. */
import { cooperationModes } from "../../db/taxonomies/cooperation-modes.ts";
import { needTypes, urgencies } from "../../db/taxonomies/needs.ts";
import { regions } from "../../db/taxonomies/regions.ts";
import { resultForms, resultNatures, resultTypes } from "../../db/taxonomies/results.ts";
import { technologyFields } from "../../db/taxonomies/technology-fields.ts";
import { searchColumnsOf } from "../../src/lib/terms.ts";
import type { ListingTexts } from "../../src/modules/listings/listings.texts.ts";
import * as needTexts from "../../src/modules/needs/needs.texts.ts";
import * as resultTexts from "../../src/modules/results/results.texts.ts";

type Row = Record<string, unknown>;

/** Organizations that own listings; the middle one is the owner whose page is measured. */
export const organizationCount = 400;

const codes = (taxonomy: { items: readonly { code: string }[] }) =>
  taxonomy.items.map((i) => i.code);
const fields = codes(technologyFields);
const counties = codes(regions).filter((code) => /^4107\d[1-9]$/.test(code));
const cities = codes(regions).filter((code) => code.endsWith("00") && !code.endsWith("0000"));
const modes = codes(cooperationModes).filter((code) => code !== "talent");
const industries = ["C26", "C27", "C29", "C34", "C35", "C38", "C39", "A", "D", "I", "M", "N"];

const subjects =
  "盐碱地玉米 锂电池极片 光伏组件 高温合金 生物质颗粒 工业废水 小麦条锈病 起重机械 振动筛 电池正极材料 医用敷料 数控机床 煤矸石 氢燃料电堆 中药饮片 桥梁缆索 铝合金型材 奶牛饲料 城市污泥 智能电表 纳米涂层 人参皂苷 高速轴承 无人机编队 粮食仓储".split(
    " ",
  );
const actions =
  "制备技术 在线检测系统 低温回收工艺 智能控制方法 连续化生产装备 表面改性技术 数字孪生平台 快速诊断试剂 节能改造方案 可降解材料 故障预测模型 精密成形工艺".split(
    " ",
  );
const manners =
  "基于机器视觉的 面向规模化生产的 低成本 高通量 绿色环保型 自适应 多源数据融合的 耐腐蚀".split(
    " ",
  );
const sentences = [
  "针对现有工艺能耗高、收率低的问题，提出分段控温与连续进料的方法，综合能耗下降两成以上。",
  "采用多层梯度结构，在保持强度的同时提高了韧性，经第三方检测达到国家标准一级指标。",
  "建立了覆盖原料、过程、成品的全流程数据模型，可以提前二十四小时预警质量波动。",
  "已在黄河滩区完成三年田间试验，亩均增产百分之十二，减少化肥用量百分之十八。",
  "样机连续运行超过五千小时，关键部件寿命较进口产品提高一倍，维护成本明显降低。",
  "核心配方拥有自主知识产权，原料全部国产化，供应稳定，适合中小企业改造现有产线。",
  "系统支持边缘计算与云端协同，单台设备的响应时间小于五十毫秒，误报率低于千分之三。",
  "项目组与两家龙头企业开展了中试，产品一致性达到百分之九十九点五，具备产业化条件。",
  "废液经膜分离和电解再生后循环使用，基本实现零排放，每年可减少危险废物三百余吨。",
  "算法在公开数据集和企业实测数据上均优于现有方法，已集成到现场控制器中稳定运行。",
  "通过微胶囊包埋提高了活性成分的稳定性，常温保存十八个月后有效含量仍高于百分之九十。",
  "装备采用模块化设计，可按产能要求灵活配置，安装调试周期缩短到两周以内。",
];
const words =
  "节能 环保 新材料 智能制造 生物医药 农业 检测 电池 涂层 传感器 机器视觉 数字化 催化 回收 装备 种业".split(
    " ",
  );
const surnames = "王李张刘陈杨赵黄周吴徐孙".split("");

const day = 86_400_000;
const start = Date.UTC(2022, 0, 1);
/** Everything is published within this time; nothing of it depends on when the bench runs. */
const span = 1_400 * day;

/** Mulberry32: enough for a spread, and the same on every machine. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A UUIDv7 of an instant, of random bits that the seed gives. */
function idAt(time: number, random: () => number): string {
  const hex = (digits: number) =>
    Math.floor(random() * 16 ** digits)
      .toString(16)
      .padStart(digits, "0");
  const stamp = time.toString(16).padStart(12, "0");
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`;
}

const iso = (time: number) => new Date(time).toISOString();
const date = (time: number) => iso(time).slice(0, 10);

/** The id of an organization by its number, so that listings can name it without asking. */
export const organizationId = (number: number) => idAt(start + number, generator(number + 1));
const memberId = (number: number) => idAt(start + number, generator(number + 500_001));
const sessionId = (number: number) => idAt(start + number, generator(number + 900_001));

/** The person whose token the owner's page and the writes use. */
export const owner = {
  organizationId: organizationId(organizationCount / 2),
  memberId: memberId(organizationCount / 2),
  sessionId: sessionId(organizationCount / 2),
};

export function* organizationRows(): Generator<Row> {
  for (let number = 0; number < organizationCount; number++) {
    const kinds = ["enterprise", "university", "enterprise", "brokerage"];
    yield {
      id: organizationId(number),
      kind: kinds[number % 4],
      // A few are suspended: lists have to leave their listings out.
      status: number % 50 === 49 ? "suspended" : "verified",
      name: `新乡市第${number + 1}${number % 4 === 1 ? "学院" : "科技有限公司"}`,
      credit_code: `91410700MA${String(number).padStart(8, "0")}`,
      legal_type: "enterprise",
      region_code: counties[number % counties.length],
    };
  }
}

export function* memberRows(): Generator<Row> {
  for (let number = 0; number < organizationCount; number++) {
    yield {
      id: memberId(number),
      organization_id: organizationId(number),
      status: "active",
      name: `测试员${number}`,
      email: `bench${number}@example.test`,
      is_admin: true,
      // No password has this hash: nobody signs in with it.
      password_hash: "none",
    };
  }
}

export function* sessionRows(): Generator<Row> {
  for (let number = 0; number < organizationCount; number++) {
    yield {
      id: sessionId(number),
      member_id: memberId(number),
      expires_at: "2099-01-01T00:00:00.000Z",
    };
  }
}

/** Where the texts of a market come from. */
export interface Writer {
  title: () => string;
  /** Some sentences, each once. */
  prose: (count: number) => string;
}

/** A handful of phrases: enough where text is carried, not searched. */
function phrases(random: () => number): Writer {
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] ?? "";
  return {
    title: () => `${pick(manners)}${pick(subjects)}${pick(actions)}`,
    prose: (count) => [...new Set(Array.from({ length: count }, () => pick(sentences)))].join(""),
  };
}

/** What results and needs have in common, and the source of the rest. */
function listing(
  random: () => number,
  number: number,
  prefix: "R" | "N",
  { title: newTitle, prose }: Writer,
) {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const some = <T>(list: readonly T[], count: number): T[] => [
    ...new Set(Array.from({ length: count }, () => pick(list))),
  ];
  const created = start + Math.floor(random() * span);
  const state = random();
  const status =
    state < 0.88
      ? "published"
      : state < 0.93
        ? "draft"
        : state < 0.95
          ? "expired"
          : state < 0.97
            ? "withdrawn"
            : state < 0.985
              ? "submitted"
              : "changes_requested";
  const wasPublished = ["published", "expired", "withdrawn"].includes(status);
  const published = created + Math.floor(random() * 20 * day);
  const place = random();
  const region =
    place < 0.6
      ? pick(counties)
      : place < 0.9
        ? pick(["410100", "410300", "410700"])
        : pick(cities);
  // The square makes some organizations large and many small.
  const owned = Math.floor(random() ** 2 * organizationCount);
  const title = newTitle();
  const common = {
    id: idAt(created, random),
    reference: `${prefix}-2026-${String(number).padStart(6, "0")}`,
    organization_id: organizationId(owned),
    created_by: memberId(owned),
    status,
    title,
    summary: prose(2),
    keywords: some(words, 3),
    tags: some(words, 2),
    field_code: pick(fields),
    industry_code: pick(industries),
    region_code: region,
    cooperation_modes: some(modes, 2),
    contact: { name: "成果转化办公室", phone: "0373-3326000", email: null },
    contact_visibility: random() < 0.2 ? "signed_in" : "accepted",
    valid_until: date(Date.UTC(2090, 0, 1) + Math.floor(random() * 700) * day),
    completeness: 100,
    submitted_at: wasPublished || status === "submitted" ? iso(created + 1000) : null,
    published_at: wasPublished ? iso(published) : null,
    version: 1 + Math.floor(random() * 5),
    created_at: iso(created),
    updated_at: iso(published + Math.floor(random() * 30 * day)),
  };
  return { common, pick, some, prose };
}

/** Whole yuan as `numeric(18,2)` is written. */
const yuan = (tenThousands: number) => `${tenThousands}0000.00`;

/** A number for each kind of patent, with its check digit. */
const patentNumbers: Record<string, string> = {
  "20": "202310123456.6",
  "21": "202310123456.6",
  "22": "202320123456.1",
  "23": "202330123456.7",
};

/** @param write the source of the texts; a handful of phrases when absent */
export function* resultRows(count: number, write = phrases): Generator<Row> {
  const random = generator(20_260_101);
  const writer = write(random);
  for (let number = 1; number <= count; number++) {
    const { common, pick, some, prose } = listing(random, number, "R", writer);
    const applicationField = "先进制造与现代农业";
    const [description, technicalIndicators] = [prose(6), prose(2)];
    const [advantages, benefits] = [prose(2), prose(1)];
    const price = pick(["fixed", "range", "range", "negotiable", "negotiable"]);
    const least = 5 + Math.floor(random() * 300);
    const most = price === "fixed" ? least : least + Math.floor(random() * 500);
    const types = some(["10", "21", "21", "22", "30"], 2);
    yield {
      ...common,
      description,
      result_type: pick(codes(resultTypes)),
      result_form: pick(codes(resultForms)),
      result_nature: pick(codes(resultNatures)),
      application_field: applicationField,
      maturity: 1 + Math.floor(random() * 9),
      sample_status: pick(["lab", "pilot", "mass"]),
      completed_on: "2024-06-30",
      plan_source_code: pick(["11", "20", "46", "90"]),
      funding: yuan(20 + Math.floor(random() * 400)),
      is_service_result: random() < 0.5,
      owners: [{ name: "河南某大学", creditCode: null, sharePercent: "100" }],
      inventors: some(surnames, 4).map((name) => ({ name: `${name}某某`, organization: null })),
      intellectual_property: types.map((typeCode) => ({
        typeCode,
        country: "CN",
        number: patentNumbers[typeCode] ?? null,
        status: "granted",
        title: common.title,
        owner: null,
      })),
      intellectual_property_types: types,
      technical_indicators: technicalIndicators,
      advantages,
      market_analysis: prose(2),
      benefits,
      awards: random() < 0.2 ? ["河南省科技进步二等奖"] : [],
      licence_kinds: ["ordinary"],
      price_kind: price,
      price_min: price === "negotiable" ? null : yuan(least),
      price_max: price === "negotiable" ? null : yuan(most),
      ...searched(
        resultTexts.textsOf({
          ...common,
          ...{ description, applicationField, technicalIndicators, advantages, benefits },
        }),
      ),
    };
  }
}

/** The search columns, as the table names them. */
function searched(texts: ListingTexts): Row {
  const columns = searchColumnsOf(texts);
  return {
    title_text: columns.titleText,
    summary_text: columns.summaryText,
    title_terms: columns.titleTerms,
    search_terms: columns.searchTerms,
  };
}

/** @param write likewise */
export function* needRows(count: number, write = phrases): Generator<Row> {
  const random = generator(20_260_202);
  const writer = write(random);
  for (let number = 1; number <= count; number++) {
    const { common, pick, prose } = listing(random, number, "N", writer);
    const [bottleneck, background] = [prose(3), prose(2)];
    const [existingBase, solverRequirements] = [prose(1), prose(1)];
    const targetIndicators = [{ name: "测厚误差", target: "≤ 1", unit: "μm", current: "3" }];
    const anonymous = random() < 0.15;
    const least = 10 + Math.floor(random() * 200);
    yield {
      ...common,
      need_type: pick(codes(needTypes)),
      urgency: pick(codes(urgencies)),
      background,
      existing_base: existingBase,
      bottleneck,
      target_indicators: targetIndicators,
      solver_requirements: solverRequirements,
      minimum_maturity: 1 + Math.floor(random() * 9),
      budget_min: yuan(least),
      budget_max: yuan(least + 100),
      deadline: date(Date.UTC(2089, 0, 1) + Math.floor(random() * 365) * day),
      authenticity_confirmed: true,
      anonymous,
      alias: anonymous ? "匿名需求方 BENCH" : null,
      ...searched(
        needTexts.textsOf({
          ...common,
          ...{ background, existingBase, bottleneck, targetIndicators, solverRequirements },
        }),
      ),
    };
  }
}

/** The body of a need as an enterprise writes it. */
export const needBody = {
  title: "电池极片涂布厚度在线检测",
  summary: sentences.slice(0, 2).join(""),
  keywords: ["电池", "检测"],
  tags: ["智能制造"],
  fieldCode: "03",
  industryCode: "C38",
  regionCode: "410782",
  cooperationModes: ["entrusted_development", "joint_development"],
  contact: { name: "技术部", phone: "0373-3326000", email: null },
  validUntil: "2090-12-31",
  needType: "key_technology",
  urgency: "urgent",
  background: sentences.slice(2, 5).join(""),
  existingBase: sentences.slice(5, 6).join(""),
  bottleneck: sentences.slice(6, 9).join(""),
  targetIndicators: [
    { name: "测厚误差", target: "≤ 1", unit: "μm", current: "3" },
    { name: "涂布速度", target: "≥ 80", unit: "m/min", current: "60" },
  ],
  solverRequirements: sentences.slice(9, 10).join(""),
  minimumMaturity: 6,
  budget: {
    min: { amount: "500000.00", currency: "CNY" },
    max: { amount: "1200000.00", currency: "CNY" },
    negotiable: false,
  },
  deadline: "2090-06-30",
  authenticityConfirmed: true,
};
