/** Numbers that come from outside and check themselves: credit codes, patents, regions. */
import t from "tap";
import { isCreditCode, legalTypeOf, looksLikeCreditCode } from "../../src/lib/credit-code.ts";
import {
  isChinesePatentNumber,
  normalizePatentNumber,
  patentTypeCode,
} from "../../src/lib/patent-number.ts";
import { cityOf, regionPrefix } from "../../src/lib/regions.ts";

/** Real ones and made-up ones of which a second program computed the check character. */
const creditCodes = [
  "12100000400000624D",
  "12100000400002259P",
  "12100000425006133D",
  "12100000470095016Q",
  "12100000425006117P",
  "12100000485001086E",
  "914403001922038216",
  "12410700MB0T00015L",
  "91410782MA9T000262",
  "91410783MA9T00034B",
  "52410700MJ0T00049E",
  "11410700MB0T000585",
];
const creditAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";

t.test("credit codes with a right check character are taken", async (t) => {
  for (const code of creditCodes) t.ok(isCreditCode(code), code);
});

t.test("every other last character is refused", async (t) => {
  for (const code of creditCodes) {
    const fitting = [...creditAlphabet].filter((last) => isCreditCode(code.slice(0, 17) + last));
    t.same(fitting, [code.charAt(17)], code);
  }
});

t.test("one wrong digit or two neighbours swapped are noticed", async (t) => {
  t.notOk(isCreditCode("12100000400000634D"));
  t.notOk(isCreditCode("12100000400006024D"));
});

t.test("an early code that fails its own check character is refused", async (t) => {
  t.notOk(isCreditCode("91350100M0001TGQXM"));
  t.ok(looksLikeCreditCode("91350100M0001TGQXM"), "it has the shape all the same");
  t.ok(isCreditCode("91350100M0001TGQX1"), "the check computes 1");
});

t.test("what has not the shape of a credit code is none", async (t) => {
  const valid = "12410700MB0T00015L";
  for (const text of ["", valid.slice(1), `${valid}0`, valid.toLowerCase(), ` ${valid}`]) {
    t.notOk(isCreditCode(text), JSON.stringify(text));
    t.notOk(looksLikeCreditCode(text), JSON.stringify(text));
  }
  for (const letter of "IOSVZ") t.notOk(looksLikeCreditCode(`1241070${letter}MB0T00015L`), letter);
  t.notOk(looksLikeCreditCode(`${valid}\n`));
});

t.test("the first two characters tell the legal type", async (t) => {
  t.equal(legalTypeOf("12100000400000624D"), "public_institution");
  t.equal(legalTypeOf("914403001922038216"), "enterprise");
  t.equal(legalTypeOf("52410700MJ0T00049E"), "private_non_enterprise");
  t.equal(legalTypeOf("11410700MB0T000585"), "government_agency");
  t.equal(legalTypeOf("Y1410700MB0T00058X"), "other");
});

const patents = [
  "201110047567.0",
  "201080063196.9",
  "201010146372.7",
  "200820132792.8",
  "200820009767.0",
  "202410000001.X",
];

t.test("Chinese patent numbers with a right check digit are taken", async (t) => {
  for (const number of patents) t.ok(isChinesePatentNumber(number), number);
});

t.test("every other check digit is refused", async (t) => {
  for (const number of patents) {
    const fitting = [..."0123456789X"].filter((last) =>
      isChinesePatentNumber(number.slice(0, -1) + last),
    );
    t.same(fitting, [number.slice(-1)], number);
  }
});

t.test("numbers of before October 2003 have eight digits", async (t) => {
  // 8*2 + 5*3 + 1*4 + 1*9 = 44 = 4 * 11.
  t.ok(isChinesePatentNumber("85100001.0"));
  t.notOk(isChinesePatentNumber("85100001.1"));
  t.equal(patentTypeCode("85100001.0"), "21");
});

t.test("CN, ZL, blanks, a missing dot and a small x are how people write a number", async (t) => {
  for (const text of [
    "CN201110047567.0",
    "ZL201110047567.0",
    "zl 2011 1004 7567.0",
    "2011100475670",
  ]) {
    t.ok(isChinesePatentNumber(text), text);
    t.equal(normalizePatentNumber(text), "201110047567.0", text);
  }
  t.ok(isChinesePatentNumber("202410000001x"));
  t.equal(normalizePatentNumber("zl202410000001x"), "202410000001.X");
  t.equal(normalizePatentNumber(" US 1234567 B2 "), "US 1234567 B2", "another one is left alone");
});

t.test("the digit after the year tells the kind of right", async (t) => {
  t.equal(patentTypeCode("201110047567.0"), "21", "invention");
  t.equal(patentTypeCode("201080063196.9"), "21", "1: invention, whatever follows");
  t.equal(patentTypeCode("200820132792.8"), "22", "utility model");
  t.equal(patentTypeCode("202480000001.0"), "21", "8: invention through PCT");
  t.equal(patentTypeCode("202490000001.0"), "22", "9: utility model through PCT");
  t.equal(patentTypeCode("202430000001.0"), "23", "design");
  t.equal(patentTypeCode("202440000001.0"), null);
});

t.test("publications and international applications have numbers of their own", async (t) => {
  for (const [text, kind, kept] of [
    ["CN113456789B", "21", "CN113456789B"],
    ["cn 102822194 a", "21", "CN102822194A"],
    ["CN1234567C", null, null],
    ["CN214567890U", "22", "CN214567890U"],
    ["CN201234567Y", "22", "CN201234567Y"],
    ["CN307654321S", "23", "CN307654321S"],
    ["CN3012345D1", "23", "CN3012345D1"],
    ["PCT/CN2011/000001", null, "PCT/CN2011/000001"],
    ["pctcn2024123456", null, "PCT/CN2024/123456"],
  ] as const) {
    t.equal(isChinesePatentNumber(text), kept !== null, text);
    t.equal(patentTypeCode(text), kind, text);
    if (kept) t.equal(normalizePatentNumber(text), kept);
  }
});

t.test("no patent number: another kind, another length", async (t) => {
  // 2*2 + 0 + 2*4 + 4*5 + 4*6 + 1*5 = 61 = 5 * 11 + 6: only the kind 4 is wrong.
  for (const text of ["202440000001.6", "", "20111004756.0", "CN102822194", "PCT/CN2011/1"]) {
    t.notOk(isChinesePatentNumber(text), text);
  }
});

t.test("a province and a city include what starts with their digits", async (t) => {
  t.equal(regionPrefix("410000"), "41");
  t.equal(regionPrefix("410700"), "4107");
  t.equal(regionPrefix("410711"), "410711");
  t.equal(regionPrefix("419001"), "419001");
});

t.test("the city of a county; Jiyuan, which the province governs, is its own", async (t) => {
  t.equal(cityOf("410711"), "410700");
  t.equal(cityOf("410700"), "410700");
  t.equal(cityOf("110101"), "110100");
  t.equal(cityOf("419001"), "419001");
});
