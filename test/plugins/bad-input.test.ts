/** What clients get wrong: each gets a problem document that names the place, and nothing is written. */
import { createConnection } from "node:net";
import t, { type Test } from "tap";
import { newId } from "../../src/lib/ids.ts";
import { drafted, rowCounts, rowOf } from "../support/listings.ts";
import { openMarket, type Reply } from "../support/market.ts";
import { pointersOf, refused } from "../support/replies.ts";

const market = await openMarket(t);
const owner = await market.person("university");
const operator = await market.person("operator");
const asOwner = market.as(owner);
const asNobody = market.as(null);
const draft: string = (await drafted(market, "result", owner)).body.id;
const path = `/v1/results/${draft}`;

const json = { "content-type": "application/json" };
const post = (text: string, headers: Record<string, string> = json) =>
  asOwner("POST", "/v1/results", { body: text, headers });
const title = "错误输入测试";

/** Asserts a refusal with its whole problem document, and that the database is as it was. */
async function bad(
  t: Test,
  call: () => Promise<Reply>,
  status: number,
  code: string,
  errors?: object[],
): Promise<Reply> {
  const before = [await rowCounts(market), await rowOf(market, "result", draft)];
  const reply = await call();
  const problem = refused(t, reply, status, code);
  t.match(problem, {
    type: `https://market.test/problems/${code}`,
    title: String,
    status,
    instance: /^\/[^?]*$/,
  });
  t.match(reply.headers["request-id"], /^[\w.-]{8,64}$/);
  t.equal(reply.headers["cache-control"], "no-store");
  if (errors) {
    t.match(problem.errors, errors);
    t.equal(problem.errors?.length, errors.length, "these faults and no others");
  }
  t.same([await rowCounts(market), await rowOf(market, "result", draft)], before);
  return reply;
}

t.test("a body that is no JSON", async (t) => {
  for (const text of ['{"title":"截断', '{"title":}', "{title:1}", "[1,", "{}{}", "\u0000"]) {
    await bad(t, () => post(text), 400, "request.malformed_json");
  }
  const patch = () =>
    asOwner("PATCH", path, {
      body: '{"title":',
      headers: { "if-match": "*", "content-type": "application/merge-patch+json" },
    });
  await bad(t, patch, 400, "request.malformed_json");
});

t.test("JSON that is no object", async (t) => {
  for (const text of ["[]", '"text"', "5", "null", "true"]) {
    await bad(t, () => post(text), 400, "request.invalid", [{ pointer: "" }]);
  }
});

t.test("no body at all", async (t) => {
  await bad(t, () => asOwner("POST", "/v1/results"), 400, "request.invalid", [
    { pointer: "", code: "required" },
  ]);
});

t.test("an empty body is none, whatever its content type says", async (t) => {
  await bad(t, () => post(""), 400, "request.invalid", [{ pointer: "", code: "required" }]);
  const { id } = (await drafted(market, "result", owner)).body;
  const submit = await asOwner("POST", `/v1/results/${id}/submit`, { body: "", headers: json });
  t.equal(submit.body.status, "submitted");
});

t.test("a body that is not UTF-8 is refused, not repaired", async (t) => {
  const around = (...bytes: number[]) =>
    Buffer.concat([Buffer.from('{"title":"'), Buffer.from(bytes), Buffer.from('"}')]);
  const bodies = {
    "GBK (缓释肥)": around(0xbb, 0xba, 0xca, 0xcd, 0xb7, 0xca),
    "an overlong slash": around(0xc0, 0xaf),
    "half of a character": around(0x65, 0xe7, 0xbc),
    "a surrogate": around(0xed, 0xa0, 0x80),
    "UTF-16": Buffer.from('{"title":"缓释肥制备"}', "utf16le"),
  };
  const patchType = { "if-match": "*", "content-type": "application/merge-patch+json" };
  for (const [name, body] of Object.entries(bodies)) {
    const [create, change] = [
      () => asOwner("POST", "/v1/results", { body, headers: json }),
      () => asOwner("PATCH", path, { body, headers: patchType }),
    ];
    t.comment(name);
    await bad(t, create, 400, "request.not_utf8");
    await bad(t, change, 400, "request.not_utf8");
  }
  const other = [
    { "content-type": "application/json; charset=gbk" },
    { "content-type": 'application/json; charset="GB18030"' },
    { "content-type": "application/json;charset=utf-16" },
    { ...json, "content-encoding": "gzip" },
    { ...json, "content-encoding": "br" },
  ];
  for (const headers of other) {
    const call = () => post('{"title":"错误输入测试"}', headers as Record<string, string>);
    const reply = await bad(t, call, 415, "request.unsupported_media_type");
    if ("content-encoding" in headers) t.equal(reply.headers["accept-encoding"], "identity");
  }
});

