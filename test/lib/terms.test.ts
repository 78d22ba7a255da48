/** How text is cut into what listings are found and matched by. */
import fc from "fast-check";
import { Converter } from "opencc-js/cn2t";
import t from "tap";
import { demoNeeds } from "../../src/demo/needs.ts";
import { demoResults } from "../../src/demo/results.ts";
import { rangesIn } from "../../src/lib/highlight.ts";
import {
  demandedOf,
  fold,
  isTelling,
  kindOfNumber,
  matchTermsOf,
  pairNumber,
  queryWordsOf,
  searchColumnsOf,
  synonymTermsOf,
  termNumber,
  unknownPairsOf,
  wordNumber,
} from "../../src/lib/terms.ts";

const columns = (title: string, ...rest: string[]) =>
  searchColumnsOf({ title, summary: null, rest });
const wordsOf = (q: string) => queryWordsOf(fold(q));
/** Whether a listing with this title, and these other texts, has all words that the query demands. */
function finds(q: string, title: string, ...rest: string[]): boolean {
  const { titleTerms, searchTerms } = columns(title, ...rest);
  const words = wordsOf(q);
  return (
    words.length > 0 &&
    words
      .filter((word) => word.required)
      .every(({ terms, inTitle }) =>
        terms.every((term) => (inTitle ? titleTerms : searchTerms).includes(term)),
      )
  );
}

t.test("one form for what is written in several", async (t) => {
  t.equal(fold("ＬＥＤ　封裝"), "led 封装");
  t.equal(fold("12,000 r/min，10 ℃"), "12000r/min,10c");
  t.equal(fold("鋰離子電池極片"), "锂离子电池极片");
  t.equal(fold("99.5 %"), "99.5%");
  t.equal(fold("1,2 与 3"), "1,2 与 3", "no thousands separator");
  t.equal([...fold("㎡")].join(""), "m2");
});

t.test("what only looks the same is the same", async (t) => {
  t.equal(fold("\u{2EDB}力发电机组\u{2EEE}轮箱"), "风力发电机组齿轮箱", "radicals for ideographs");
  t.equal(fold("\u2F2F\u4F5C"), "工作", "radicals that NFKC knows");
  t.equal(fold("电\u200b机\u00ad组\u2060 \u202eLED"), "电机组 led", "nothing invisible");
  t.equal(fold("风力发\n  电机组"), "风力发电机组", "a line broken within Chinese");
  t.equal(fold("machine\nlearning"), "machine\nlearning", "but not between other words");
});

t.test("著 is 着 where it is read so", async (t) => {
  for (const [text, folded] of [
    ["附著力", "附着力"],
    ["著色劑", "着色剂"],
    ["沿著", "沿着"],
    ["膠著", "胶着"],
    ["显著", "显著"],
    ["顯\u200b著", "显著"],
    ["著作權", "著作权"],
    ["專著", "专著"],
    ["著名", "著名"],
  ] as const) {
    t.equal(fold(text), folded);
  }
  t.ok(finds("附着力", "漆膜附著力测试") && finds("附著力", "漆膜附着力测试"));
  t.same(rangesIn("漆膜附\u200b著力测试", ["附着力"]), [[2, 6]]);
  t.same(rangesIn("效果顯\u200b著，有著作权", ["显著", "著作权"]), [
    [2, 5],
    [7, 10],
  ]);
});

t.test("a comma separates thousands, or numbers", async (t) => {
  for (const number of ["1200kW", "1,200kW", "1，200kW", "１，２００ｋＷ", "1,200 kW"]) {
    t.ok(finds(number, "额定功率1,200kW") && finds(number, "额定功率1，200 kW"), number);
  }
  for (const q of ["380", "220V", "380，220V"]) t.ok(finds(q, "电压380，220V两档"), q);
  for (const q of ["532", "808", "1064nm"]) t.ok(finds(q, "波长532,808,1064nm"), q);
  t.equal(fold("1234,567"), "1234,567", "groups of three follow one to three digits");
  t.equal(fold("0.5,200"), "0.5,200");
  t.equal(fold("12,345,678.9"), "12345678.9");
});

t.test("a number belongs to its unit, and to no other word", async (t) => {
  for (const q of ["2026 LED", "LED 2026"]) t.ok(finds(q, "LED 显示屏 2026 封装线"), q);
  for (const q of ["6 axis robot", "6-axis robot", "6axis"]) {
    t.ok(finds(q, "6-axis welding robot") && finds(q, "6 axis welding robot"), q);
  }
  t.ok(finds("covid19", "COVID-19 检测") && finds("PM2.5", "PM 2.5 源解析"));
  t.equal(fold("5 G"), "5g");
  t.equal(fold("10 ℃"), "10c");
  t.equal(fold("99.5 %"), "99.5%");
  t.equal(fold("2026 LED"), "2026 led");
  t.notOk(finds("5G", "G级 5项"), "5G is one word");
  t.same(rangesIn("6-axis robot", ["6axis"]), [[0, 6]]);
});

