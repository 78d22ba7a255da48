import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "contracts", description: "Technology contracts 技术合同, amendments, payments." },
  scopes: ["contracts:read", "contracts:write"],
  nouns: {
    contract: { en: "contract", zh: "技术合同" },
    amendment: { en: "amendment", zh: "合同变更" },
    payment: { en: "payment", zh: "到账记录" },
  },
  errors: {
    "contract.state_secret": {
      status: 409,
      en: "A contract that holds state secrets must not be stored on this platform: go to the office in person",
      zh: "涉密技术合同不得在本平台登录、存储：请按保密规定到登记机构现场办理",
    },
    "contract.match_has_contract": {
      status: 409,
      en: "The match already has a contract",
      zh: "该对接已有合同",
    },
    "contract.revision_changed": {
      status: 409,
      en: "The contract is at another revision or content: read it again before you confirm",
      zh: "合同版本或内容已变化：请重新阅读后再确认",
    },
    "contract.already_confirmed": {
      status: 409,
      en: "Your organization has already given its word on this",
      zh: "贵机构已表示同意",
    },
    "contract.not_in_force": {
      status: 409,
      en: "Only a contract in force can be amended or paid",
      zh: "仅生效的合同可变更或登记到账",
    },
    "amendment.already_open": {
      status: 409,
      en: "An amendment of the contract waits for its parties",
      zh: "该合同有待各方确认的变更",
    },
    "contract.external_id_taken": {
      status: 409,
      en: "Another contract of the organization has this id",
      zh: "本机构的另一份技术合同已使用该自有编号",
    },
    "payment.external_id_taken": {
      status: 409,
      en: "Another payment that the organization entered has this id",
      zh: "本机构登记的另一笔到账已使用该自有编号",
    },
    "payment.voucher_taken": {
      status: 409,
      en: "A payment of this contract with this voucher number is recorded already",
      zh: "该凭证号的到账已登记",
    },
  },
  faults: {
    "date.before_signed": {
      en: "must not lie before the signing day of the contract",
      zh: "不得早于合同签订日期",
    },
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
    "party.office": {
      en: "is a registration office or the market's operator, which is no party of a contract",
      zh: "是登记机构或市场运营方，不得作为合同当事人",
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
    "link.unfit": { en: "does not belong to the parties of this contract", zh: "与合同当事人不符" },
  },
  constraints: {
    contracts_one_of_match: "contract.match_has_contract",
    contract_amendments_one_open: "amendment.already_open",
    contract_external_ids_external_id: "contract.external_id_taken",
    contract_payments_external_id: "payment.external_id_taken",
    contract_payments_voucher: "payment.voucher_taken",
  },
} as const satisfies FeatureWords;
