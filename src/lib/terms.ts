/**
 * How text is cut into what it is found and matched by. One way for what is stored and what is asked:
 * folded (full-width forms, case, traditional characters), Chinese as pairs of neighbouring characters
 * and as words, letters and digits as they stand.
 */
import { Jieba } from "@node-rs/jieba";
import { dict } from "@node-rs/jieba/dict.js";
import { Converter } from "opencc-js/t2cn";
import { invisible } from "./invisible.ts";

/** Listings that were written with another version are written again (`suggestions.worker.ts`). */
export const termsVersion = 2;

let loaded: Jieba | null = null;

/**
 * The dictionary of Chinese words. Loading it takes a fifth of a second of computing, so a process that never cuts
 * text goes without; the service loads it before it listens.
 */
export function dictionary(): Jieba {
  loaded ??= Jieba.withDict(dict);
  return loaded;
}
const toSimplified = Converter({ from: "t", to: "cn" });

const han = /\p{Script=Han}/u;
/** A run of Chinese characters, or of letters and digits with their decimals and a percent sign. */
const runShape = /\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{L}\p{N}])+(?:\.\p{N}+)*%?/gu;
const partShape = /\p{N}+(?:\.\p{N}+)*|[^\p{N}.%]+/gu;

/**
 * Radicals that are written where the ideograph of the same shape is meant, as text taken from PDF files has
 * them: Unicode's property Equivalent_Unified_Ideograph of U+2E81 to U+2EF3. NFKC replaces the other radicals.
 */
const radicals = new Map(
  (
    "⺁厂⺂乛⺃乚⺄乙⺅亻⺆冂⺇𠘨⺈刀⺉刂⺊卜⺋㔾⺌小⺍小⺎兀⺏尣⺐尢⺑𡯂⺒巳⺓幺⺔彑⺕𫜹⺖忄⺗心⺘扌⺙攵⺛旡⺜日⺝月⺞歺⺟母⺠民⺡氵⺢氺⺣灬⺤爫" +
    "⺥爫⺦丬⺧牛⺨犭⺩王⺪𤴔⺫目⺬示⺭礻⺮𥫗⺯糹⺰纟⺱罓⺲罒⺳㓁⺴冗⺵𦉫⺶羊⺷𦍌⺸𦍋⺹耂⺺肀⺻聿⺼肉⺽𦥑⺾艹⺿艹⻀艹⻁虎⻂衤⻃覀⻄西⻅见⻆角⻇𧢲" +
    "⻈讠⻉贝⻊𧾷⻋车⻌辶⻍辶⻎辶⻏邑⻐钅⻑長⻒镸⻓长⻔门⻕𨸏⻖阝⻗雨⻘青⻙韦⻚页⻛风⻜飞⻝食⻞𩙿⻟飠⻠饣⻡𩠐⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻪黾⻫斉" +
    "⻬齐⻭歯⻮齿⻯竜⻰龙⻱龜⻲亀⻳龟"
  )
    .match(/../gu)
    ?.map((pair) => [...pair] as [string, string]),
);

const simplified = new Map<string, string>();

/** Character by character: what a text is found by must not depend on how its words are cut. */
function simplify(character: string): string {
  const known = simplified.get(character);
  if (known !== undefined) return known;
  const unified = radicals.get(character) ?? character;
  // Twice, because a few characters have a form between: 薴, 苧, 苎.
  const simple = han.test(unified) ? toSimplified(toSimplified(unified)) : unified;
  simplified.set(character, simple);
  return simple;
}

/**
 * Traditional texts write 著 where simplified ones write 着 (附著力), and both where it is *zhù*: 显著, 著作.
 * By the characters around it, in simplified form.
 */
const attached = /(?<![显卓昭土名论专编译原遗巨拙合撰新较知])著(?![作名者述称录书有文])/g;

/** 着 for 著 in a text whose characters are folded; it keeps its length. */
export const attach = (folded: string): string => folded.replaceAll(attached, "着");

/** The forms of a text that do not depend on what stands around a character. */
export function foldCharacters(text: string): string {
  let simple = "";
  const plain = text.replaceAll(invisible, "").normalize("NFKC").toLowerCase().normalize("NFKC");
  for (const character of plain) simple += simplify(character);
  return simple;
}

/** Units that belong to the number before them, also after a blank; after another word the blank stays. */
const units =
  "[kmgtnpμu]?(?:m|g|w|wh|v|va|a|ah|hz|pa|j|n|b|bit|l|s|t|c|f|h|mol|ω)[23]?|bar|min|d|r|k|x|rpm|ppm|ppb|db|dbm|lm|lx|ev|kev|mev";
