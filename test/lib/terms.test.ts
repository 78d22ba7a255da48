/** How text is cut into what listings are found and matched by. */
import t from "tap";
import {
  fold,
  kindOfNumber,
  matchTermsOf,
  pairNumber,
  queryWordsOf,
  searchColumnsOf,
  synonymTermsOf,
  termNumber,
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
  t.same(synonymTermsOf("发光二极管"), ["发光", "二极", "极管"]);
});
