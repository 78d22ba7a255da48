import { z } from "zod";
import type { Fault } from "./errors.ts";
import type { Text } from "./language.ts";

/** What can be wrong with one field beyond its type, with a sentence in both languages. */
export const faultTexts = {
  invalid_characters: {
    en: "must not hold control characters or broken Unicode",
    zh: "不得含有控制字符或残缺的 Unicode 字符",
  },
  "form.broken": {
    en: "the form must hold one file, named `file`, and end as it should",
    zh: "表单须且仅须含有一个名为 file 的文件，并完整结束",
  },
  "credit_code.shape": {
    en: "must be 18 digits or capitals, without I, O, S, V and Z",
    zh: "须为 18 位数字或大写字母（不含 I、O、S、V、Z）",
  },
  "credit_code.check_digit": {
    en: "is not a unified social credit code: the check digit is wrong",
    zh: "不是有效的统一社会信用代码：校验位错误",
  },
  "patent_number.check_digit": {
    en: "is not a Chinese patent number: the shape or the check digit is wrong",
    zh: "不是有效的中国专利号：格式或校验位错误",
  },
  "patent_number.type_mismatch": {
    en: "names another kind of patent than typeCode says",
    zh: "专利号所示的专利类型与 typeCode 不符",
  },
  "date.invalid": {
    en: "is not a date of the calendar (YYYY-MM-DD)",
    zh: "不是有效的日期（YYYY-MM-DD）",
  },
  "date.past": { en: "must not lie in the past", zh: "不得早于今天" },
  "date.future": { en: "must not lie in the future", zh: "不得晚于今天" },
  "date.before_signed": {
    en: "must not lie before the signing day of the contract",
    zh: "不得早于合同签订日期",
  },
  "date.before_accepted": {
    en: "must not lie before the day of acceptance",
    zh: "不得早于受理日期",
  },
  "position.beyond_head": {
    en: "lies beyond the last sealed position of the log",
    zh: "超出日志已封存的最后位置",
  },
  "date.order": { en: "must not lie before the first date", zh: "不得早于起始日期" },
  "money.invalid": {
    en: "must be a decimal string from 0 to 9999999999999999.99 with at most two decimals",
    zh: "须为 0 至 9999999999999999.99 的十进制字符串，最多两位小数",
  },
  "money.order": { en: "must not be less than the minimum", zh: "不得小于最小值" },
  "share.invalid": {
    en: "must be a percentage above 0, at most 100, with at most two decimals",
    zh: "须为大于 0、不超过 100 的百分比，最多两位小数",
  },
  "shares.total": { en: "the shares must add up to 100", zh: "份额合计须为 100" },
  "price.shape": { en: "the amounts do not fit the kind of price", zh: "金额与价格类型不符" },
  "amount.positive": { en: "must be above zero", zh: "须大于零" },
  "amount.technology_above_total": {
    en: "the technology amount must not be above the total amount",
    zh: "技术交易额不得大于合同成交总额",
  },
  "amount.deductions": {
    en: "the deductions must add up to the total amount less the technology amount",
    zh: "各项扣除之和须等于合同成交总额减技术交易额",
  },
  "amount.instalments": {
    en: "the instalments must add up to the total amount",
    zh: "各期付款之和须等于合同成交总额",
  },
  "amount.foreign": {
    en: "must be the foreign amount times its rate, rounded to the fen",
    zh: "须等于外币金额乘以汇率（四舍五入到分）",
  },
  "rate.invalid": {
    en: "must be a decimal string above zero with at most eight decimals",
    zh: "须为大于零的十进制字符串，最多八位小数",
  },
  "contract.subtype": {
    en: "is no sub-type of the contract's type",
    zh: "不属于该合同类别的子类",
  },
  "contract.licence_only": {
    en: "belongs to licence contracts only",
    zh: "仅适用于技术许可合同",
  },
  "contract.right_mismatch": {
    en: "the intellectual property does not fit the contract's sub-type",
    zh: "知识产权类型与合同子类不符",
  },
  "contract.patent_number": {
    en: "a patent's transfer or licence needs at least one patent number",
    zh: "专利转让或许可合同须至少列明一个专利号",
  },
  "contract.amount_estimated": {
    en: "a royalty's amount is an estimate: provisional until it is settled",
    zh: "提成支付的金额为预估：结清前应为暂定",
  },
  "instalment.shape": {
    en: "has either a due date or a condition",
    zh: "须填写付款日期或付款条件之一",
  },
  "commission.shape": {
    en: "a percentage has a rate, the basis `fixed` a fixed amount",
    zh: "按比例须填费率，固定金额须填金额",
  },
  "party.shape": {
    en: "names an organization of the market, or has a name of its own",
    zh: "须指定市场内机构，或填写名称",
  },
  "party.twice": { en: "is a party already", zh: "已是合同当事人" },
  "party.unknown": {
    en: "is no verified organization of this market",
    zh: "不是本市场已核验的机构",
  },
  "party.none_inside": {
    en: "at least one party must be an organization of this market",
    zh: "至少一方须为本市场机构",
  },
  "party.fixed": {
    en: "an amendment does not change who the parties are",
    zh: "合同变更不能更换当事人",
  },
  "pricing.notice_days": {
    en: "the public notice must last at least 15 days and be over",
    zh: "公示须不少于 15 日且已届满",
  },
  "link.unfit": {
    en: "does not belong to the parties of this contract",
    zh: "与合同当事人不符",
  },
  "interest.not_of_pair": {
    en: "is not an accepted interest of one of the two owners in the other's listing",
    zh: "不是这两个项目的双方之间已接受的意向",
  },
  "answer.no_question": {
    en: "is not the place of a question that was asked",
    zh: "没有与之对应的问题",
  },
  "match.not_of_pair": {
    en: "is not an ended match of your brokerage about the same result and need",
    zh: "不是贵机构就同一成果与需求已结束的对接",
  },
  "broker.not_of_brokerage": {
    en: "is not a person of the match's brokerage with a valid broker certificate",
    zh: "不是该对接所属经纪机构中持有有效证书的技术经纪人",
  },
  "cursor.invalid": {
    en: "is not a cursor of this list with these filters and this order",
    zh: "不是该列表（相同筛选与排序）的游标",
  },
  "sort.unavailable": { en: "this order is not offered in this scope", zh: "该范围不支持此排序" },
  "filter.unavailable": {
    en: "this filter is not offered in this scope",
    zh: "该范围不支持此筛选",
  },
  "synonym.nothing_to_find": {
    en: "holds nothing to look for: neither two Chinese characters together nor a letter or digit",
    zh: "没有可供检索的内容：须含有相连的两个汉字，或字母、数字",
  },
  "taxonomy.unknown_code": { en: "is not a code of its taxonomy", zh: "不是该分类表中的代码" },
  "password.weak": { en: "is too easy to guess", zh: "过于容易被猜到" },
  duplicate: { en: "is named twice", zh: "重复" },
  required: { en: "is required", zh: "必填" },
  unknown_field: { en: "is not a field of this request", zh: "不是该请求的字段" },
  unknown_parameter: { en: "is not a parameter of this request", zh: "不是该请求的参数" },
  reveals_owner: { en: "holds the owner's name or contact", zh: "含有需求方名称或联系方式" },
} as const satisfies Record<string, Text>;

