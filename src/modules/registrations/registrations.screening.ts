/** What a registrar should look at twice. Findings are no refusals: a person decides. */
import type { StoredFacts, StoredFinding } from "../../../db/schema/registrations.ts";
import { compareAmounts } from "../../lib/wire.ts";
import { addDays } from "../../lib/working-days.ts";

interface Similar {
  id: string;
  same_title: boolean;
  same_amount: boolean;
  same_file: boolean;
}

interface Screened {
  facts: StoredFacts;
  relatedParties: boolean;
  validUntil: string | null;
  similar: readonly Similar[];
  today: string;
}

/** Days after signing from which a filing is late enough to ask why. */
const lateDays = 365;

/** Technology amount from which a contract without any other cost is unusual, in yuan. */
const unusualAmount = "1000000";

/** Everything that screening finds in a contract that is filed. */
export function screen({ facts, relatedParties, similar, today }: Screened): StoredFinding[] {
  const findings: StoredFinding[] = [];
  const add = (kind: string, zh: string, en: string, contractIds: string[] = []) => {
    findings.push({ kind, contractIds, zh, en });
  };
  const idsOf = (which: (one: Similar) => boolean) => similar.filter(which).map(({ id }) => id);
  const twins = idsOf((one) => one.same_title || one.same_file);
  if (twins.length > 0) {
    add(
      "duplicate_registration",
      "存在当事人、项目名称和签订日期相同或附件文件相同的其他合同。",
      "Another contract has the same parties, title and signing day, or the same file.",
      twins,
    );
  }
  const sums = idsOf((one) => one.same_amount && !one.same_title);
  if (sums.length > 0) {
    add(
      "same_amount",
      "同一买卖双方同日签订了金额相同的其他合同。",
      "The same parties signed another contract of the same amount on the same day.",
      sums,
    );
  }
  if (relatedParties) {
    add("related_parties", "买卖双方存在关联关系。", "The parties are related.");
  }
  if (addDays(facts.signedOn, lateDays) < today) {
    add("late", "签订已超过一年才申请登记。", "Filed more than a year after it was signed.");
  }
  if (facts.amountStatus === "provisional") {
    add("provisional_amount", "合同金额为暂定。", "The amounts are provisional.");
  }
  const isAllTechnology = compareAmounts(facts.technologyAmount, facts.totalAmount) === 0;
  if (isAllTechnology && compareAmounts(facts.totalAmount, unusualAmount) >= 0) {
    add(
      "no_deductions",
      "百万元以上合同未列任何非技术性费用。",
      "A contract of a million yuan or more names no cost that is not technology.",
    );
  }
  return findings;
}
