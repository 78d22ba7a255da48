/**
 * Every refusal says what there is to say beside its title (test/support/details.ts). Every reply of every test
 * is held to that table; here the table is held to the codes, and what is said only sometimes is looked at.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import t from "tap";
import { brokerCertificates } from "../../db/schema/broker-certificates.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { errorCatalogue } from "../../src/words.ts";
import { checkDetail, namedCodes, sayingOf } from "../support/details.ts";
import { completeNeed } from "../support/listings.ts";
import { openMarket, type Reply } from "../support/market.ts";
import { certifiedBroker, certify, propose, publishedPair } from "../support/matches.ts";
import { must, refused } from "../support/replies.ts";

t.test("every code is put down, and no other", async (t) => {
  for (const code of errorCatalogue.keys()) {
    const saying = sayingOf(code);
    if (!t.ok(saying, code)) continue;
    if (typeof saying === "object") t.ok(Object.values(saying)[0], `${code}: the reason`);
  }
  for (const code of namedCodes) t.ok(errorCatalogue.has(code), code);
  t.ok(namedCodes.length > 80);
});

t.test("each that says something is provoked by a test", async (t) => {
  const folder = join(projectRoot, "test");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const texts = files
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(folder, name), "utf8"));
  const all = texts.join("\n");
  for (const code of namedCodes) {
    const saying = sayingOf(code);
    if (typeof saying === "object" && "title" in saying) continue;
    t.ok(all.includes(`"${code}"`), code);
  }
});

t.test("a reply that says too little, or too much, fails its test", async (t) => {
  const said = { code: "attachment.limit", detail: "已有 50 个文件。" };
  checkDetail(said, "zh-CN");
  checkDetail({ ...said, detail: "It has 50 files." }, "en");
  t.throws(() => checkDetail({ code: "attachment.limit" }, "zh-CN"), /lacks its detail/);
  t.throws(() => checkDetail({ ...said, detail: "50" }, "zh-CN"), /no Chinese sentence/);
  t.throws(() => checkDetail({ ...said, detail: "50 files" }, "en"), /no sentence/);
  t.throws(() => checkDetail({ ...said, code: "member.email_taken" }, "zh-CN"), /after all/);
  t.throws(() => checkDetail({ code: "need.incomplete", errors: [] }, "en"), /lacks its errors/);
  t.throws(() => checkDetail({ code: "nobody.put_down" }, "en"), /nobody put down/);
});

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const office = await market.person("registry");
const broker = await certifiedBroker(market);
const enterprise = await market.person("enterprise");
const english = { "accept-language": "en" };

/** That a refusal says so, in both languages. */
async function says(
  t: Parameters<typeof refused>[0],
  call: (headers: Record<string, string>) => Promise<Reply>,
  [status, code]: [number, string],
  [en, zh]: [RegExp, RegExp],
) {
  t.match(refused(t, await call(english), status, code).detail, en, `${code} in English`);
  t.match(refused(t, await call({}), status, code).detail, zh, `${code} in Chinese`);
}