export type FaultCode = keyof typeof faultTexts;

/** Parameters for `.refine()`: `z.string().refine(isCreditCode, fault("credit_code.check_digit"))`. */
export const fault = (code: FaultCode) => ({ error: faultTexts[code].en, params: { fault: code } });

/** The same for `context.addIssue()` in a `superRefine`. */
export const issueOf = (code: FaultCode) => ({
  code: "custom" as const,
  message: faultTexts[code].en,
  params: { fault: code },
});

/** A fault at a place in the body, for checks that zod cannot make (taxonomy codes, completeness). */
export const bodyFault = (path: readonly PropertyKey[], code: FaultCode): Fault => ({
  pointer: pointerOf(path),
  code,
  detail: faultTexts[code],
});

/** RFC 6901 pointer of a path. */
const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

const localeErrors = { en: z.locales.en().localeError, zh: z.locales.zhCN().localeError };

/** Zod's own sentence for an issue, in one language. The sentence names types and bounds, never the input. */
function sentence(issue: z.core.$ZodIssue, language: "en" | "zh"): string {
  const message = localeErrors[language](issue as z.core.$ZodRawIssue);
  return (typeof message === "string" ? message : message?.message) ?? issue.message;
}

/**
 * The issues of a failed parse as faults, all of them, each with its place. `at` is the part of the
 * request that was parsed: bodies have pointers, the others parameter names.
 */
export function faultsOf(error: z.ZodError, at: "body" | "querystring" | "params"): Fault[] {
  return error.issues.flatMap((issue) => issueFaults(issue, at));
}

function issueFaults(issue: z.core.$ZodIssue, at: "body" | "querystring" | "params"): Fault[] {
  if (issue.code === "unrecognized_keys") {
    const code = at === "body" ? "unknown_field" : "unknown_parameter";
    return issue.keys.map((key) => ({
      ...place([...issue.path, key], at),
      code,
      detail: faultTexts[code],
    }));
  }
  if (issue.code === "custom") {
    const code: FaultCode = issue.params?.fault ?? "invalid_characters";
    return [{ ...place(issue.path, at), code, detail: faultTexts[code] }];
  }
  if (issue.code === "invalid_type" && issue.input === undefined) {
    return [{ ...place(issue.path, at), code: "required", detail: faultTexts.required }];
  }
  const detail = { en: sentence(issue, "en"), zh: sentence(issue, "zh") };
  return [{ ...place(issue.path, at), code: issue.code, detail }];
}

function place(path: readonly PropertyKey[], at: "body" | "querystring" | "params") {
  if (at === "body") return { pointer: pointerOf(path) };
  const name = path.map(String).join(".");
  return { parameter: name };
}