const beforeUnit = new RegExp(
  `(?<=\\p{N})[ °]+(?=[°%]|(?:${units})(?!\\p{L}(?<!\\p{Script=Han})))`,
  "gu",
);

/** Digits in groups of three after one to three, and nothing else. */
const groups = (comma: string) =>
  new RegExp(
    `(?<![\\p{L}\\p{N}.,，](?<!\\p{Script=Han}))\\p{N}{1,3}(?:${comma}\\p{N}{3})+(?!\\p{N}|[,，]\\p{N})`,
    "gu",
  );
const [thousands, perhapsThousands] = [groups(","), groups("，")];
/** Those that may separate thousands as one, each other Chinese comma alone. */
const chineseCommas = new RegExp(`${perhapsThousands.source}|，`, "gu");

/**
 * One form for what is written in several: NFKC, lower case, simplified characters, nothing invisible, no
 * thousands separators, no blank or degree sign between a number and its unit, no line broken within Chinese.
 * `ＬＥＤ封裝 10 ℃` is `led封装 10c`. Folding what is folded changes nothing.
 *
 * A Chinese comma between digits may be either: 1，200kW is a number, 380，220V are two. It stays where it may
 * separate thousands.
 */
export function fold(text: string): string {
  // NFKC would make all of them plain ones.
  const characters = text.split("，").map(foldCharacters).join("，");
  return attach(characters)
    .replaceAll(chineseCommas, (found) => (found === "，" ? "," : found))
    .replaceAll(thousands, (number) => number.replaceAll(",", ""))
    .replaceAll(beforeUnit, "")
    .replaceAll(/(?<=\p{Script=Han})[^\S\n]*\n\s*(?=\p{Script=Han})/gu, "");
}

const runsOf = (folded: string): string[] => folded.match(runShape) ?? [];

const isHan = (run: string): boolean => han.test(run);

function pairsOf(run: string): string[] {
  const characters = [...run];
  return characters.slice(1).map((character, i) => `${characters[i]}${character}`);
}

/** `10000r` is found as it stands, as `10000` and as `r`. */
function partsOf(run: string): string[] {
  const parts = run.match(partShape) ?? [];
  return parts.length === 1 && parts[0] === run ? parts : [run, ...parts];
}

/** What a folded text with Chinese commas between digits may mean: one number, or several. */
const readingsOf = (folded: string): string[] =>
  folded.includes("，") ? ["", ","].map((meant) => folded.replaceAll("，", meant)) : [folded];

/** What it most likely means: 1，200kW is a number, 380，220V are two. */
const likelyOf = (folded: string): string =>
  folded.replaceAll(perhapsThousands, (digits) =>
    digits.replaceAll("，", digits.indexOf("，") < 3 ? "" : ","),
  );

/** `6-axis` and `LED 2026` are found as one word too. */
const gluedOf = (folded: string): string[] =>
  [
    ...folded.matchAll(/(?<![\p{L}\p{N}.])(\p{N}+(?:\.\p{N}+)*)[ -]([a-z]+)(?![\p{L}\p{N}])/gu),
    ...folded.matchAll(/(?<![\p{L}\p{N}])([a-z]+)[ -](\p{N}+(?:\.\p{N}+)*)(?![\p{L}\p{N}])/gu),
  ].map(([, first, second]) => `${first}${second}`);

/** Chinese characters with blanks between them, as in titles that are set wide: 轴　承. */
const spacedHan = /(?<=\p{Script=Han})\s+(?=\p{Script=Han})/gu;

/** What a folded text is searched by: pairs of Chinese characters, and what is not Chinese. */
function termsOf(folded: string): string[] {
  const runs = readingsOf(folded.replaceAll(spacedHan, "")).flatMap(runsOf);
  const terms = runs.flatMap((run) => (isHan(run) ? pairsOf(run) : partsOf(run)));
  return [...terms, ...gluedOf(folded)];
}

/** What the search columns of a listing hold. */
export interface SearchColumns {
  /** The title and the summary, folded: where the words of a query stand tells how well they fit. */
  titleText: string;
  summaryText: string;
  /** Terms of the title, its single Chinese characters among them. */
  titleTerms: string[];
  /** Terms of all texts. */
  searchTerms: string[];
}

/** The search columns of a listing that says this. */
export function searchColumnsOf({
  title,
  summary,
  rest,
}: {
  title: string;
  summary: string | null;
  rest: readonly string[];
}): SearchColumns {
  const titleText = fold(title);
  const summaryText = fold(summary ?? "");
  const characters = runsOf(titleText)
    .filter(isHan)
    .flatMap((run) => [...run]);
  const titleTerms = termsOf(titleText);
  const others = rest.flatMap((text) => termsOf(fold(text)));
  return {
    titleText,
    summaryText,
    titleTerms: [...new Set([...titleTerms, ...characters])],
    searchTerms: [...new Set([...titleTerms, ...termsOf(summaryText), ...others])],
  };
}

