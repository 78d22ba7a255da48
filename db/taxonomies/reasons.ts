/**
 * Reasons: why an interest or a match is declined or fails, and why the operator returns or rejects
 * a listing, an organization or a certificate.
 *
 * Source: this project's own. The registration office's grounds are in `registration-grounds.ts`.
 */
import type { Taxonomy } from "./types.ts";

export const declineReasons: Taxonomy = {
  name: "decline-reasons",
  zh: "谢绝原因",
  en: "Decline reasons",
  source: "This project's own list.",
  certainty: "proposed",
  items: [
    { code: "not_in_scope", zh: "不在合作范围内", en: "Outside what is offered or sought" },
    { code: "price_gap", zh: "价格差距过大", en: "Prices too far apart" },
    { code: "maturity_gap", zh: "技术成熟度不符", en: "Maturity does not fit" },
    { code: "performance_gap", zh: "技术指标不符", en: "Technical indicators not met" },
    { code: "terms_gap", zh: "合作条件未达成一致", en: "No agreement on the terms" },
    { code: "already_committed", zh: "已有合作方", en: "Already committed to another party" },
    { code: "capacity", zh: "人力或条件不足", en: "No capacity at present" },
    { code: "funding", zh: "资金未落实", en: "Funding not available" },
    { code: "timing", zh: "时间不合适", en: "Timing does not fit" },
    { code: "confidentiality", zh: "涉及保密", en: "Confidentiality" },
    { code: "no_information", zh: "信息不足", en: "Too little information given" },
    { code: "no_response", zh: "对方未回应", en: "The other side does not respond" },
    { code: "other", zh: "其他", en: "Other" },
  ],
};

export const suggestionReasons: Taxonomy = {
  name: "suggestion-reasons",
  zh: "推荐评价原因",
  en: "Reasons of a verdict on a suggestion",
  source: "This project's own list.",
  certainty: "proposed",
  items: [
    { code: "good_fit", zh: "技术与需求吻合", en: "The result solves the need" },
    { code: "partial_fit", zh: "部分吻合", en: "Solves a part of it" },
    { code: "same_words_only", zh: "仅字面相似", en: "Alike in words only" },
    { code: "other_field", zh: "领域不符", en: "Another field" },
    { code: "maturity_gap", zh: "成熟度不符", en: "Maturity does not fit" },
    { code: "price_gap", zh: "价格差距过大", en: "Prices too far apart" },
    { code: "known_already", zh: "双方已有接触", en: "The two know each other already" },
    { code: "outdated", zh: "信息过时", en: "Out of date" },
    { code: "too_little_said", zh: "信息不足以判断", en: "Too little is said to tell" },
    { code: "other", zh: "其他", en: "Other" },
  ],
};

export const reviewReasons: Taxonomy = {
  name: "review-reasons",
  zh: "审核意见",
  en: "Review reasons",
  source: "This project's own list.",
  certainty: "proposed",
  items: [
    { code: "incomplete", zh: "信息不完整", en: "Information missing" },
    { code: "unclear_text", zh: "表述不清", en: "Text unclear" },
    { code: "not_technology", zh: "不属于技术内容", en: "Not about technology" },
    { code: "wrong_category", zh: "分类有误", en: "Wrong category" },
    { code: "duplicate", zh: "重复提交", en: "Duplicate" },
    {
      code: "contact_details_in_text",
      zh: "正文含联系方式",
      en: "Contact details in the text",
    },
    {
      code: "confidential_content",
      zh: "含涉密或不宜公开内容",
      en: "Content that must not be made public",
    },
    { code: "illegal_content", zh: "内容违法违规", en: "Illegal content" },
    { code: "exaggerated_claims", zh: "夸大或无法证实", en: "Claims exaggerated or unproven" },
    { code: "ownership_unproven", zh: "权属未证明", en: "Ownership not proven" },
    { code: "identity_unproven", zh: "身份未核实", en: "Identity not proven" },
    {
      code: "certificate_invalid",
      zh: "证书无效或无法核验",
      en: "Certificate invalid or unverifiable",
    },
    { code: "outdated", zh: "信息已过期", en: "Out of date" },
    { code: "other", zh: "其他", en: "Other" },
  ],
};
