/** The certificate of a registration number: what anybody may check, what its code opens, and the page. */
import { createHash } from "node:crypto";
import QRCode from "qrcode";
import t from "tap";
import { amendedContract, newParties } from "../../support/contracts.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { yuan } from "../../support/money.ts";
import {
  acceptedCase,
  caseRow,
  openOffice,
  registeredCase,
  stepOf,
} from "../../support/registrations.ts";
import { granted, must, pointersOf, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { as } = market;
const office = await openOffice(market);
const parties = await newParties(market);
const title = `<script>alert("证明")</script>&'轴承'强化`;
const made = await registeredCase(market, office, { ...parties, content: { title } });
const row = await caseRow(market, made.caseId);
const number = row.number!;
const code = row.checkCode!;
const path = `/v1/registrations/${number}/certificate`;
const whole = `${path}?code=${code}`;
const html = { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };

const open = { valid: true };
const notValid = { valid: false };

t.test("without the code a number is valid, and nothing else is told", async (t) => {
  t.same(await must(as(null)("GET", path)), open);
  for (const who of [made.seller, office.first, office.operator]) {
    t.same(await must(as(who)("GET", path)), open, "whoever asks: only the code opens it");
  }
});

t.test("the check code opens the whole certificate", async (t) => {
  t.equal(made.registration.certificatePath, whole, "the applicant is given it");
  const buyers = await must(as(made.buyer)("GET", `/v1/registrations/${made.caseId}`));
  t.equal(buyers.certificatePath, whole);
  const reply = await granted(as(null)("GET", whole));
  t.equal(reply.headers["cache-control"], "no-store", "for whoever holds the code, and no cache");
  t.same(reply.body, {
    ...open,
    number,
    officeName: "登记处410701",
    registeredOn: row.registeredOn,
    status: "registered",
    revision: 1,
    contractReference: made.contract.reference,
    title,
    type: "development",
    typeName: { zh: "技术开发", en: "Technology development" },
    seller: row.facts.seller.name,
    buyer: row.facts.buyer.name,
    signedOn: made.contract.signedOn,
    totalAmount: yuan("1200000.00"),
    technologyAmount: yuan("1000000.00"),
    amountStatus: "final",
  });
});

t.test("a wrong code opens nothing, and says nothing", async (t) => {
  const other = code.startsWith("A") ? `B${code.slice(1)}` : `A${code.slice(1)}`;
  for (const wrong of [other, code.slice(0, -1), `${code}A`, code.toLowerCase() + code, "x"]) {
    t.same(await must(as(null)("GET", `${path}?code=${encodeURIComponent(wrong)}`)), open);
  }
  const page = await as(null)("GET", `${path}?code=${other}`, html);
  t.notMatch(page.text, /<svg|轴承|1,200,000|登记处|Registered on/);
  t.ok(page.text.includes(number));
  t.ok(page.text.includes("<td>有效 Valid</td>"));
});

t.test("a number that was never given, or is none", async (t) => {
  const before = await acceptedCase(market, office, parties);
  const never = "/v1/registrations/2026410701999999/certificate";
  t.same(await must(as(null)("GET", never)), notValid);
  t.same(await must(as(null)("GET", `${never}?code=${code}`)), notValid);
  refused(
    t,
    await as(null)("GET", `/v1/registrations/${number}/certificate?key=1`),
    400,
    "request.invalid",
  );
  const odd = await as(null)("GET", "/v1/registrations/12345/certificate");
  t.same(
    pointersOf(refused(t, odd, 400, "request.invalid")),
    [undefined],
    "a parameter, no pointer",
  );
  refused(
    t,
    await as(null)("GET", `/v1/registrations/${before.caseId}/certificate`),
    400,
    "request.invalid",
  );
});

t.test("the page to print", async (t) => {
  const reply = await as(null)("GET", whole, html);
  t.equal(reply.status, 200);
  t.match(reply.headers["content-type"], /^text\/html; charset=utf-8$/);
  t.match(reply.headers.vary, /Accept/);
  const { text } = reply;
  const escaped = "&lt;script&gt;alert(&quot;证明&quot;)&lt;/script&gt;&amp;&#39;轴承&#39;强化";
  t.ok(text.includes(`<td>${escaped}</td>`), "the title is text");
  t.notMatch(text, /<script/i);
  for (const label of ["技术合同登记证明", "Certificate of Technology Contract Registration"]) {
    t.ok(text.includes(label));
  }
  for (const value of [number, "登记处410701", "¥ 1,200,000.00", "¥ 1,000,000.00", "确定 final"]) {
    t.ok(text.includes(`<td>${value}</td>`), value);
  }
  t.match(text, /登记版次<small>Revision<\/small><\/th><td>1<\/td>/);
  t.match(text, /@page \{ size: A4;/);
  t.notMatch(text, /class="ended"/);
  const address = `https://market.test${whole}`;
  const qr = await QRCode.toString(address, { type: "svg", margin: 1 });
  t.ok(text.includes(qr.trim()), "the QR code holds the address with the code");
});

t.test("the page lets nothing in but its own style", async (t) => {
  const { text, headers } = await as(null)("GET", whole, html);
  const style = /<style>([\s\S]*?)<\/style>/.exec(text)?.[1] ?? "";
  const hash = createHash("sha256").update(style).digest("base64");
  const policy = String(headers["content-security-policy"]);
  t.equal(policy, `default-src 'none'; style-src 'sha256-${hash}'; frame-ancestors 'none'`);
  t.notMatch(
    text,
    / style="| on\w+="|https?:\/\/(?!www\.w3\.org)/,
    "nothing else asks to be let in",
  );
});

t.test("JSON or a page, as the caller prefers; not sent again unchanged", async (t) => {
  for (const accept of ["application/json", "*/*", "application/json, text/html;q=0.5"]) {
    const reply = await as(null)("GET", whole, { headers: { accept } });
    t.match(reply.headers["content-type"], /^application\/json/, accept);
  }
  for (const headers of [{}, html.headers] as Record<string, string>[]) {
    const first = await as(null)("GET", whole, { headers });
    const etag = String(first.headers.etag);
    t.match(etag, /^"[\w-]+"$/);
    const again = await as(null)("GET", whole, { headers: { ...headers, "if-none-match": etag } });
    t.equal(again.status, 304);
  }
});

t.test("a trade secret's title is on no certificate", async (t) => {
  const content = { confidentiality: "trade_secret", title: "不公开的配方转让" };
  const secret = await registeredCase(market, office, { ...parties, content });
  const { certificatePath } = secret.registration;
  const body = await must(as(null)("GET", certificatePath));
  t.match(body, { title: null, totalAmount: yuan("1200000.00") });
  const page = await as(null)("GET", certificatePath, html);
  t.notOk(page.text.includes("不公开的配方转让"));
  t.ok(page.text.includes("（商业秘密 trade secret）"));
});

t.test("an amended certificate shows its revision and the new amounts", async (t) => {
  const amended = await registeredCase(market, office, parties);
  const { certificatePath } = amended.registration;
  const before = await as(null)("GET", certificatePath);
  await amendedContract(market, amended, {
    totalAmount: yuan("1234567.89"),
    technologyAmount: yuan("1034567.89"),
    amountStatus: "provisional",
    instalments: [],
    paymentMode: "lump_sum",
  });
  const unasked = await as(null)("GET", certificatePath);
  t.same(unasked.body, before.body, "the contract's amendment alone changes no certificate");
  const body = { contractRevision: 2 };
  await must(stepOf(market, amended.seller, amended.caseId, "amend", body));
  await must(stepOf(market, office.first, amended.caseId, "amend", {}));
  await must(stepOf(market, office.second, amended.caseId, "amend", {}));
  const after = await as(null)("GET", certificatePath);
  t.match(after.body, { revision: 2, status: "registered", totalAmount: yuan("1234567.89") });
  t.not(after.headers.etag, before.headers.etag);
  const { text } = await as(null)("GET", certificatePath, html);
  t.match(text, /Revision<\/small><\/th><td>2<\/td>/);
  for (const value of ["¥ 1,234,567.89", "¥ 1,034,567.89", "暂定 provisional"]) {
    t.ok(text.includes(`<td>${value}</td>`), value);
  }
});

t.test("one that ended says so with the code, and is not valid without", async (t) => {
  const revoked = await registeredCase(market, office, parties);
  const revocation = { ground: "fraud", note: "以欺骗手段取得登记。" };
  await must(stepOf(market, office.first, revoked.caseId, "revoke", revocation));
  await must(stepOf(market, office.second, revoked.caseId, "revoke", revocation));

  const cancelled = await registeredCase(market, office, parties);
  const agree = (who: Caller) =>
    must(
      as(who)("POST", `/v1/contracts/${cancelled.id}/cancel`, { body: { reason: "协商解除。" } }),
    );
  await agree(cancelled.seller);
  await agree(cancelled.buyer);
  await must(stepOf(market, cancelled.seller, cancelled.caseId, "cancel", {}));
  await must(stepOf(market, office.first, cancelled.caseId, "cancel", {}));

  const ends = [
    [revoked, "revoked", "已撤销 REVOKED"],
    [cancelled, "cancelled", "已注销 CANCELLED"],
  ] as const;
  for (const [{ registration }, status, words] of ends) {
    const address = registration.certificatePath;
    t.match(await must(as(null)("GET", address)), { valid: false, status });
    const { text } = await as(null)("GET", address, html);
    t.ok(text.includes(`<p class="ended">${words}</p>`));
    // Without the code it is like a number that was never given.
    const number = `/v1/registrations/${registration.number}/certificate`;
    t.same(await must(as(null)("GET", number)), notValid);
    const page = await as(null)("GET", number, html);
    t.ok(page.text.includes('<p class="ended">无效 NOT VALID</p>'));
  }
});