/** A word of a query. */
export interface QueryWord {
  /** Folded. */
  text: string;
  /** A listing must have all of them to have the word. */
  terms: string[];
  /** A single Chinese character: it is looked for in titles only. */
  inTitle: boolean;
  /** A listing that lacks it is not found. */
  required: boolean;
}

/** Parts of speech (as jieba tags them) of a single character that belongs to the word before it: 石墨 烯. */
const belongsBefore = /^(n|v|x|k|g|j|b)/;

/** A long word of the dictionary as the shorter ones that it is made of, if it is: 厌氧发酵 as 厌氧, 发酵. */
function shorter(word: string): string[] {
  const inner = dictionary()
    .cutForSearch(word, false)
    .filter((one) => one !== word && one.length > 1);
  const parts: string[] = [];
  for (let at = 0; at < word.length; ) {
    const [next] = inner
      .filter((one) => word.startsWith(one, at))
      .sort((a, b) => b.length - a.length);
    if (!next) return [word];
    parts.push(next);
    at += next.length;
  }
  return parts;
}

/** A run of Chinese as the words that somebody means who types it; single characters that stand for themselves. */
function cutRun(run: string): string[] {
  const words: string[] = [];
  for (const { word, tag } of dictionary().tag(run, true)) {
    const previous = words.at(-1);
    const single = [...word].length === 1;
    if (single && previous && [...previous].length > 1 && belongsBefore.test(tag)) {
      words[words.length - 1] = previous + word;
    } else if ([...word].length > 3) words.push(...shorter(word));
    else words.push(word);
  }
  return words;
}

/**
 * The words of a folded query, each once: Chinese is cut by the dictionary, so that `钢丝绳检测` finds
 * `钢丝绳在线检测`. A single character beside longer words, such as `的`, is welcome but not demanded.
 */
export function queryWordsOf(folded: string): QueryWord[] {
  const words = runsOf(likelyOf(folded)).flatMap((run): QueryWord[] => {
    if (!isHan(run)) return [{ text: run, terms: [run], inTitle: false, required: true }];
    const cut = cutRun(run).map((text) => ({ text, characters: [...text].length }));
    const alone = cut.every(({ characters }) => characters === 1);
    // Characters that the dictionary knows no word for stay together.
    if (alone && cut.length > 1) return [chineseWord(run, true)];
    return cut.map(({ text, characters }) => chineseWord(text, alone || characters > 1));
  });
  return [...new Map(words.map((word) => [word.text, word])).values()];
}

/** A Chinese word as it is looked for: by its pairs, a single character in titles. */
function chineseWord(text: string, required: boolean): QueryWord {
  const pairs = pairsOf(text);
  const single = pairs.length === 0;
  return { text, terms: single ? [text] : pairs, inTitle: single, required };
}

/**
 * A folded word without blanks and punctuation: what the neighbouring words of a query are when joined.
 * `machine learning` is asked for as `machine`, `learning`.
 */
export const joined = (folded: string): string => runsOf(likelyOf(folded)).join("");

/** What a group of synonyms is looked up by: its words folded, each also as a query joins it. */
export const synonymKeysOf = (words: readonly string[]): string[] => [
  ...new Set(words.map(fold).flatMap((folded) => [folded, joined(folded)])),
];

/**
 * A folded synonym as a listing must have it: all its terms, anywhere; one that is nothing but a single
 * Chinese character (镉 for Cd) in its title.
 */
export function synonymTermsOf(folded: string): { terms: string[]; inTitle: boolean } {
  const words = queryWordsOf(folded);
  const inTitle = words.every((word) => word.inTitle);
  return {
    terms: words.filter((word) => word.inTitle === inTitle).flatMap(({ terms }) => terms),
    inTitle,
  };
}

/** Kinds of terms that listings are compared by; a number's last two bits tell its kind. */
export const termKinds = ["character", "pair", "word"] as const;
export type TermKind = (typeof termKinds)[number];

/** What a text is compared by: each term under its kind and spelling, with how often it occurs. */
export type TermCounts = Map<string, number>;

const keyOf = (kind: TermKind, term: string) => `${kind.charAt(0)}${term}`;

/** The spelling of a term. */
export const spellingOf = (key: string): string => key.slice(1);

/** The kind of a term. */
export const kindOf = (key: string): TermKind =>
  key.startsWith("c") ? "character" : key.startsWith("p") ? "pair" : "word";

/**
 * The terms of a text for matching: of Chinese each character, each pair of neighbours and each word
 * of the dictionary, words within words too; of other scripts each word, as all three. Numbers tell
 * nothing of what a listing is about.
 */