t.test("a content type that the operation does not read", async (t) => {
  for (const [type, text] of [
    ["text/plain", '{"title":"错误输入测试"}'],
    ["application/x-www-form-urlencoded", "title=abcdef"],
    ["application/xml", "<title/>"],
    ["application/merge-patch+json", '{"title":"错误输入测试"}'],
    ["application/jsonx", "{}"],
    ["multipart/form-data; boundary=x", "--x--"],
    ["nonsense", "{}"],
  ] as const) {
    const call = () => post(text, { "content-type": type });
    await bad(t, call, 415, "request.unsupported_media_type");
  }
  const patch = () =>
    asOwner("PATCH", path, {
      body: "title=abcdef",
      headers: { "if-match": "*", "content-type": "application/x-www-form-urlencoded" },
    });
  await bad(t, patch, 415, "request.unsupported_media_type");
});

t.test("JSON with a charset, or in capitals, is JSON", async (t) => {
  for (const type of [
    ...["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF8"],
    ...['application/json; charset="utf-8"', "application/json; profile=x"],
  ]) {
    const headers = { "content-type": type, "content-encoding": "identity" };
    const reply = await post(JSON.stringify({ title }), headers);
    t.equal(reply.status, 201, type);
  }
});

t.test("a body where a step wants none", async (t) => {
  const submit = (text: string, headers: Record<string, string>) => () =>
    asOwner("POST", `${path}/submit`, { body: text, headers });
  await bad(t, submit("{", json), 400, "request.malformed_json");
  const xml = { "content-type": "application/xml" };
  await bad(t, submit("<a/>", xml), 415, "request.unsupported_media_type");
  const remove = () => asOwner("DELETE", path, { body: "{", headers: json });
  await bad(t, remove, 400, "request.malformed_json");
});

t.test("fields that are not of the request, at any depth", async (t) => {
  const body = {
    title,
    colour: "red",
    contact: { name: "王", wechat: "x" },
    price: { kind: "negotiable", note: "x" },
    owners: [{ name: "甲", shares: "100" }],
    "a/b~c": 1,
  };
  await bad(t, () => asOwner("POST", "/v1/results", { body }), 400, "request.invalid", [
    { pointer: "/contact/wechat", code: "unknown_field" },
    { pointer: "/owners/0/shares", code: "unknown_field" },
    { pointer: "/price/note", code: "unknown_field" },
    { pointer: "/colour", code: "unknown_field" },
    { pointer: "/a~1b~0c", code: "unknown_field" },
  ]);
});

t.test("a body of two megabytes", async (t) => {
  const body = { title, description: "长".repeat(700_000) };
  const call = () => asOwner("POST", "/v1/results", { body });
  await bad(t, call, 413, "request.too_large");
  const submit = () => asOwner("POST", `${path}/submit`, { body });
  await bad(t, submit, 413, "request.too_large");
});

t.test("signs that a text cannot hold", async (t) => {
  const texts: Record<string, string> = {
    "a lone high surrogate": "\\ud800",
    "a lone low surrogate": "\\udc00",
    "surrogates the wrong way round": "\\udc00\\ud800",
    NUL: "\\u0000",
    escape: "\\u001b",
    "delete, a control sign": "\\u007f",
    "a C1 control sign": "\\u0085",
  };
  for (const [what, text] of Object.entries(texts)) {
    for (const field of ["title", "summary"]) {
      const body = JSON.stringify({ title, [field]: "占位文字@占位" }).replace("@", text);
      const errors = [{ pointer: `/${field}`, code: "invalid_characters" }];
      t.comment(`${what} in ${field}`);
      await bad(t, () => post(body), 400, "request.invalid", errors);
    }
  }
  await bad(
    t,
    () => post(JSON.stringify({ title, keywords: ["好", "坏\u0000"] })),
    400,
    "request.invalid",
    [{ pointer: "/keywords/1" }],
  );
  const good = await post(
    JSON.stringify({ title: "𠮷野家与😀", description: "一行\n\t两行\r\n三行" }),
  );
  t.equal(good.status, 201);
  t.equal(good.body.description, "一行\n\t两行\n三行");
});

