/**
 * Who is on the demo market. Organisations, people, addresses and numbers are invented: credit codes
 * have right check digits but serials of our own, telephone numbers begin with a zero after the area
 * code, which no real one does, and e-mail addresses lie under `.example` (RFC 2606).
 */
import type { DemoOrganization } from "./types.ts";

const telephone = (extension: number) => `0373-0000${extension}`;

export const demoOrganizations: readonly DemoOrganization[] = [
  {
    details: {
      kind: "operator",
      name: "新乡市科学技术局（演示）",
      shortName: "市科技局（演示）",
      creditCode: "11410700MB0T21019T",
      regionCode: "410700",
      industryCode: "S",
      description:
        "演示用的市场运营方：核验机构、认证技术经纪人、审核成果与需求。与任何真实机关无关。",
      contact: { name: "林致远", phone: telephone(101), email: "operator@demo.example" },
    },
    people: [{ key: "operator", name: "林致远", who: "运营方管理员 operator admin" }],
    registered: 240,
    verified: 240,
  },
  {
    details: {
      kind: "registry",
      name: "新乡市技术合同登记处（演示）",
      shortName: "合同登记处（演示）",
      creditCode: "12410700MB0T21027J",
      regionCode: "410700",
      industryCode: "M75",
      description: "演示用的技术合同认定登记机构，按双人审核办理合同登记。",
      contact: { name: "邵文静", phone: telephone(111), email: "registry@demo.example" },
    },
    people: [
      { key: "registry", name: "邵文静", who: "登记机构管理员 registry admin" },
      { key: "registry2", name: "郭立安", who: "登记机构复核员 registry, second reviewer" },
    ],
    registered: 238,
    verified: 238,
  },
  {
    details: {
      kind: "university",
      name: "太行理工大学",
      shortName: "太行理工",
      creditCode: "12410711MB0T21035B",
      regionCode: "410711",
      industryCode: "P",
      address: "河南省新乡市牧野区建业路 0 号",
      website: "https://university.demo.example",
      description:
        "以材料、化工、机械和生物工程见长的地方理工科大学，设有技术转移中心，负责职务科技成果的登记、评估、转让与许可。",
      contact: { name: "宋雅琴", phone: telephone(201), email: "university@demo.example" },
    },
    people: [{ key: "university", name: "宋雅琴", who: "高校管理员 university admin" }],
    registered: 225,
    verified: 223,
  },
  {
    details: {
      kind: "university",
      name: "豫北农业装备研究院",
      shortName: "豫北农装院",
      creditCode: "12410725MB0T21043F",
      regionCode: "410725",
      industryCode: "M73",
      address: "河南省新乡市原阳县科创路 0 号",
      description:
        "面向黄淮海平原小麦、玉米、花生生产的新型研发机构，从事播种、收获和灌溉装备的研发与中试，拥有 600 亩试验田。",
      contact: { name: "韩守田", phone: telephone(221), email: "institute@demo.example" },
    },
    people: [{ key: "institute", name: "韩守田", who: "研究院管理员 institute admin" }],
    registered: 220,
    verified: 217,
  },
  {
    details: {
      kind: "enterprise",
      name: "河南牧川新能源材料有限公司",
      shortName: "牧川新材",
      creditCode: "91410771MA9T21054P",
      regionCode: "410771",
      industryCode: "C38",
      scale: "medium",
      address: "河南省新乡市高新区动力大道 0 号",
      description: "生产磷酸铁锂和三元正极材料及动力电池极片，年产能 1.2 万吨，省级企业技术中心。",
      contact: { name: "周明远", phone: telephone(301), email: "enterprise@demo.example" },
    },
    people: [{ key: "enterprise", name: "周明远", who: "企业管理员（电池）enterprise admin" }],
    registered: 214,
    verified: 211,
  },
  {
    details: {
      kind: "enterprise",
      name: "新乡沃垄农业机械有限公司",
      shortName: "沃垄农机",
      creditCode: "91410725MA9T21062Y",
      regionCode: "410725",
      industryCode: "C35",
      scale: "small",
      address: "河南省新乡市原阳县产业集聚区 0 号",
      description: "生产玉米、花生收获机和免耕播种机，年产整机 3000 台，产品销往黄淮海和东北地区。",
      contact: { name: "段红旗", phone: telephone(321), email: "machinery@demo.example" },
    },
    people: [{ key: "machinery", name: "段红旗", who: "企业管理员（农机）enterprise admin" }],
    registered: 205,
    verified: 202,
  },
  {
    details: {
      kind: "enterprise",
      name: "新乡豫澄生物医药有限公司",
      shortName: "豫澄医药",
      creditCode: "91410702MA9T21070F",
      regionCode: "410702",
      industryCode: "C27",
      scale: "medium",
      address: "河南省新乡市红旗区生物谷 0 号",
      description:
        "从事发酵类原料药、医用敷料和重组蛋白制品的研发与生产，通过药品生产质量管理规范检查。",
      contact: { name: "何婉清", phone: telephone(341), email: "pharma@demo.example" },
    },
    people: [{ key: "pharma", name: "何婉清", who: "企业管理员（医药）enterprise admin" }],
    registered: 198,
    verified: 196,
  },
  {
    details: {
      kind: "brokerage",
      name: "平原智桥技术转移有限公司",
      shortName: "平原智桥",
      creditCode: "91410703MA9T2110X6",
      regionCode: "410703",
      industryCode: "M75",
      scale: "small",
      description: "为高校院所和企业提供技术评价、供需对接和合同登记代理服务的技术转移机构。",
      contact: { name: "冯若楠", phone: telephone(401), email: "broker@demo.example" },
    },
    people: [
      { key: "broker", name: "冯若楠", who: "技术经纪人（高级）senior broker, brokerage admin" },
      { key: "broker2", name: "马骁", who: "技术经纪人（初级）primary broker" },
    ],
    registered: 190,
    verified: 188,
  },
  {
    details: {
      kind: "enterprise",
      name: "辉县泓净环保科技有限公司",
      shortName: "泓净环保",
      creditCode: "91410782MA9T210973",
      regionCode: "410782",
      industryCode: "N",
      scale: "small",
      description: "从事垃圾渗滤液和工业废水处理工程的设计、建设与运营。",
      contact: { name: "秦少峰", phone: telephone(361), email: "suspended@demo.example" },
    },
    people: [{ key: "suspended", name: "秦少峰", who: "已暂停的企业 suspended enterprise" }],
    registered: 170,
    verified: 167,
    suspended: {
      daysAgo: 30,
      reason: "被列入经营异常名录（通过登记的住所无法联系），移出前暂停。",
    },
  },
  {
    details: {
      kind: "brokerage",
      name: "豫新启合科技成果转化有限公司",
      shortName: "豫新启合",
      creditCode: "91410773MA9T21118J",
      regionCode: "410773",
      industryCode: "M75",
      scale: "micro",
      description: "服务平原示范区农业与生物企业的科技成果转化机构。",
      contact: { name: "田语桐", phone: telephone(421), email: "applicant@demo.example" },
    },
    people: [
      { key: "applicant", name: "田语桐", who: "证书待审的经纪人 broker, certificate applied for" },
    ],
    registered: 60,
    verified: 57,
  },
  {
    details: {
      kind: "enterprise",
      name: "长垣擎岳起重装备有限公司",
      shortName: "擎岳起重",
      creditCode: "91410783MA9T21089N",
      regionCode: "410783",
      industryCode: "C34",
      scale: "medium",
      description: "生产桥式、门式起重机和港口轮胎吊，正在建设起重机远程运维平台。",
      contact: { name: "石敬之", phone: telephone(381), email: "pending@demo.example" },
    },
    people: [{ key: "pending", name: "石敬之", who: "待核验的企业 enterprise not yet verified" }],
    registered: 2,
  },
];
