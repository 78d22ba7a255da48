/**
 * The deals of the demo market: interests and matches in every state, contracts on every step of their
 * way, and two years of registered ones. Listings are named by the beginning of their title.
 */
import type { Day, DemoContract, DemoInterest, DemoMatch } from "./types.ts";

const yuan = (amount: string) => ({ amount, currency: "CNY" as const });

export const demoInterests: readonly DemoInterest[] = [
  {
    asker: "enterprise",
    result: "退役磷酸铁锂",
    asked: 21,
    message: "我公司年产退役电芯约三百吨，想了解直接修复再生料的倍率性能与批次稳定性。",
    questions: [{ topic: "performance", question: "再生料在 2C 下的容量保持率是多少？" }],
    steps: [],
  },
  {
    asker: "pharma",
    result: "重组人源Ⅲ型胶原蛋白",
    asked: 60,
    message: "拟用于冻干敷料，请问能否提供公斤级样品？",
    questions: [{ topic: "trial", question: "公斤级样品的交付周期？" }],
    steps: [{ daysAgo: 57, action: "accept", note: "可提供两公斤试用样品，周期四周。" }],
  },
  {
    asker: "machinery",
    result: "花生联合收获",
    asked: 90,
    message: "我厂计划改进摘果装置，希望洽谈许可。",
    questions: [],
    steps: [
      {
        daysAgo: 86,
        action: "decline",
        reason: "already_committed",
        note: "本季已与他厂合作试制。",
      },
    ],
  },
  {
    asker: "enterprise",
    result: "高镍三元正极",
    asked: 48,
    message: "请问包覆工艺对现有烧结窑的改造要求？",
    questions: [],
    steps: [{ daysAgo: 46, action: "withdraw" }],
  },
  {
    asker: "pharma",
    result: "毫米波雷达",
    asked: 43,
    message: "想了解养老机构批量采购的价格区间。",
    questions: [{ topic: "price", question: "五百台以上的单价？" }],
    // The result was withdrawn three days later: it lapsed.
    steps: [],
  },
  {
    asker: "university",
    need: "抗生素发酵菌渣",
    asked: 3,
    message: "我校有菌渣水热碳化中试线，愿提供方案。",
    questions: [],
    steps: [],
  },
];

export const demoMatches: readonly DemoMatch[] = [
  {
    broker: "broker2",
    result: "玉米高速精量播种",
    need: "夏玉米免耕播种机",
    proposed: 95,
    proposal: "播种单体的粒距合格率与贵方作业速度要求吻合，建议秋播前完成样机。",
    steps: [
      { daysAgo: 93, action: "accept", by: "institute" },
      { daysAgo: 91, action: "accept", by: "machinery" },
      { daysAgo: 88, action: "negotiate" },
      { daysAgo: 85, action: "note", kind: "meeting", text: "双方在试验田会面，确认样机四行。" },
    ],
  },
  {
    broker: "broker",
    result: "重组人源Ⅲ型胶原蛋白",
    need: "重组胶原蛋白冻干敷料",
    proposed: 55,
    proposal: "菌株产量与纯度满足敷料放大要求，双方已有样品试用。",
    steps: [
      { daysAgo: 54, action: "accept", by: "university" },
      { daysAgo: 52, action: "accept", by: "pharma" },
      { daysAgo: 50, action: "negotiate" },
    ],
  },
  {
    broker: "broker2",
    result: "膜浓缩液电催化",
    need: "垃圾渗滤液膜浓缩液",
    proposed: 84,
    proposal: "电催化装置可把膜浓缩液 COD 降到排放限值，场地条件具备。",
    steps: [
      { daysAgo: 82, action: "accept", by: "suspended" },
      { daysAgo: 81, action: "accept", by: "university" },
    ],
  },
  {
    broker: "broker2",
    result: "膜浓缩液电催化",
    need: "抗生素发酵菌渣",
    proposed: 38,
    proposal: "菌渣压滤液可试用电催化处理。",
    steps: [
      {
        daysAgo: 36,
        action: "decline",
        by: "pharma",
        reason: "not_in_scope",
        note: "本需求针对固渣。",
      },
    ],
  },
  {
    broker: "broker",
    result: "退役磷酸铁锂",
    need: "锂电池硅碳负极",
    proposed: 6,
    proposal: "课题组同时掌握水性粘结剂体系，可一并提供。",
    steps: [{ daysAgo: 5, action: "accept", by: "university" }],
  },
  {
    broker: "broker",
    result: "高镍三元正极",
    need: "动力电池极片漏涂",
    proposed: 70,
    proposal: "包覆工艺可减少涂布缺陷来源。",
    steps: [{ daysAgo: 68, action: "withdraw" }],
  },
  {
    broker: "broker2",
    result: "花生联合收获",
    need: "夏玉米免耕播种机",
    proposed: 80,
    proposal: "清选技术可迁移到播种机防堵。",
    steps: [
      { daysAgo: 79, action: "accept", by: "institute" },
      { daysAgo: 78, action: "accept", by: "machinery" },
      {
        daysAgo: 66,
        action: "fail",
        by: "machinery",
        reason: "performance_gap",
        note: "防堵效果达不到要求。",
      },
    ],
  },
  {
    broker: "broker",
    result: "制冷换热器",
    need: "变速箱壳体压铸件",
    proposed: 24,
    proposal: "内螺纹强化传热可用于压铸模温控。",
    // The result expired nine days later: it lapsed.
    steps: [],
  },
  {
    broker: "broker",
    result: "重组人源Ⅲ型胶原蛋白",
    need: "抗生素发酵菌渣",
    proposed: 12,
    proposal: "发酵平台可评估菌渣回用为培养基。",
    steps: [
      { daysAgo: 11, action: "accept", by: "university" },
      { daysAgo: 10, action: "accept", by: "pharma" },
    ],
  },
];