t.test("a text of nothing that is seen is no text", async (t) => {
  const hidden = [
    "\u200b\u200b\u200b\u200b",
    "\u00ad\u2060\ufeff\u180e",
    "\u3164\u115f",
    "\u2800 \u2800",
    " \u3000\u00a0\u2028 ",
  ];
  for (const text of hidden) {
    const errors = [{ pointer: "/title", code: "too_small" }];
    await bad(t, () => post(JSON.stringify({ title: text })), 400, "request.invalid", errors);
    const summary = [{ pointer: "/description", code: "too_small" }];
    const body = JSON.stringify({ title, description: text });
    await bad(t, () => post(body), 400, "request.invalid", summary);
    const q = () => asNobody("GET", `/v1/results?q=${encodeURIComponent(text)}`);
    await bad(t, q, 400, "request.invalid", [{ parameter: "q", code: "too_small" }]);
  }
  const within = {
    title: "缓释\u200b肥\u202e制备\ufeff技术",
    description: "第一行👩\u200d🔬\n\u3000第二行",
  };
  const made = await post(JSON.stringify(within));
  t.equal(made.body.title, "缓释肥制备技术", "what is not seen is taken out of one line");
  t.equal(made.body.description, within.description, "joiners stay where emoji need them");
});

t.test("numbers of a query are written with digits, and lists are one parameter", async (t) => {
  for (const limit of ["0x10", "1e1", "+5", "%2B5", "5.0", " 5", "", "５"]) {
    const call = () => asNobody("GET", `/v1/results?limit=${limit}`);
    await bad(t, call, 400, "request.invalid", [{ parameter: "limit" }]);
  }
  t.equal((await asNobody("GET", "/v1/results?limit=10")).status, 200);
  const listed = () => asNobody("GET", "/v1/results?include=total,nonsense");
  await bad(t, listed, 400, "request.invalid", [{ parameter: "include" }]);
  const instant = () => asNobody("GET", "/v1/results?publishedAt[gte]=2026-03-02T09:30:00+08:00");
  const reply = await bad(t, instant, 400, "request.invalid", [
    { parameter: "publishedAt[gte]", code: "plus_not_encoded" },
  ]);
  t.match(reply.body.errors[0].detail, /%2B/);
});

t.test("a header's fault is named with the body's", async (t) => {
  for (const key of ["", "k".repeat(256), '""']) {
    const call = () => post("{}", { ...json, "idempotency-key": key });
    await bad(t, call, 400, "request.invalid", [
      { header: "Idempotency-Key", code: "header.length" },
      { pointer: "/title", code: "required" },
    ]);
  }
});

t.test("null takes out only what may be left out", async (t) => {
  const patch = (body: object) =>
    asOwner("PATCH", path, {
      body,
      headers: { "if-match": "*", "content-type": "application/merge-patch+json" },
    });
  await bad(t, () => patch({ title: null }), 400, "request.invalid", [
    { pointer: "/title", code: "invalid_type" },
  ]);
  t.equal((await patch({ summary: null })).body.summary, null);
});

t.test("a tag of another resource, or none, is no match", async (t) => {
  const other = (await drafted(market, "result", owner)).headers.etag;
  for (const tag of [String(other), "foo*bar", '"*"']) {
    const patch = () =>
      asOwner("PATCH", path, {
        body: { summary: "不应写入" },
        headers: { "if-match": tag, "content-type": "application/merge-patch+json" },
      });
    await bad(t, patch, 412, "request.precondition_failed");
  }
});

t.test("a slash at the end means the same address", async (t) => {
  t.equal((await asNobody("GET", "/v1/results/")).status, 200);
  t.equal((await asOwner("GET", `${path}/`)).body.id, draft);
});

t.test("an id of the wrong shape", async (t) => {
  for (const id of ["1", "R-2026-000001", "0190c7a0-0000-7000-8000-00000000000g", "%20", "null"]) {
    for (const [method, suffix] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/submit"],
    ] as const) {
      const call = () => asOwner(method, `/v1/results/${id}${suffix}`);
      await bad(t, call, 400, "request.invalid", [{ parameter: "id" }]);
    }
  }
});