const someDay = () => "2026-05-01";
const titles = [...demoResults(someDay), ...demoNeeds(someDay)].map(({ input }) => input.title);

t.test("folding what is folded changes nothing", async (t) => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.string({
      unit: fc.constantFrom(..."0123456789,，. °℃kWgGx著着显力\n　\u200bＡ1".split("")),
    }),
    fc.constantFrom(...titles),
  );
  fc.assert(
    fc.property(text, (any) => fold(fold(any)) === fold(any)),
    { numRuns: 5_000 },
  );
  const changed: string[] = [];
  for (let code = 0; code <= 0x3ffff; code++) {
    const once = fold(String.fromCodePoint(code));
    if (fold(once) !== once) changed.push(code.toString(16));
  }
  t.same(changed, [], "nor that of any character");
});

/** Ways in which a title is written in the wild. */
const toTraditional = Converter({ from: "cn", to: "t" });
const radicalOf: Record<string, string> = {
  ...{ 风: "⻛", 齿: "⻮", 长: "⻓", 车: "⻋", 门: "⻔", 页: "⻚", 鱼: "⻥", 马: "⻢", 麦: "⻨" },
  ...{ 工: "⼯", 水: "⽔", 火: "⽕", 土: "⼟", 石: "⽯", 金: "⾦", 用: "⽤", 生: "⽣", 高: "⾼" },
};
const each = (text: string, change: (character: string, n: number) => string) =>
  [...text].map(change).join("");