/** What one contract says, by what it is about. Amounts are in ten thousand yuan. */
interface Matter {
  title: string;
  type: DemoContract["content"]["type"];
  subtype: string;
  subject: string;
  fieldCode: string;
  industryCode: string;
  intellectualPropertyType?: string;
  rights?: DemoContract["content"]["rights"];
  licenceKind?: string;
  objectiveCode: string;
  seller: string;
  buyer: string;
  amount: number;
  /** How much of it is equipment. */
  equipment?: number;
}

const patent = [{ typeCode: "21", number: "201110047567.0", title: "演示用发明专利" }];

const matters: readonly Matter[] = [
  {
    title: "膜分离浓水减量工艺技术服务",
    type: "service",
    subtype: "51",
    subject: "诊断膜系统结垢原因，给出预处理与清洗方案并现场调试。",
    fieldCode: "07",
    industryCode: "N",
    objectiveCode: "01",
    seller: "university",
    buyer: "pharma",
    amount: 18,
  },
  {
    title: "电芯热失控预警算法委托开发",
    type: "development",
    subtype: "11",
    subject: "开发基于气压与温度融合的热失控预警算法，完成台架验证。",
    fieldCode: "06",
    industryCode: "C38",
    objectiveCode: "02",
    seller: "university",
    buyer: "enterprise",
    amount: 120,
    equipment: 20,
  },
  {
    title: "播种机作业监测终端合作开发",
    type: "development",
    subtype: "12",
    subject: "双方共同开发播种机作业监测终端，成果共有。",
    fieldCode: "09",
    industryCode: "C35",
    objectiveCode: "09",
    seller: "institute",
    buyer: "machinery",
    amount: 65,
  },
  {
    title: "注射剂相容性数据库使用许可",
    type: "licence",
    subtype: "32",
    subject: "许可使用包装材料相容性谱库及检索方法。",
    fieldCode: "04",
    industryCode: "C27",
    intellectualPropertyType: "10",
    licenceKind: "ordinary",
    objectiveCode: "03",
    seller: "pharma",
    buyer: "beijing",
    amount: 45,
  },
  {
    title: "强筋小麦栽培技术咨询",
    type: "consulting",
    subtype: "41",
    subject: "对示范区栽培方案进行可行性论证并提出意见。",
    fieldCode: "09",
    industryCode: "A",
    objectiveCode: "09",
    seller: "institute",
    buyer: "zhengzhou",
    amount: 8,
  },
  {
    title: "正极材料包覆专利权转让",
    type: "transfer",
    subtype: "21",
    subject: "转让正极材料包覆方法发明专利权并提供工艺指导。",
    fieldCode: "05",
    industryCode: "C39",
    intellectualPropertyType: "21",
    rights: patent,
    objectiveCode: "10",
    seller: "university",
    buyer: "enterprise",
    amount: 260,
  },
  {
    title: "云端设备运维平台技术服务",
    type: "service",
    subtype: "51",
    subject: "部署设备运维平台，接入三条产线并培训人员。",
    fieldCode: "01",
    industryCode: "I",
    objectiveCode: "10",
    seller: "beijing",
    buyer: "machinery",
    amount: 92,
    equipment: 12,
  },
  {
    title: "农机操作与维修技术培训",
    type: "service",
    subtype: "53",
    subject: "对合作社机手进行高速播种机操作与维修培训。",
    fieldCode: "09",
    industryCode: "P",
    objectiveCode: "09",
    seller: "machinery",
    buyer: "zhengzhou",
    amount: 5,
  },
];

const key = (text: string) => ({ key: text });

/** The content of a contract about a matter, the amount varied so that no two are alike. */
function contentOf(
  matter: Matter,
  day: Day,
  signed: number,
  index: number,
): DemoContract["content"] {
  const { seller: _, buyer: __, amount, equipment = 0, ...own } = matter;
  const factor = 80 + ((index * 37) % 60);
  const part = (tenThousands: number) => `${(tenThousands * factor * 100).toFixed(2)}`;
  const isTransfer = matter.type === "transfer";
  return {
    ...own,
    title: `${matter.title}（第${index + 1}号）`,
    intellectualPropertyType: matter.intellectualPropertyType ?? "00",
    planSourceCode: index % 5 === 0 ? "30" : "90",
    signedOn: day(-signed),
    validFrom: day(-signed),
    validUntil: day(-signed + 730),
    totalAmount: yuan(part(amount)),
    technologyAmount: yuan(part(amount - equipment)),
    deductions: equipment > 0 ? [{ kind: "equipment", amount: yuan(part(equipment)) }] : [],
    paymentMode: "lump_sum",
    ...(isTransfer
      ? { expectedInvestment: yuan("5000000.00"), expectedOutput: yuan("20000000.00") }
      : {}),
    pricing: { method: "listed" },
    sellers: [],
    buyers: [],
  };
}