t.test("an address too long for any id", async (t) => {
  await bad(
    t,
    () => asOwner("GET", `/v1/results/${"a".repeat(301)}`),
    400,
    "request.malformed_url",
  );
});

t.test("faults of path and body are named together", async (t) => {
  const call = () =>
    asOwner("PATCH", "/v1/results/1", { body: { nothing: 1 }, headers: { "if-match": "*" } });
  await bad(t, call, 400, "request.invalid", [{ parameter: "id" }, { pointer: "/nothing" }]);
});

t.test("days that the calendar does not have", async (t) => {
  for (const day of [
    "2027-02-30",
    "2027-02-29",
    "2027-13-01",
    "2027-00-10",
    "2027-1-1",
    "27-01-01",
    "0000-01-01",
    "2027-01-01T00:00:00Z",
    "",
    "tomorrow",
  ]) {
    const call = () => asOwner("POST", "/v1/results", { body: { title, completedOn: day } });
    await bad(t, call, 400, "request.invalid", [{ pointer: "/completedOn" }]);
  }
  const leap = await asOwner("POST", "/v1/results", { body: { title, completedOn: "2024-02-29" } });
  t.equal(leap.body.completedOn, "2024-02-29");
});

t.test("amounts that are no money", async (t) => {
  const amounts = [
    "-1",
    "-0.01",
    "1.234",
    "1e5",
    "01",
    "1.",
    ".5",
    "",
    " 1",
    "1,000",
    "NaN",
    "10000000000000000",
    "99999999999999999999",
    "０",
    "1\u0000",
  ];
  for (const amount of amounts) {
    const body = { title, funding: { amount, currency: "CNY" } };
    const call = () => asOwner("POST", "/v1/results", { body });
    await bad(t, call, 400, "request.invalid", [
      { pointer: "/funding/amount", code: "money.invalid" },
    ]);
  }
});

t.test("money as a number, or without its currency", async (t) => {
  const faults: [unknown, string][] = [
    [{ amount: 5, currency: "CNY" }, "/funding/amount"],
    [{ amount: "5" }, "/funding/currency"],
    [{ amount: "5", currency: "cny" }, "/funding/currency"],
    [{ currency: "CNY" }, "/funding/amount"],
    [5, "/funding"],
    ["5", "/funding"],
    [["5"], "/funding"],
  ];
  for (const [funding, pointer] of faults) {
    const call = () => asOwner("POST", "/v1/results", { body: { title, funding } });
    await bad(t, call, 400, "request.invalid", [{ pointer }]);
  }
});

t.test("numbers too big, or no number", async (t) => {
  for (const maturity of [
    "1e400",
    "9007199254740993",
    "-1",
    "1.5",
    "99999999999999999999",
    '"6"',
  ]) {
    const call = () => post(`{"title":"${title}","maturity":${maturity}}`);
    const { body } = await bad(t, call, 400, "request.invalid");
    t.same([...new Set(pointersOf(body))], ["/maturity"], maturity);
  }
});

t.test("keys that would reach a prototype", async (t) => {
  for (const text of [
    `{"title":"${title}","__proto__":{"status":"published"}}`,
    `{"title":"${title}","contact":{"name":"王","__proto__":{"phone":"1"}}}`,
    `{"title":"${title}","constructor":{"prototype":{"x":1}}}`,
  ]) {
    await bad(t, () => post(text), 400, "request.malformed_json");
    const patch = () =>
      asOwner("PATCH", path, {
        body: text,
        headers: { "if-match": "*", "content-type": "application/merge-patch+json" },
      });
    await bad(t, patch, 400, "request.malformed_json");
  }
  for (const key of ["constructor", "toString", "hasOwnProperty", "prototype"]) {
    await bad(t, () => post(`{"title":"${title}","${key}":1}`), 400, "request.invalid", [
      { pointer: `/${key}`, code: "unknown_field" },
    ]);
  }
  await bad(
    t,
    () => asNobody("GET", "/v1/results?__proto__=1&constructor=2"),
    400,
    "request.invalid",
    [{ parameter: "__proto__" }, { parameter: "constructor" }],
  );
  t.equal(({} as Record<string, unknown>).status, undefined);
});