t.test("who may call it, and in what state", async (t) => {
  const as = market.as(enterprise);
  await says(
    t,
    (headers) => as("GET", "/v1/audit/verify", { headers }),
    [403, "auth.forbidden_role"],
    [/: operator\. The caller's is enterprise\.$/, /：operator；您的角色为 enterprise。$/],
  );
  const client = market.as(await market.client(enterprise, ["needs:read"]));
  await says(
    t,
    (headers) => client("GET", "/v1/interests", { headers }),
    [403, "auth.insufficient_scope"],
    [/interests:read/, /interests:read/],
  );
  for (const status of ["pending", "rejected"] as const) {
    const waiting = await market.person("enterprise", { status });
    const { id } = await must(market.as(waiting)("POST", "/v1/needs", { body: completeNeed() }));
    await says(
      t,
      (headers) => market.as(waiting)("POST", `/v1/needs/${id}/submit`, { headers }),
      [403, "organization.not_verified"],
      [new RegExp(`is ${status}: `), new RegExp(`状态为 ${status}：`)],
    );
  }
  for (const status of ["suspended", "closed"] as const) {
    const stopped = market.as(await market.person("enterprise", { status }));
    await says(
      t,
      (headers) => stopped("POST", "/v1/needs", { body: {}, headers }),
      [403, "organization.suspended"],
      [new RegExp(`is ${status}`), new RegExp(`状态为 ${status}`)],
    );
  }
  await says(
    t,
    (headers) => market.as(null)("GET", "/v1/needs?scope=own", { headers }),
    [401, "auth.required"],
    [/not own\.$/, /不能查询 own。$/],
  );
});

t.test("why somebody is no broker", async (t) => {
  const pair = await publishedPair(market);
  const person = await market.person("brokerage");
  const tell = (en: RegExp, zh: RegExp) =>
    says(
      t,
      (headers) =>
        market.as(person)("POST", "/v1/matches", {
          body: { resultId: pair.resultId, needId: pair.needId, proposal: "两者吻合，可以对接。" },
          headers,
        }),
      [403, "match.not_a_broker"],
      [en, zh],
    );
  await tell(/no certificate of yours: apply/, /尚无技术经纪人证书/);
  await certify(market, person, { certificateNumber: "JJR-07", validUntil: "2026-01-31" });
  await tell(
    /JJR-07 is certified, with 2026-01-31 as its last day/,
    /JJR-07 .* certified，有效期至/,
  );
  const suspended = { status: "suspended", validUntil: null } as const;
  await db
    .update(brokerCertificates)
    .set(suspended)
    .where(eq(brokerCertificates.memberId, person.id));
  await tell(/JJR-07 is suspended\.$/, /JJR-07 当前状态为 suspended。$/);
  // Nothing is told of another one's.
  const colleague = await market.colleague(person);
  const refusal = refused(t, await propose(market, colleague, pair), 403, "match.not_a_broker");
  t.notMatch(refusal.detail, /JJR-07/);
});

t.test("which of the two listings is the broker's own", async (t) => {
  const own = await market.colleague(broker);
  const needs = await publishedPair(market, { needOwner: own });
  const results = await publishedPair(market, { resultOwner: own });
  for (const [pair, noun] of [
    [needs, "需求"],
    [results, "成果"],
  ] as const) {
    const refusal = refused(t, await propose(market, broker, pair), 409, "match.own_organization");
    t.equal(refusal.detail, `该${noun}属于您所在的机构。`);
  }
});

t.test("which regions other offices have, and which certificate is in force", async (t) => {
  const as = market.as(operator);
  const body = (code: string, regionCodes: string[]) => ({
    code,
    name: `登记处${code}`,
    organizationId: office.organizationId,
    regionCodes,
  });
  const path = "/v1/registration-offices";
  await must(as("POST", path, { body: body("410791", ["410702", "410703"]) }));
  await says(
    t,
    (headers) =>
      as("POST", path, { body: body("410792", ["410703", "410704", "410702"]), headers }),
    [409, "registration_office.region_taken"],
    [/other offices: 410702, 410703\.$/, /：410702、410703。$/],
  );
  const person = await market.person("brokerage");
  await certify(market, person, { certificateNumber: "JJR-08", validUntil: "2099-12-31" });
  const applied = await must(
    market.as(person)("POST", "/v1/broker-certificates", {
      body: {
        level: "senior",
        certificateNumber: "JJR-09",
        issuer: "牧野技术转移培训基地",
        fieldCodes: ["03"],
        issuedOn: "2025-06-18",
        validUntil: "2099-12-31",
      },
    }),
  );
  await says(
    t,
    (headers) => as("POST", `/v1/broker-certificates/${applied.id}/certify`, { headers }),
    [409, "broker_certificate.already_in_force"],
    [
      /JJR-08 of .* is certified, with 2099-12-31/,
      /JJR-08 当前状态为 certified，有效期至 2099-12-31/,
    ],
  );
});

t.test("what the public view of the volume does not have", async (t) => {
  await says(
    t,
    (headers) =>
      market.as(null)("GET", "/v1/statistics/contract-volume?period=month&asOf=position:1", {
        headers,
      }),
    [403, "statistics.public_view"],
    [/: period, asOf\.$/, /：period、asOf。?/],
  );
});

t.test("what a request would have to be", async (t) => {
  const as = market.as(enterprise);
  const { id } = await must(as("POST", "/v1/needs", { body: completeNeed() }));
  const patch = { title: "另一个名称的技术需求" };
  await says(
    t,
    (headers) =>
      as("PATCH", `/v1/needs/${id}`, {
        body: patch,
        headers: { ...headers, "if-match": '"7-"' },
      }),
    [412, "request.precondition_failed"],
    [/at version \d, /, /版本为 \d，/],
  );
  await says(
    t,
    (headers) => as("DELETE", "/v1/needs", { headers }),
    [405, "request.method_not_allowed"],
    [/takes GET, HEAD, POST\.$/, /支持：GET, HEAD, POST。$/],
  );
  for (const [type, en, zh] of [
    ["text/xml", /reads application\/json\.$/, /：application\/json。$/],
    ["application/merge-patch+json", /reads application\/json\.$/, /：application\/json。$/],
    ["application/json; charset=gbk", /as UTF-8/, /UTF-8 编码/],
  ] as const) {
    const body = type === "text/xml" ? "<a/>" : "{}";
    await says(
      t,
      (headers) => as("POST", "/v1/needs", { body, headers: { ...headers, "content-type": type } }),
      [415, "request.unsupported_media_type"],
      [en, zh],
    );
  }
  await says(
    t,
    (headers) =>
      market.as(null)("POST", "/v1/auth/login", {
        body: JSON.stringify({ email: "x".repeat(20_000) }),
        headers: { ...headers, "content-type": "application/json" },
      }),
    [413, "request.too_large"],
    [/16384 bytes/, /16384 字节/],
  );
});

t.test("why a token is none, to who has one of this market's", async (t) => {
  const asking = (authorization: string) => (headers: Record<string, string>) =>
    market.as(null)("GET", "/v1/me", { headers: { ...headers, authorization } });
  await says(
    t,
    asking("Token abc"),
    [401, "auth.invalid_token"],
    [/not of the form/, /须为 Authorization/],
  );
  const gone = await market.person("enterprise");
  await must(market.as(gone)("POST", "/v1/auth/logout"));
  await says(
    t,
    asking(`Bearer ${gone.token}`),
    [401, "auth.invalid_token"],
    [/sign-in has ended/, /登录已结束/],
  );
  const forged = `${enterprise.token.slice(0, -8)}AAAAAAAA`;
  const refusal = refused(t, await asking(`Bearer ${forged}`)({}), 401, "auth.invalid_token");
  t.notOk(refusal.detail, "nothing to who made one up");
});
