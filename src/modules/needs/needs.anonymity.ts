/** What keeps the owner of an anonymous need unknown. */
import type { needs } from "../../../db/schema/needs.ts";
import type { Fault } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { random } from "../../lib/ids.ts";
import { cityOf } from "../../lib/regions.ts";

type Row = typeof needs.$inferSelect;

// No look-alikes: neither 0 and O nor 1 and I.
const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/** A name for a need's owner, drawn separately for each need: two of one owner cannot be linked by it. */
export function newAlias(): string {
  const letters = [...random.bytes(5)].map((byte) => alphabet.charAt(byte % alphabet.length));
  return `匿名需求方 ${letters.join("")}`;
}

/** Endings and openings that many names share and that therefore tell nothing; the longer ones first. */
const commonEndings = [
  ...["股份有限公司", "有限责任公司", "集团有限公司", "科技有限公司", "有限公司"],
  ...["合伙企业", "集团", "公司", "厂", "合作社"],
];
const commonOpenings = ["中国", "河南省", "河南", "新乡市", "新乡"];

// A regular expression of repeated alternatives tries them all: 集团有限公司 nineteen times over took it a fifth
// of a second.
function withoutEndings(name: string): string {
  const ending = commonEndings.find((one) => name.endsWith(one));
  return ending ? withoutEndings(name.slice(0, -ending.length)) : name;
}

function withoutOpenings(name: string): string {
  const opening = commonOpenings.find((one) => name.startsWith(one));
  return opening ? withoutOpenings(name.slice(opening.length)) : name;
}

/** Letters and digits alone: blanks, hyphens, dots and brackets hide nothing. */
const fold = (text: string): string =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "");

/** What would give the owner away: names, their telling part, codes, and the contact's name, phone and e-mail. */
function tracesOf(row: Pick<Row, "contact">, owner: OwnerTraces): string[] {
  const core = withoutOpenings(withoutEndings(fold(owner.name)));
  return [
    owner.name,
    owner.shortName ?? "",
    core,
    owner.creditCode,
    row.contact?.name ?? "",
    // The extension tells nothing, and the number tells without it.
    row.contact?.phone?.split("转")[0] ?? "",
    row.contact?.email ?? "",
  ]
    .map(fold)
    .filter((trace) => trace.length >= 2);
}

export interface OwnerTraces {
  name: string;
  shortName: string | null;
  creditCode: string;
}

const textFields = [
  "title",
  "summary",
  "background",
  "existingBase",
  "bottleneck",
  "solverRequirements",
] as const;

/** The places in an anonymous need's text that hold something of its owner. */
export function revealingFaults(
  row: Pick<
    Row,
    (typeof textFields)[number] | "contact" | "keywords" | "tags" | "targetIndicators"
  >,
  owner: OwnerTraces,
): Fault[] {
  const traces = tracesOf(row, owner);
  const texts: [(string | number)[], string | null][] = [
    ...textFields.map((field): [string[], string | null] => [[field], row[field]]),
    ...row.keywords.map((text, i): [(string | number)[], string] => [["keywords", i], text]),
    ...row.tags.map((text, i): [(string | number)[], string] => [["tags", i], text]),
    ...row.targetIndicators.map((indicator, i): [(string | number)[], string] => [
      ["targetIndicators", i],
      Object.values(indicator).join(" "),
    ]),
  ];
  return texts
    .filter(([, text]) => text !== null && traces.some((trace) => fold(text).includes(trace)))
    .map(([path]) => bodyFault(path, "reveals_owner"));
}

/** What anybody but owner and operator sees in place of who and where it is. */
export function masked<T extends Pick<Row, "regionCode">>(row: T) {
  return {
    organization: null,
    contact: null,
    regionCode: row.regionCode && cityOf(row.regionCode),
  };
}