t.test("a body nested without end", async (t) => {
  const depth = 100_000;
  const arrays = `{"title":"${title}","tags":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  await bad(t, () => post(arrays), 400, "request.invalid", [{ pointer: "/tags/0" }]);
  const objects = `{"title":${'{"a":'.repeat(depth)}1${"}".repeat(depth)}}`;
  await bad(t, () => post(objects), 400, "request.invalid", [{ pointer: "/title" }]);
  const patch = () =>
    asOwner("PATCH", path, {
      body: `{"contact":${'{"name":'.repeat(depth)}1${"}".repeat(depth)}}`,
      headers: { "if-match": "*", ...json },
    });
  await bad(t, patch, 400, "request.invalid", [{ pointer: "/contact/name" }]);
});

t.test("lists longer than allowed", async (t) => {
  const body = {
    title,
    tags: Array.from({ length: 11 }, (_, n) => `标签${n}`),
    inventors: Array.from({ length: 31 }, (_, n) => ({ name: `完成人${n}` })),
    cooperationModes: ["licence", "licence"],
  };
  await bad(t, () => asOwner("POST", "/v1/results", { body }), 400, "request.invalid", [
    { pointer: "/tags" },
    { pointer: "/cooperationModes", code: "duplicate" },
    { pointer: "/inventors" },
  ]);
});

t.test("a method that the address does not take", async (t) => {
  const list = await bad(t, () => asOwner("PUT", "/v1/results"), 405, "request.method_not_allowed");
  t.equal(list.headers.allow, "GET, HEAD, POST");
  const one = await bad(t, () => asOwner("PUT", path), 405, "request.method_not_allowed");
  t.equal(one.headers.allow, "DELETE, GET, HEAD, PATCH");
  const step = () => asOwner("GET", `${path}/submit`);
  t.equal((await bad(t, step, 405, "request.method_not_allowed")).headers.allow, "POST");
  await bad(t, () => asNobody("DELETE", "/v1/results"), 405, "request.method_not_allowed");
});

t.test("an address where nothing is", async (t) => {
  for (const url of ["/v1", "/v1/nothing", "/v2/results", "/wp-login.php"]) {
    await bad(t, () => asNobody("GET", url), 404, "request.not_found");
  }
  await bad(t, () => asOwner("POST", `${path}/explode`), 404, "request.not_found");
});

t.test("the language is the caller's, the code is not", async (t) => {
  const ask = (language?: string) =>
    asNobody("GET", "/v1/results?limit=0", {
      headers: language ? { "accept-language": language } : {},
    });
  const chinese = await bad(t, () => ask(), 400, "request.invalid");
  t.equal(chinese.body.title, "请求无效");
  t.match(chinese.body.errors[0].detail, /\p{Script=Han}/u);
  t.equal(chinese.headers["content-language"], "zh-CN");
  const english = await bad(t, () => ask("en-GB,en;q=0.9"), 400, "request.invalid");
  t.equal(english.body.title, "The request is not valid");
  t.notMatch(english.body.errors[0].detail, /\p{Script=Han}/u);
  t.equal(english.headers["content-language"], "en");
  t.equal(english.body.errors[0].code, chinese.body.errors[0].code);
  t.match(english.headers.vary, /Accept-Language/);
  for (const language of ["zh", "zh-TW,en;q=0.5", "fr", "en;q=0.2,zh;q=0.8", "*"]) {
    t.equal((await ask(language)).headers["content-language"], "zh-CN", language);
  }
});

t.test("every fault has a sentence in both languages", async (t) => {
  const body = {
    title: "短",
    summary: 5,
    maturity: 11,
    completedOn: "x",
    fieldCode: "#",
    colour: 1,
    contact: {},
    price: { kind: "fixed" },
    owners: [{ name: "甲", sharePercent: "40" }],
  };
  for (const language of ["zh", "en"]) {
    const reply = await asOwner("POST", "/v1/results", {
      body,
      headers: { "accept-language": language },
    });
    const { errors } = refused(t, reply, 400, "request.invalid");
    t.equal(errors.length, 9);
    for (const { detail, pointer } of errors) {
      t.ok(detail.length > 1, pointer);
      t.equal(/\p{Script=Han}/u.test(detail), language === "zh", `${pointer}: ${detail}`);
    }
  }
});

t.test("percent signs that encode nothing", async (t) => {
  for (const url of ["/v1/results/%zz", "/v1/results/%", "/v1/results/%E4%BD", "/v1/%c0%ae"]) {
    await bad(t, () => asOwner("GET", url), 400, "request.malformed_url");
  }
  for (const query of ["q=%zz", "q=%", "q=%E4%BD", "%=1", "q=%ff"]) {
    const reply = await bad(
      t,
      () => asOwner("GET", `/v1/results?${query}`),
      400,
      "request.malformed_url",
    );
    t.equal(reply.body.instance, "/v1/results");
  }
  t.equal((await asOwner("GET", "/v1/results?q=100%25")).status, 200);
});

t.test("bytes that are no HTTP", async (t) => {
  await market.app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = market.app.server.address() as { port: number };
  const ask = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = createConnection(port, "127.0.0.1", () => socket.write(text));
      let answer = "";
      socket.on("data", (data) => {
        answer += data;
      });
      socket.on("end", () => resolve(answer));
      socket.on("error", reject);
    });
  const raw = await ask("GET /v1/results?q=检测 HTTP/1.1\r\nHost: x\r\n\r\n");
  const [head = "", body = ""] = raw.split("\r\n\r\n");
  t.match(head, /^HTTP\/1.1 400 /);
  t.match(head, /content-type: application\/problem\+json/i);
  const problem = JSON.parse(body);
  t.match(problem, { code: "request.malformed_url", status: 400 });
  t.ok(head.includes(`Request-Id: ${problem.requestId}`));
});

t.test("a request id is taken over in the agreed shape only", async (t) => {
  const ask = (id: string) =>
    asNobody("GET", `/v1/results/${newId()}`, { headers: { "request-id": id } });
  const kept = await ask("order-2026.11_23");
  t.equal(kept.headers["request-id"], "order-2026.11_23");
  t.equal(kept.body.requestId, "order-2026.11_23");
  for (const id of ["short", "has blank in it", "x".repeat(65), "forged\tline", "编号编号编号"]) {
    const reply = await ask(id);
    t.not(reply.headers["request-id"], id);
    t.equal(reply.body.requestId, reply.headers["request-id"]);
  }
});

t.test("tokens that are none", async (t) => {
  for (const authorization of ["Bearer", "Bearer x", "Basic eDp5", "x", `Bearer ${owner.token}x`]) {
    const call = () =>
      asNobody("POST", "/v1/results", { body: { title }, headers: { authorization } });
    const reply = await bad(t, call, 401, "auth.invalid_token");
    t.match(reply.headers["www-authenticate"], /error="invalid_token"/);
    await bad(
      t,
      () => asNobody("GET", "/v1/results", { headers: { authorization } }),
      401,
      "auth.invalid_token",
    );
  }
});

t.test("who asks comes before what is asked", async (t) => {
  const broken = { body: "{", headers: json };
  await bad(t, () => asNobody("POST", "/v1/results", broken), 401, "auth.required");
  const wrongRole = () => market.as(operator)("POST", "/v1/results", broken);
  await bad(t, wrongRole, 403, "auth.forbidden_role");
});

t.test("what is wrong with the request comes before whether the resource is there", async (t) => {
  const url = `/v1/results/${newId()}`;
  const invalid = { body: { title: 1 } };
  await bad(t, () => asOwner("PATCH", url, invalid), 400, "request.invalid");
  const noMatch = () => asOwner("PATCH", url, { body: {} });
  await bad(t, noMatch, 428, "request.precondition_required");
  const missing = () => asOwner("PATCH", url, { body: {}, headers: { "if-match": '"1-x"' } });
  await bad(t, missing, 404, "result.not_found");
});

t.test("quotes and statements in a text are text", async (t) => {
  const text = "'; drop table results; -- \\ \" % _ $1 {{x}} <script>";
  const { body } = await asOwner("POST", "/v1/results", { body: { title: text, tags: ["a'b"] } });
  t.equal(body.title, text);
  const found = await asOwner("GET", `/v1/results?scope=own&tag=${encodeURIComponent("a'b")}`);
  t.equal(found.body.data[0].id, body.id);
});