/** Steps from signing to registration, the last one so many days ago. */
const registered = (daysAgo: number): DemoContract["steps"] => [
  { daysAgo: daysAgo + 6, action: "submit" },
  { daysAgo: daysAgo + 6, action: "confirm" },
  { daysAgo: daysAgo + 4, action: "file" },
  { daysAgo: daysAgo + 3, action: "accept" },
  { daysAgo, action: "register" },
];

/** Two contracts a month, for two years up to a month ago. */
function history(day: Day): DemoContract[] {
  return Array.from({ length: 48 }, (_, i) => {
    const daysAgo = 720 - i * 15;
    const matter = matters[(i * 5 + Math.floor(i / 8)) % matters.length] as Matter;
    const signed = daysAgo + 7;
    return {
      ...key(`history ${i}`),
      seller: matter.seller,
      buyer: matter.buyer,
      drafted: signed,
      content: contentOf(matter, day, signed, i),
      steps: registered(daysAgo),
    };
  });
}

/** What stands at each other point of the way today. */
function presents(day: Day): DemoContract[] {
  const about = (
    index: number,
    drafted: number,
    overrides: Partial<DemoContract["content"]> = {},
  ) => {
    const matter = matters[index % matters.length] as Matter;
    return {
      ...key(`present ${index} ${drafted}`),
      seller: matter.seller,
      buyer: matter.buyer,
      drafted,
      content: { ...contentOf(matter, day, drafted, 60 + index + drafted), ...overrides },
    };
  };
  const inForce = (daysAgo: number): DemoContract["steps"] => [
    { daysAgo, action: "submit" },
    { daysAgo, action: "confirm" },
  ];
  const filed = (daysAgo: number): DemoContract["steps"] => [
    ...inForce(daysAgo + 1),
    { daysAgo, action: "file" },
  ];
  const large = {
    totalAmount: yuan("6800000.00"),
    technologyAmount: yuan("6800000.00"),
    deductions: [],
  };
  return [
    {
      ...about(2, 40),
      match: "玉米高速精量播种 夏玉米免耕播种机",
      steps: [...registered(30), { daysAgo: 12, action: "pay", amount: "200000.00" }],
    },
    {
      ...about(0, 20),
      match: "重组人源Ⅲ型胶原蛋白 重组胶原蛋白冻干敷料",
      steps: [{ daysAgo: 16, action: "submit" }],
    },
    {
      ...about(0, 70),
      seller: "university",
      buyer: "suspended",
      match: "膜浓缩液电催化 垃圾渗滤液膜浓缩液",
      steps: inForce(60),
    },
    { ...about(1, 5), steps: [] },
    {
      ...about(5, 9),
      steps: [
        { daysAgo: 8, action: "submit" },
        { daysAgo: 7, action: "cancel" },
      ],
    },
    { ...about(1, 4), steps: filed(2) },
    {
      ...about(2, 25),
      steps: [
        ...filed(22),
        { daysAgo: 21, action: "accept" },
        { daysAgo: 6, action: "request-supplement", note: "请补充监测终端的技术指标与验收办法。" },
      ],
    },
    { ...about(3, 12), steps: [...filed(9), { daysAgo: 7, action: "accept" }] },
    {
      ...about(6, 18, large),
      steps: [
        ...filed(15),
        { daysAgo: 14, action: "accept" },
        { daysAgo: 10, action: "expert-review" },
      ],
    },
    {
      ...about(7, 34),
      steps: [
        ...filed(31),
        { daysAgo: 30, action: "accept" },
        { daysAgo: 26, action: "refuse", note: "培训内容为通用操作技能，不涉及特定技术项目。" },
      ],
    },
    { ...about(4, 28), steps: [...filed(26), { daysAgo: 25, action: "withdraw" }] },
    {
      ...about(0, 210),
      steps: [
        ...registered(200),
        { daysAgo: 150, action: "cancel" },
        { daysAgo: 146, action: "cancel-registration" },
      ],
    },
    {
      ...about(6, 190),
      steps: [
        ...registered(180),
        { daysAgo: 120, action: "revoke", note: "经核查设备费用虚列为技术费用。" },
      ],
    },
    {
      ...about(5, 130),
      steps: [
        ...registered(118),
        { daysAgo: 100, action: "pay", amount: "800000.00" },
        { daysAgo: 60, action: "amend", total: "3200000.00" },
      ],
    },
  ];
}

export const demoContracts = (day: Day): DemoContract[] => [...history(day), ...presents(day)];