const isChinese = (character: string | undefined) => /\p{Script=Han}/u.test(character ?? "");
const renderings: Record<string, (title: string, seed: number) => string> = {
  "full width": (title) =>
    title.replaceAll(/[!-~]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
  radicals: (title) => each(title, (c) => radicalOf[c] ?? c),
  "invisible marks": (title, seed) =>
    each(title, (c, n) => ((n + seed) % 3 === 0 ? `${c}\u200b\u00ad` : c)),
  "a broken line": (title, seed) =>
    each(title, (c, n) =>
      n === seed % title.length && isChinese(c) && isChinese([...title][n + 1]) ? `${c}\r\n ` : c,
    ),
  "traditional characters": (title) => toTraditional(title),
  capitals: (title) => title.toUpperCase(),
};

t.test("however a title is written, it is found, and marked", async (t) => {
  for (const [name, render] of Object.entries(renderings)) {
    for (const [seed, title] of titles.entries()) {
      const written = render(title, seed);
      t.ok(finds(written, title), `${name} as a query: ${written}`);
      t.ok(finds(title, written), `${name} as a title: ${written}`);
      const ranges = rangesIn(
        written,
        wordsOf(title).map(({ text }) => text),
      );
      const marked = ranges.map(([from, to]) => written.slice(from, to)).join("");
      const lengths = [marked, title].map(
        (text) => fold(text).replaceAll(/[^\p{L}\p{N}]/gu, "").length,
      );
      t.equal(lengths[0], lengths[1], `${name} is marked whole: ${written}`);
    }
  }
});

t.test(
  "a listing is found by words, pairs of characters, and single ones of its title",
  async (t) => {
    const { titleTerms, searchTerms, titleText } = columns("LED封装", "散热胶 H2");
    t.same(titleTerms.sort(), ["led", "封", "封装", "装"].sort());
    t.same(searchTerms.sort(), ["2", "h", "h2", "led", "封装", "散热", "热胶"].sort());
    t.equal(titleText, "led封装");
    t.equal(columns("轴承轴承", "轴承").searchTerms.length, 2, "no duplicates: 轴承, 承轴");
  },
);

t.test("a query is cut by the dictionary, so that other words may stand between", async (t) => {
  t.same(
    wordsOf("钢丝绳检测").map(({ text, terms }) => [text, terms]),
    [
      ["钢丝绳", ["钢丝", "丝绳"]],
      ["检测", ["检测"]],
    ],
  );
  t.ok(finds("钢丝绳检测", "矿井钢丝绳无损在线检测装置"));
  t.ok(finds("玻璃纤维", "玻璃基复合纤维"), "a long word of the dictionary by its parts");
  const words = (q: string) => wordsOf(q).map(({ text }) => text);
  t.same(words("石墨烯"), ["石墨烯"], "a character that belongs to the word before it");
  t.same(words("锂电池用隔膜"), ["锂电池", "用", "隔膜"]);
  t.notOk(finds("石墨烯", "石墨电极"));
  t.same(wordsOf("！？ ..."), []);
  t.same(wordsOf("检测 检测").length, 1, "each once");
});

t.test("a single character looks at titles; beside longer words it is not demanded", async (t) => {
  t.same(wordsOf("钢"), [{ text: "钢", terms: ["钢"], inTitle: true, required: true }]);
  t.ok(finds("肥", "盐碱地玉米专用缓释肥制备技术"));
  t.notOk(finds("亩", "盐碱地玉米专用缓释肥制备技术", "亩均减肥两成"));
  t.ok(finds("玉米的肥料", "玉米专用肥料"), "的 is in no such title");
});

t.test("letters, numbers and units are found as they stand and by their parts", async (t) => {
  t.ok(finds("5G 基站", "5G基站散热"));
  t.notOk(finds("5G", "第5代 g 网络"));
  t.ok(finds("0.5 mm", "精度0.5mm的量具"));
  t.ok(finds("0.5mm", "精度 0.5 mm 的量具"));
  t.ok(finds("mm", "精度 0.5 mm 的量具"));
  t.ok(finds("PM2.5", "大气PM2.5源解析"));
  t.ok(finds("10000r/min", "转速 10,000 r/min 的主轴"));
  t.ok(finds("99.5%", "纯度99.5 %的氧化铝"));
});

t.test("traditional and simplified, full and half width find each other", async (t) => {
  t.ok(finds("電池", "锂电池"));
  t.ok(finds("电池", "鋰電池"));
  t.ok(finds("ＬＥＤ", "led 灯"));
  t.ok(finds("led", "ＬＥＤ　灯"));
});

t.test("a rare character written with two code units is one character", async (t) => {
  t.same(
    wordsOf("𠮷").map(({ text }) => text),
    ["𠮷"],
  );
  t.ok(columns("𠮷野").titleTerms.includes("𠮷"));
  t.ok(finds("𠮷野", "𠮷野家"));
});

t.test(
  "for matching: characters, pairs and words with how often; numbers tell nothing",
  async (t) => {
    const counts = matchTermsOf("锂电池的检测，检测 LED 5G 2024");
    t.equal(counts.get("w锂电池"), 1);
    t.equal(counts.get("w电池"), 1, "a word within a word");
    t.equal(counts.get("w检测"), 2);
    t.equal(counts.get("p检测"), 2);
    t.equal(counts.get("c检"), 2);
    t.notOk(counts.has("p测检"), "no pair over a comma");
    t.same([counts.get("cled"), counts.get("pled"), counts.get("wled")], [1, 1, 1]);
    t.equal(counts.get("w5g"), 1);
    t.notOk([...counts.keys()].some((key) => key.includes("2024")));
  },
);

t.test("a term's number is of 32 bits and tells the kind of term", async (t) => {
  const kinds = ["c检", "p检测", "w检测", "wled"].map((key) => kindOfNumber(termNumber(key)));
  t.same(kinds, ["character", "pair", "word", "word"]);
  t.equal(wordNumber("检测"), termNumber("w检测"));
  t.equal(pairNumber("检测"), termNumber("p检测"));
  t.not(wordNumber("检测"), pairNumber("检测"));
  // Spread over all of them: hardly two of these many are the same.
  const many = Array.from({ length: 20_000 }, (_, i) => termNumber(`w词${i}`));
  for (const number of many.slice(0, 100)) t.equal(number, number | 0);
  t.ok(new Set(many).size > 19_990);
});

t.test("a synonym is looked for by its terms", async (t) => {
  t.same(synonymTermsOf("发光二极管"), { terms: ["发光", "二极", "极管"], inTitle: false });
  t.same(synonymTermsOf("镉"), { terms: ["镉"], inTitle: true }, "a single character in titles");
  t.same(synonymTermsOf("，。"), { terms: [], inTitle: true });
});

t.test("what texts share is a reason when it is a word that tells something", (t) => {
  for (const word of ["激光", "涂布", "极片", "发光二极管", "废水", "led", "漏检率"]) {
    t.ok(isTelling(word), word);
  }
  const none = [
    "百分之",
    "百分之五十",
    "能提",
    "率低",
    "水",
    "提高",
    "技术",
    "目前",
    "我们",
    "the",
  ];
  for (const word of none) t.notOk(isTelling(word), word);
  t.end();
});

t.test("pairs that stand for words of no dictionary", (t) => {
  const pairs = unknownPairsOf("性能提高，损耗率低，效率低，极片涂布");
  t.ok(pairs.has("极片"));
  for (const pair of ["能提", "率低", "片涂", "布，"]) t.notOk(pairs.has(pair), pair);
  t.end();
});

t.test("a listing has a word when it has these of its terms", (t) => {
  const demanded = (word: string) => demandedOf(matchTermsOf(word));
  t.same(demanded("发光二极管"), ["p发光", "p光二", "p二极", "p极管"]);
  t.same(demanded("3d打印"), ["w3d", "p打印"]);
  t.same(demanded("镉"), ["c镉"]);
  t.end();
});