export function matchTermsOf(text: string): TermCounts {
  const counts: TermCounts = new Map();
  const add = (kind: TermKind, term: string) => {
    const key = keyOf(kind, term);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  const folded = likelyOf(fold(text)).replaceAll(spacedHan, "");
  for (const run of runsOf(folded)) {
    if (!isHan(run)) {
      if (/^\p{L}+$/u.test(run)) add("character", run);
      if (run.length > 1 && /^\p{L}+$/u.test(run)) add("pair", run);
      if (run.length > 1 && /\p{L}/u.test(run)) add("word", run);
      continue;
    }
    for (const character of run) add("character", character);
    for (const pair of pairsOf(run)) add("pair", pair);
    for (const word of dictionary().cutForSearch(run, true)) {
      if ([...word].length > 1) add("word", word);
    }
  }
  return counts;
}

/**
 * The terms of a word for matching that a listing must have to have the word: as in a search its pairs of
 * characters, and what is not Chinese; of a single character, that.
 */
export function demandedOf(word: TermCounts): string[] {
  const keys = [...word.keys()];
  const demanded = keys.filter(
    (key) => kindOf(key) === "pair" || (kindOf(key) === "word" && !isHan(key)),
  );
  return demanded.length > 0 ? demanded : keys;
}

/** Parts of speech (as jieba tags them) of what may tell what a text is about; not numbers, particles, times. */
const contentTag = /^(n|v|a|b|j|l|x|eng|s$)/;

/** Words that stand in listings about anything. */
const general = new Set(
  (
    "百分 百分之 能够 可以 可能 需要 要求 进行 采用 使用 利用 应用 运用 实现 完成 达到 满足 解决 具有 具备 存在 包括 " +
    "提高 提升 降低 减少 增加 改善 改进 优化 保证 确保 形成 开展 提供 支持 促进 针对 基于 通过 属于 适合 适用 有效 " +
    "不同 相关 主要 重要 良好 稳定 先进 现有 问题 技术 方法 方案 方式 研究 研发 开发 项目 成果 需求 产品 产业 企业 " +
    "公司 单位 市场 情况 过程 水平 能力 效果 作用 特点 优势 目标 指标 国内 国外 国际 行业 领域 目前 " +
    "the of and for with in on to by from is are an at as or be that this"
  ).split(" "),
);

/** Characters that begin or make up what is left between words: 率低 of 损耗率低, 能提 of 性能提高. */
const fragment =
  /^[率性化度量者]|[的了着过和与或及在为是有不能可将使被对从以于等提低高大小好快慢多少较更最很]/u;

/** Whether a folded word can be why two texts are alike: no number, no particle, no fragment, nothing general. */
export function isTelling(word: string): boolean {
  if (general.has(word) || [...word].length < 2) return false;
  return dictionary()
    .tag(word, true)
    .some(({ word: part, tag }) => {
      const isGuessed = tag === "x" && isHan(part);
      return (
        contentTag.test(tag) &&
        !general.has(part) &&
        ([...part].length > 1 || !isHan(part)) &&
        !(isGuessed && fragment.test(part))
      );
    });
}

/**
 * Pairs of characters that stand for words which the dictionary does not know: neighbours that it makes no
 * word of. What lies across two known words (能提 of 性能提高) is none.
 */
export function unknownPairsOf(text: string): Set<string> {
  const pairs = new Set<string>();
  for (const run of runsOf(likelyOf(fold(text)).replaceAll(spacedHan, "")).filter(isHan)) {
    const words = dictionary().cut(run, false);
    for (const [i, word] of words.entries()) {
      const pair = `${words[i - 1] ?? ""}${word}`;
      if ([...pair].length === 2 && [...word].length === 1 && !fragment.test(pair)) pairs.add(pair);
    }
  }
  return pairs;
}

/**
 * The number of a term, of 32 bits: FNV-1a over kind and spelling, the last two bits its kind. Two of a
 * few million terms may share a number; a score is then off by a little, nothing else.
 */
export function termNumber(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    hash = Math.imul(hash ^ (code & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (code >>> 8), 0x01000193);
  }
  // The high bits are mixed worse than the low ones, two of which are given up.
  hash = Math.imul(hash ^ (hash >>> 15), 0x45d9f3b);
  return (hash & ~3) | termKinds.indexOf(kindOf(key));
}

/** The kind of the term that has this number. */
export const kindOfNumber = (number: number): TermKind => termKinds[number & 3] ?? "word";

/** The number of a word as listings are compared by it. */
export const wordNumber = (word: string): number => termNumber(keyOf("word", word));

/** The number of a pair of characters, likewise. */
export const pairNumber = (pair: string): number => termNumber(keyOf("pair", pair));
