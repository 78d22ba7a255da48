/**
 * Words of deals: what an interest asks about, deductions from a contract's total, how a price came
 * about, what a broker's commission is worked out from and who pays it, confidentiality, and why a
 * registration is revoked or cancelled.
 *
 * Source: this project's own words. The ways of pricing are those of the Law on Promoting the
 * Transformation of Scientific and Technological Achievements, article 18 (agreement, listing on a
 * technology market, auction). State secrets are in the list of levels so that a form can offer the
 * word; the market refuses such a contract.
 */
import type { Taxonomy } from "./types.ts";

const own = "This project's own list.";

export const interestTopics: Taxonomy = {
  name: "interest-topics",
  zh: "意向咨询事项",
  en: "Topics of an interest's questions",
  source: own,
  certainty: "proposed",
  items: [
    { code: "maturity", zh: "技术成熟度", en: "Maturity" },
    { code: "performance", zh: "技术指标", en: "Technical indicators" },
    { code: "price", zh: "价格与付款", en: "Price and payment" },
    { code: "ownership", zh: "知识产权归属", en: "Ownership of the intellectual property" },
    { code: "exclusivity", zh: "独占性", en: "Exclusivity" },
    { code: "trial", zh: "试用与中试", en: "Trial and pilot run" },
    { code: "delivery", zh: "交付与周期", en: "Delivery and time" },
    { code: "support", zh: "技术支持与培训", en: "Support and training" },
    { code: "cooperation", zh: "合作方式", en: "Mode of cooperation" },
    { code: "other", zh: "其他", en: "Other" },
  ],
};

export const deductionKinds: Taxonomy = {
  name: "deduction-kinds",
  zh: "非技术性费用",
  en: "Parts of the total that are not technology",
  source: "Rules for the Recognition of Technology Contracts of 2001, on the technology amount.",
  certainty: "proposed",
  items: [
    { code: "equipment", zh: "设备、仪器购置费", en: "Equipment and instruments" },
    { code: "parts", zh: "零部件费", en: "Parts" },
    { code: "materials", zh: "原材料费", en: "Raw materials" },
    { code: "construction", zh: "工程施工费", en: "Construction" },
    { code: "other", zh: "其他非技术性费用", en: "Other cost that is not technology" },
  ],
};

export const pricingMethods: Taxonomy = {
  name: "pricing-methods",
  zh: "定价方法",
  en: "Ways in which a price came about",
  source:
    "Law on Promoting the Transformation of Scientific and Technological Achievements, article 18.",
  certainty: "proposed",
  items: [
    { code: "negotiated", zh: "协议定价", en: "Negotiated" },
    { code: "listed", zh: "挂牌交易", en: "Listed on a technology market" },
    { code: "auction", zh: "拍卖", en: "Auction" },
    { code: "appraised", zh: "评估定价", en: "Appraised" },
    { code: "other", zh: "其他", en: "Other" },
  ],
};

export const commissionBases: Taxonomy = {
  name: "commission-bases",
  zh: "佣金计算基数",
  en: "What a broker's commission is worked out from",
  source: own,
  certainty: "proposed",
  items: [
    { code: "total_amount", zh: "合同成交总额", en: "Total amount" },
    { code: "technology_amount", zh: "技术交易额", en: "Technology amount" },
    { code: "paid_amount", zh: "实际到账额", en: "What was actually paid" },
    { code: "fixed", zh: "固定金额", en: "A fixed amount" },
  ],
};

export const commissionPayers: Taxonomy = {
  name: "commission-payers",
  zh: "佣金支付方",
  en: "Who pays a broker's commission",
  source: "Civil Code, article 963: the parties share it equally unless they agree otherwise.",
  certainty: "proposed",
  items: [
    { code: "seller", zh: "卖方", en: "Seller" },
    { code: "buyer", zh: "买方", en: "Buyer" },
    { code: "both", zh: "双方平均负担", en: "Both, in equal parts" },
  ],
};

export const confidentialityLevels: Taxonomy = {
  name: "confidentiality-levels",
  closed: true,
  zh: "保密等级",
  en: "Confidentiality levels",
  source: own,
  certainty: "proposed",
  items: [
    { code: "public", zh: "公开", en: "Public" },
    { code: "internal", zh: "内部", en: "Internal" },
    { code: "trade_secret", zh: "商业秘密", en: "Trade secret" },
    {
      code: "state_secret",
      zh: "涉密（不得录入）",
      en: "State secret (must not be entered)",
      attributes: { accepted: false },
    },
  ],
};

export const revocationGrounds: Taxonomy = {
  name: "revocation-grounds",
  zh: "撤销登记理由",
  en: "Revocation grounds",
  source: own,
  certainty: "proposed",
  items: [
    { code: "false_material", zh: "提供虚假材料", en: "False material" },
    { code: "fraud", zh: "以欺骗手段取得登记", en: "Registration obtained by fraud" },
    { code: "wrong_recognition", zh: "认定错误", en: "Wrongly recognised" },
    { code: "duplicate_registration", zh: "重复登记", en: "Registered twice" },
    { code: "contract_invalid", zh: "合同无效或被撤销", en: "Contract invalid or annulled" },
    { code: "other", zh: "其他", en: "Other" },
  ],
};
