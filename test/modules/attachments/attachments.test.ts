/** Files of listings, contracts and cases: who attaches, reads and removes them. */
import { readFileSync } from "node:fs";
import { and, eq } from "drizzle-orm";
import t, { type Test } from "tap";
import { attachments } from "../../../db/schema/attachments.ts";
import { contractParties } from "../../../db/schema/contracts.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { newId, sha256 } from "../../../src/lib/ids.ts";
import { confirm, confirmingContract, draftedContract } from "../../support/contracts.ts";
import {
  filesIn,
  multipart,
  pdf,
  placeOf,
  settledFiles,
  upload,
  zip,
} from "../../support/files.ts";
import { drafted, listingIn, publishedNeed, publishedResult } from "../../support/listings.ts";
import { auditsOf } from "../../support/log.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import {
  certifiedBroker,
  negotiatingMatch,
  proposedMatch,
  stepOf as stepOfMatch,
} from "../../support/matches.ts";
import { acceptedCase, filedCase, openOffice, stepOf } from "../../support/registrations.ts";
import { must, refused, statusesOf } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const owner = await market.person("university");
const stranger = await market.person("enterprise");

const path = "/v1/attachments";
const draft = async (by = owner) => (await drafted(market, "result", by)).body.id as string;
const ofResult = (subjectId: string, rest: Record<string, string> = {}) => ({
  subjectType: "result",
  subjectId,
  ...rest,
});
const attach = (
  caller: Caller | null,
  query: Record<string, string>,
  bytes = pdf(newId()),
  fileName = "合同.pdf",
) => upload(market, caller, query, bytes, { fileName });
const listOf = (caller: Caller | null, subjectType: string, subjectId: string) =>
  market.as(caller)("GET", `${path}?subjectType=${subjectType}&subjectId=${subjectId}`);
const metadata = (caller: Caller | null, id: string) => market.as(caller)("GET", `${path}/${id}`);
const content = (caller: Caller | null, id: string) =>
  market.as(caller)("GET", `${path}/${id}/content`);
const remove = (caller: Caller | null, id: string) => market.as(caller)("DELETE", `${path}/${id}`);
const rowsOf = (subjectId: string) =>
  db.select().from(attachments).where(eq(attachments.subjectId, subjectId));
const rowOf = async (id: string) =>
  (await db.select().from(attachments).where(eq(attachments.id, id)))[0];

/** Asserts that a call leaves neither a row of the subject more nor a file. */
async function leavesNothing(t: Test, subjectId: string, call: () => Promise<unknown>) {
  const [rows, files] = [await rowsOf(subjectId), await settledFiles(market)];
  await call();
  t.same(await rowsOf(subjectId), rows, "no row");
  t.same(await settledFiles(market), files, "no file");
}

t.test("a file is attached: what is answered is what is stored", async (t) => {
  const id = await draft();
  const bytes = pdf("盐碱地田间试验报告");
  const made = await attach(
    owner,
    ofResult(id, { visibility: "signed_in" }),
    bytes,
    "试验报告.pdf",
  );
  t.equal(made.status, 201);
  t.equal(made.headers.location, `${path}/${made.body.id}`);
  const row = await rowOf(made.body.id);
  t.match(row, {
    subjectType: "result",
    subjectId: id,
    organizationId: owner.organizationId,
    createdBy: owner.id,
    purpose: "document",
    visibility: "signed_in",
    revision: null,
    fileName: "试验报告.pdf",
    mediaType: "application/pdf",
    size: bytes.length,
    sha256: sha256(bytes.toString()),
  });
  const { createdBy: _, ...told } = row!;
  t.same(made.body, told);
  t.same(readFileSync(placeOf(market, row!.sha256)), bytes);
  t.same((await settledFiles(market)).incoming, []);
  t.same((await metadata(owner, made.body.id)).body, told);
  t.same((await listOf(owner, "result", id)).body, { data: [told] });

  const [record, ...more] = await auditsOf(market, made.body.id);
  t.same(more, []);
  t.match(record, {
    type: "attachment.create",
    organizationId: owner.organizationId,
    actorId: owner.id,
    before: null,
    after: { fileName: "试验报告.pdf", sha256: row!.sha256, subjectId: id },
    readerIds: [],
    confidential: false,
  });
});

t.test("a machine client attaches with the scope, and nobody's name is written down", async (t) => {
  const id = await draft();
  const client = await market.client(owner, ["attachments:write", "attachments:read"]);
  const made = await attach(client, ofResult(id));
  t.equal(made.status, 201);
  t.match(await rowOf(made.body.id), { createdBy: null, organizationId: owner.organizationId });
  t.equal((await content(client, made.body.id)).status, 200);
  t.equal((await remove(client, made.body.id)).status, 204);
});

t.test("a download says what it is and is never shown in place", async (t) => {
  const id = await draft();
  const bytes = Buffer.from("名称,数量\n缓释肥,20\n");
  const { body } = await attach(
    owner,
    ofResult(id),
    bytes,
    '清单 "A" (2026)\'.csv'.replaceAll('"', "%22"),
  );
  const { headers, status, text } = await content(owner, body.id);
  t.equal(status, 200);
  t.equal(text, bytes.toString());
  t.equal(headers["content-type"], "text/csv; charset=utf-8");
  t.equal(Number(headers["content-length"]), bytes.length);
  t.equal(headers.etag, `"${body.sha256}"`);
  t.equal(headers["x-content-type-options"], "nosniff");
  t.equal(headers["cache-control"], "no-store");
  t.equal(
    headers["content-disposition"],
    `attachment; filename="__ %22A%22 (2026)'.csv"; filename*=UTF-8''%E6%B8%85%E5%8D%95%20%2522A%2522%20%282026%29%27.csv`,
  );

  const url = `${path}/${body.id}/content`;
  const known = { headers: { "if-none-match": String(headers.etag) } };
  const same = await market.as(owner)("GET", url, known);
  t.equal(same.status, 304);
  t.equal(same.text, "");
  t.equal(same.headers.etag, headers.etag);
  t.equal(
    (await market.as(owner)("GET", url, { headers: { "if-none-match": '"x"' } })).status,
    200,
  );
  const head = await market.as(owner)("HEAD", url);
  t.equal(head.status, 200);
  t.equal(Number(head.headers["content-length"]), bytes.length);
  t.equal(head.text, "");
  const tag = (await metadata(owner, body.id)).headers.etag;
  const again = { headers: { "if-none-match": String(tag) } };
  t.equal((await market.as(owner)("GET", `${path}/${body.id}`, again)).status, 304);
});

/** A body as somebody may write it by hand. */
const sendForm = (
  subjectId: string,
  body: string | Buffer,
  type = "multipart/form-data; boundary=x",
) =>
  market.as(owner)("POST", `${path}?subjectType=result&subjectId=${subjectId}`, {
    body,
    headers: { "content-type": type },
  });
const part = (disposition: string, text = "%PDF-1.4") =>
  `--x\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${text}\r\n`;

t.test("a file name is one line and no path, whatever was sent", async (t) => {
  const id = await draft();
  const named = async (fileName: string) =>
    (await attach(owner, ofResult(id), undefined, fileName)).body.fileName;
  t.equal(await named("../../etc/cron.d/年报.pdf"), "年报.pdf");
  t.equal(await named("C:\\Users\\wang\\年报.pdf"), "年报.pdf");
  const long = await named(`${"试验😀".repeat(80)}.pdf`);
  t.equal([...long].length, 200);
  t.match(long, /^试验😀.*\.pdf$/u);

  t.equal(
    await named("年报\u202efdp.exe.pdf"),
    "年报fdp.exe.pdf",
    "shown in the order that it has",
  );
  t.equal(await named("年\u200b报\u00ad.pdf"), "年报.pdf");

  const sent = (disposition: string, encoding: BufferEncoding = "utf8") => {
    const form = part(`name="file"; ${disposition}`, `%PDF-1.4 ${newId()}`);
    return sendForm(id, Buffer.from(`${form}--x--\r\n`, encoding));
  };
  const whole = "filename*=UTF-8''%E5%90%88%E5%90%8C%20%E2%82%AC.pdf";
  for (const plain of ['filename="contract.pdf"', 'filename="=?UTF-8?B?5ZCI5ZCM?=.pdf"']) {
    for (const both of [`${plain}; ${whole}`, `${whole}; ${plain}`]) {
      t.equal((await sent(both)).body.fileName, "合同 €.pdf", both);
    }
  }
  const latin = "filename=\"x.pdf\"; filename*=iso-8859-1'en'%A3%20rates.pdf";
  t.equal((await sent(latin)).body.fileName, "£ rates.pdf");
  t.equal((await sent('filename="合同.pdf"')).body.fileName, "合同.pdf");
  for (const [name, encoding] of [
    // GBK bytes of 合同.
    ['filename="\u00ba\u00cf\u00cd\u00ac.pdf"', "latin1"],
    ["filename=\"x.pdf\"; filename*=UTF-8''%BA%CF%CD%AC.pdf", "utf8"],
    ["filename=\"x.pdf\"; filename*=GBK''%BA%CF%CD%AC.pdf", "utf8"],
    ["filename=\"x.pdf\"; filename*=UTF-8''%E2%80%AE%00.pdf", "utf8"],
    ['filename="\u200b\u202e"', "utf8"],
  ] as const) {
    await leavesNothing(t, id, async () => {
      const body = refused(t, await sent(name, encoding), 400, "request.invalid");
      t.match(body.errors, [{ pointer: "/file", code: "invalid_characters" }], name);
    });
  }

  const injected = "filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x%3D1.pdf";
  for (const disposition of [
    `name="file"; ${injected}`,
    'name="file"; filename="a\tb.pdf"',
    'name="file"; filename="a\u0000b.pdf"',
  ]) {
    await leavesNothing(t, id, async () => {
      const reply = await sendForm(id, `${part(disposition)}--x--\r\n`);
      const body = refused(t, reply, 400, "request.invalid");
      t.match(body.errors, [{ pointer: "/file" }]);
    });
  }
});

t.test("a form that is not one whole file is refused, and nothing of it stays", async (t) => {
  const id = await draft();
  const file = part('name="file"; filename="a.pdf"');
  const end = "--x--\r\n";
  const cases: [string, string | Buffer, string?][] = [
    ["no boundary", file + end, "multipart/form-data"],
    ["nothing", Buffer.alloc(0)],
    ["no form", "你好"],
    ["cut off", file.slice(0, -4)],
    ["no end", file],
    ["an empty file", part('name="file"; filename="a.pdf"', "") + end],
    ["another name", part('name="document"; filename="a.pdf"') + end],
    ["a name of Object's", part('name="toString"; filename="a.pdf"') + end],
    ["no file name", part('name="file"') + end],
    ["an empty file name", part('name="file"; filename=""') + end],
    ["two files", file + file + end],
    ["a field first", part('name="note"', "见附件") + file + end],
    ["a field behind", file + part('name="note"', "见附件") + end],
  ];
  for (const [what, body, type] of cases) {
    await t.test(what, (t) =>
      leavesNothing(t, id, async () => {
        const problem = refused(t, await sendForm(id, body, type), 400, "request.invalid");
        t.match(problem.errors, [{ pointer: "/file" }]);
      }),
    );
  }
  refused(t, await sendForm(id, "{}", "application/json"), 415, "request.unsupported_media_type");
  const large = JSON.stringify("a".repeat(2 * 1024 * 1024));
  refused(t, await sendForm(id, large, "application/json"), 413, "request.too_large");
  const other = {
    body: multipart(pdf("x"), "a.pdf").body,
    headers: { "content-type": "multipart/form-data; boundary=----grandmarket0123456789" },
  };
  const elsewhere = await market.as(owner)("POST", "/v1/results", other);
  refused(t, elsewhere, 415, "request.unsupported_media_type");
});

const relations = (kind: string) =>
  zip({
    "[Content_Types].xml": `<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/main.xml" ContentType="application/vnd.openxmlformats-officedocument.${kind}.main+xml"/></Types>`,
    "main.xml": "<x/>",
  });
const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const cfb = Buffer.concat([Buffer.from("d0cf11e0a1b11ae1", "hex"), Buffer.alloc(1024)]);
const office = "application/vnd.openxmlformats-officedocument";

t.test("the type is told by the bytes", async (t) => {
  const id = await draft();
  const taken: [string, Buffer, string][] = [
    ["报告.pdf", pdf("a"), "application/pdf"],
    ["报告.PDF", pdf("b"), "application/pdf"],
    ["报告", pdf("c"), "application/pdf"],
    ["扫描.pdf", Buffer.concat([Buffer.alloc(1_019, "\n"), pdf("d")]), "application/pdf"],
    ["扫描.pdf", Buffer.concat([Buffer.from([0xff, 0, 1, 2]), pdf("e")]), "application/pdf"],
    ["合同.docx", relations("wordprocessingml.document"), `${office}.wordprocessingml.document`],
    ["预算.xlsx", relations("spreadsheetml.sheet"), `${office}.spreadsheetml.sheet`],
    [
      "路演.pptx",
      relations("presentationml.presentation"),
      `${office}.presentationml.presentation`,
    ],
    ["合同.doc", cfb, "application/x-cfb"],
    ["合同.wps", Buffer.concat([cfb, Buffer.alloc(8)]), "application/x-cfb"],
    ["材料.zip", zip({ "说明.txt": "见内" }), "application/zip"],
    ["发票.ofd", zip({ "OFD.xml": "<ofd:OFD/>" }), "application/zip"],
    ["照片.png", png, "image/png"],
    ["照片.jpg", Buffer.from("ffd8ffe000104a464946000101", "hex"), "image/jpeg"],
    ["照片.webp", Buffer.from("RIFF\x1a\x00\x00\x00WEBPVP8L", "latin1"), "image/webp"],
    ["扫描.tif", Buffer.from("49492a00080000000000000000000000", "hex"), "image/tiff"],
    ["说明.txt", Buffer.from("第一行\r\n第二行\t完\f"), "text/plain"],
    ["清单.csv", Buffer.from("\ufeff名称,数量\n肥料,20\n"), "text/csv"],
    ["记录", Buffer.from("没有后缀"), "text/plain"],
    // A character that falls apart between two pieces of a stream.
    ["长文.txt", Buffer.from(`a${"长".repeat(60_000)}`), "text/plain"],
  ];
  for (const [fileName, bytes, mediaType] of taken) {
    const made = await attach(owner, ofResult(id), bytes, fileName);
    t.equal(made.status, 201, `${fileName}: ${made.text.slice(0, 200)}`);
    t.equal(made.body?.mediaType, mediaType, fileName);
    const charset = mediaType.startsWith("text/") ? "; charset=utf-8" : "";
    const { headers } = await content(owner, made.body?.id);
    t.equal(headers["content-type"], `${mediaType}${charset}`);
  }
});

t.test("what is none of the types, or is named as another, is refused", async (t) => {
  const id = await draft();
  const refusedFiles: [string, Buffer | string][] = [
    ["合同.pdf", "<html><body onload=alert(1)>"],
    ["合同.pdf", "\ufeff \n<!DOCTYPE html><p>x"],
    ["合同.pdf", "<!-- x --><script>alert(1)</script>"],
    ["合同.pdf", "alert(document.cookie)"],
    ["合同.pdf", "#!/bin/sh\nrm -rf ~\n"],
    ["合同.txt", "<script>alert(1)</script>"],
    ["图.png", '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
    ["图.svg", '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'],
    ["页面.html", "只是文字"],
    ["脚本.bat", "del *.*"],
    ["安装.exe", Buffer.from(`MZ${"\0".repeat(200)}`)],
    ["合同.pdf", Buffer.from(`MZ${"\0".repeat(200)}`)],
    ["安装.msi", cfb],
    ["程序.jar", zip({ "META-INF/MANIFEST.MF": "Manifest-Version: 1.0" })],
    ["页面.html", pdf("<script>alert(1)</script>")],
    ["合同\u202efdp.exe", pdf("x")],
    ["宏.docm", relations("wordprocessingml.document")],
    ["压缩.gz", Buffer.from("1f8b0800000000000003", "hex")],
    ["乱码.txt", Buffer.from([0xd6, 0xd0, 0xb9, 0xfa])],
    ["尾部.txt", Buffer.concat([Buffer.from("正文".repeat(50_000)), Buffer.from([0, 1, 2])])],
    ["半字.txt", Buffer.from("正文").subarray(0, 5)],
  ];
  for (const [fileName, bytes] of refusedFiles) {
    await leavesNothing(t, id, async () => {
      const reply = await attach(owner, ofResult(id), Buffer.from(bytes), fileName);
      refused(t, reply, 415, "attachment.type_refused");
    });
  }
});

t.test("who may not attach is refused, and with a reason", async (t) => {
  const id = await draft();
  const visible: string = (await publishedResult(market, owner, operator)).id;
  const other = newId();
  const noScope = await market.client(owner, ["attachments:read"]);
  const founder = await market.person("university");
  const theirs = await draft(founder);
  await db
    .update(organizations)
    .set({ status: "suspended" })
    .where(eq(organizations.id, founder.organizationId));
  // Somebody whose standing was not looked up before: it is kept for some seconds.
  const suspended = await market.colleague(founder);
  const cases: [Caller | null, Record<string, string>, number, string][] = [
    [null, ofResult(id), 401, "auth.required"],
    [operator, ofResult(id), 403, "auth.forbidden_role"],
    [noScope, ofResult(id), 403, "auth.insufficient_scope"],
    [suspended, ofResult(theirs), 403, "organization.suspended"],
    [stranger, ofResult(id), 404, "result.not_found"],
    [stranger, ofResult(visible), 403, "result.not_owner"],
    [owner, ofResult(other), 404, "result.not_found"],
    [owner, { subjectType: "need", subjectId: other }, 404, "need.not_found"],
    [owner, { subjectType: "contract", subjectId: other }, 404, "contract.not_found"],
    [owner, { subjectType: "registration", subjectId: other }, 404, "registration.not_found"],
    [owner, ofResult(id, { purpose: "annex" }), 409, "attachment.locked"],
    [owner, { subjectType: "result" }, 400, "request.invalid"],
    [owner, { subjectType: "broker", subjectId: id }, 400, "request.invalid"],
    [owner, ofResult("1"), 400, "request.invalid"],
    [owner, ofResult(id, { visibility: "everyone" }), 400, "request.invalid"],
    [owner, ofResult(id, { purpose: "signed_copy" }), 400, "request.invalid"],
    [owner, ofResult(id, { name: "a" }), 400, "request.invalid"],
  ];
  for (const [caller, query, status, code] of cases) {
    await leavesNothing(t, id, async () => {
      refused(t, await attach(caller, query), status, code);
    });
  }
  const faults = refused(
    t,
    await attach(owner, ofResult(id, { purpose: "signed_copy" })),
    400,
    "request.invalid",
  );
  t.same(faults.errors.map((fault: { parameter: string }) => fault.parameter).sort(), [
    "position",
    "side",
  ]);
  const need: string = (await publishedNeed(market, stranger, operator)).id;
  const query = { subjectType: "need", subjectId: need };
  refused(t, await attach(owner, query), 403, "need.not_owner");
  t.equal((await attach(stranger, query)).status, 201);
});

t.test("a file is attached to a listing in every status", async (t) => {
  const people = { owner, operator };
  for (const status of [
    "draft",
    "submitted",
    "changes_requested",
    "published",
    "withdrawn",
    "expired",
  ]) {
    const id = await listingIn(market, "result", people, status);
    const { body } = await attach(owner, ofResult(id));
    t.equal((await remove(owner, body.id)).status, 204, status);
  }
});

t.test("an idempotency key stands for the file that it came with", async (t) => {
  const id = await draft();
  const key = { headers: { "idempotency-key": `file-${id}` }, fileName: "报告.pdf" };
  const first = await upload(market, owner, ofResult(id), pdf("一"), key);
  const again = await upload(market, owner, ofResult(id), pdf("一"), key);
  t.equal(again.status, 201);
  t.equal(again.headers["idempotent-replayed"], "true");
  t.equal(again.headers.location, first.headers.location);
  t.same(again.body, first.body);
  await leavesNothing(t, id, async () => {
    const code = "idempotency.key_reused";
    refused(t, await upload(market, owner, ofResult(id), pdf("二"), key), 422, code);
    const renamed = { ...key, fileName: "另一份.pdf" };
    refused(t, await upload(market, owner, ofResult(id), pdf("一"), renamed), 422, code);
    const opened = ofResult(id, { visibility: "public" });
    refused(t, await upload(market, owner, opened, pdf("一"), key), 422, code);
  });
  t.equal((await rowsOf(id)).length, 1);
  t.equal((await content(owner, first.body.id)).text, pdf("一").toString());

  const parallel = { headers: { "idempotency-key": `file-parallel-${id}` } };
  const sent = [1, 2, 3, 4].map(() => upload(market, owner, ofResult(id), pdf("三"), parallel));
  const replies = await Promise.all(sent);
  for (const reply of replies) {
    if (reply.status !== 201) refused(t, reply, 409, "idempotency.in_progress");
  }
  t.equal((await rowsOf(id)).length, 2);
});

t.test("a subject has 50 files at most, also when two come at once", async (t) => {
  const id = await draft();
  const { body } = await attach(owner, ofResult(id));
  const row = (await rowOf(body.id))!;
  const copies = Array.from({ length: 48 }, () => ({ ...row, id: newId() }));
  await db.insert(attachments).values(copies);
  const replies = await Promise.all([1, 2, 3].map(() => attach(owner, ofResult(id))));
  t.same(statusesOf(replies), [201, 409, 409]);
  await leavesNothing(t, id, async () => {
    const full = refused(t, await attach(owner, ofResult(id)), 409, "attachment.limit");
    t.match(full.detail, /50/, "with the limit");
  });
  t.equal((await rowsOf(id)).length, 50);
  t.equal((await remove(owner, body.id)).status, 204);
  t.equal((await attach(owner, ofResult(id))).status, 201);
});

/** An interest of somebody in a listing, accepted or not. */
async function interestIn(noun: "result" | "need", id: string, asker: Caller, by: Caller | null) {
  const input = {
    message: "我们想了解中试数据与合作方式。",
    contact: { name: "技术部", phone: "0373-6218001" },
  };
  const made = await must(
    market.as(asker)("POST", `/v1/${noun}s/${id}/interests`, { body: input }),
  );
  if (by) await must(market.as(by)("POST", `/v1/interests/${made.id}/accept`, { body: {} }));
}

/** Asserts what a caller reads of a listing's three files, in the list, one by one, and their bytes. */
async function sees(
  t: Test,
  caller: Caller | null,
  subject: [noun: string, id: string],
  files: Record<string, string>,
  expected: string[],
  who: string,
) {
  const { status, body } = await listOf(caller, ...subject);
  t.equal(status, 200, who);
  const listed = body.data.map((file: { visibility: string }) => file.visibility);
  t.same(listed.sort(), [...expected].sort(), who);
  for (const [visibility, id] of Object.entries(files)) {
    const isSeen = expected.includes(visibility);
    for (const reply of [await metadata(caller, id), await content(caller, id)]) {
      if (isSeen) t.equal(reply.status, 200, `${who}: ${visibility}`);
      else refused(t, reply, 404, "attachment.not_found");
    }
  }
}

async function threeFiles(noun: string, id: string, by: Caller) {
  const files: Record<string, string> = {};
  for (const visibility of ["public", "signed_in", "accepted"]) {
    const query = { subjectType: noun, subjectId: id, visibility };
    files[visibility] = (await must(attach(by, query))).id;
  }
  return files;
}

t.test("a listing's file is read by whom its owner meant", async (t) => {
  const pair = await proposedMatch(market, { operator });
  const { broker, resultOwner, needOwner, resultId } = pair;
  const files = await threeFiles("result", resultId, resultOwner);
  const [asked, accepted] = [await market.person("enterprise"), await market.person("enterprise")];
  await interestIn("result", resultId, asked, null);
  await interestIn("result", resultId, accepted, resultOwner);
  const look = (caller: Caller | null, expected: string[], who: string) =>
    sees(t, caller, ["result", resultId], files, expected, who);
  const all = ["public", "signed_in", "accepted"];
  await look(null, ["public"], "nobody");
  await look(stranger, ["public", "signed_in"], "somebody");
  await look(
    await market.client(stranger, ["attachments:read"]),
    ["public", "signed_in"],
    "a client",
  );
  await look(asked, ["public", "signed_in"], "who asked");
  await look(accepted, all, "whose interest was accepted");
  await look(resultOwner, all, "the owner");
  await look(await market.colleague(resultOwner), all, "a colleague");
  await look(operator, all, "the operator");
  await look(broker, ["public", "signed_in"], "the broker, before");
  await must(stepOfMatch(market, needOwner, pair.id, "accept"));
  await look(needOwner, ["public", "signed_in"], "the other owner, who alone accepted");
  await look(broker, ["public", "signed_in"], "the broker, as the other owner accepted");
  await must(stepOfMatch(market, resultOwner, pair.id, "accept"));
  await look(broker, all, "the broker, after");
  await look(needOwner, all, "the other owner, after");
  const blind = await market.client(accepted, ["results:read"]);
  refused(t, await listOf(blind, "result", resultId), 403, "auth.insufficient_scope");
  refused(t, await content(blind, files.public ?? ""), 403, "auth.insufficient_scope");

  // Out of public view, it is the owner's and the operator's again.
  await must(market.as(resultOwner)("POST", `/v1/results/${resultId}/withdraw`));
  for (const caller of [null, stranger, accepted]) {
    refused(t, await listOf(caller, "result", resultId), 404, "result.not_found");
    refused(t, await content(caller, files.public ?? ""), 404, "attachment.not_found");
  }
  await look(resultOwner, all, "the owner, withdrawn");
  await look(operator, all, "the operator, withdrawn");
});

t.test("files of an anonymous need are shown to whom its owner accepted", async (t) => {
  const broker = await certifiedBroker(market);
  const pair = await proposedMatch(market, { operator, broker, need: { anonymous: true } });
  const { resultOwner, needOwner, needId } = pair;
  const files = await threeFiles("need", needId, needOwner);
  const accepted = await market.person("university");
  const look = (caller: Caller | null, expected: string[], who: string) =>
    sees(t, caller, ["need", needId], files, expected, who);
  const all = ["public", "signed_in", "accepted"];
  await interestIn("need", needId, accepted, null);
  for (const caller of [null, stranger, accepted, broker, resultOwner])
    await look(caller, [], "before");
  await look(needOwner, all, "the owner");
  await look(operator, all, "the operator");
  const [interest] = (await must(market.as(needOwner)("GET", `/v1/needs/${needId}/interests`)))
    .data;
  await must(market.as(needOwner)("POST", `/v1/interests/${interest.id}/accept`, { body: {} }));
  await look(accepted, all, "whose interest was accepted");
  await look(broker, [], "the broker, before");
  await must(stepOfMatch(market, needOwner, pair.id, "accept"));
  await look(broker, all, "the broker, after");
  await look(resultOwner, all, "the other owner, after");
  await look(stranger, [], "somebody");
});

t.test("when a match has failed, what is added later is not for its sides any more", async (t) => {
  const broker = await certifiedBroker(market);
  for (const anonymous of [false, true]) {
    const pair = await negotiatingMatch(market, { operator, broker, need: { anonymous } });
    const { resultOwner, needOwner, needId } = pair;
    const before = await threeFiles("need", needId, needOwner);
    const all = ["public", "signed_in", "accepted"];
    for (const caller of [broker, resultOwner])
      await sees(t, caller, ["need", needId], before, all, "while it goes on");
    const why = { reason: "performance_gap", note: "测厚误差达不到一微米。" };
    await must(stepOfMatch(market, broker, pair.id, "fail", why));
    const later = await threeFiles("need", needId, needOwner);
    const open = anonymous ? [] : [later.public, later.signed_in];
    const seen = [...Object.values(before), ...open];
    for (const caller of [broker, resultOwner, await market.colleague(resultOwner)]) {
      const { body } = await listOf(caller, "need", needId);
      const listed = body.data.map(({ id }: { id: string }) => id);
      t.same(listed.sort(), seen.sort(), "what was seen stays, what came later is not there");
      for (const id of [...Object.values(before), ...Object.values(later)]) {
        for (const reply of [await metadata(caller, id), await content(caller, id)]) {
          if (seen.includes(id)) t.equal(reply.status, 200);
          else refused(t, reply, 404, "attachment.not_found");
        }
      }
    }
  }
});

t.test("an unknown file does not exist, nor does what it is attached to", async (t) => {
  const id = newId();
  for (const reply of [
    await metadata(owner, id),
    await content(owner, id),
    await remove(owner, id),
  ]) {
    refused(t, reply, 404, "attachment.not_found");
  }
  for (const noun of ["result", "need", "contract", "registration"]) {
    refused(t, await listOf(owner, noun, id), 404, `${noun}.not_found`);
    refused(t, await listOf(null, noun, id), 404, `${noun}.not_found`);
  }
  refused(t, await market.as(owner)("GET", path), 400, "request.invalid");
  refused(t, await metadata(owner, "1"), 400, "request.invalid");
});

t.test("the owner takes a file away, once, and nobody else does", async (t) => {
  const id: string = (await publishedResult(market, owner, operator)).id;
  const { body: file } = await attach(owner, ofResult(id, { visibility: "public" }));
  const hidden = (await attach(owner, ofResult(id))).body.id;
  const registrar = await market.person("registry");
  refused(t, await remove(null, file.id), 401, "auth.required");
  refused(t, await remove(operator, file.id), 403, "auth.forbidden_role");
  refused(t, await remove(registrar, file.id), 403, "auth.forbidden_role");
  refused(t, await remove(stranger, file.id), 403, "attachment.not_owner");
  refused(t, await remove(stranger, hidden), 404, "attachment.not_found");
  t.ok(filesIn(market).kept.includes(file.sha256));

  const replies = await Promise.all([1, 2, 3, 4].map(() => remove(owner, file.id)));
  t.same(statusesOf(replies), [204, 404, 404, 404]);
  t.equal(await rowOf(file.id), undefined);
  t.notOk(filesIn(market).kept.includes(file.sha256));
  const records = (await auditsOf(market, file.id)).map(({ type }) => type);
  t.same(records, ["attachment.create", "attachment.delete"]);
  const [, record] = await auditsOf(market, file.id);
  t.match(record, { actorId: owner.id, organizationId: owner.organizationId, after: null });
  t.match(record?.before, { fileName: "合同.pdf", sha256: file.sha256 });
  refused(t, await content(owner, file.id), 404, "attachment.not_found");
});

const ofContract = (subjectId: string, purpose: string, rest: Record<string, string> = {}) => ({
  subjectType: "contract",
  subjectId,
  purpose,
  ...rest,
});

t.test(
  "a contract's files: its parties add and read them, its text while it is a draft",
  async (t) => {
    const { id, seller, buyer } = await draftedContract(market);
    const registrar = await market.person("registry");
    const text = await attach(seller, ofContract(id, "contract_text"));
    t.equal(text.status, 201);
    const annex = await attach(buyer, ofContract(id, "annex"));
    t.match(await rowOf(annex.body.id), { organizationId: buyer.organizationId, revision: 1 });
    const [record] = await auditsOf(market, annex.body.id);
    t.ok(record?.readerIds.includes(seller.organizationId));
    for (const caller of [seller, buyer, operator]) {
      t.equal((await listOf(caller, "contract", id)).body.data.length, 2);
      t.equal((await content(caller, text.body.id)).status, 200);
    }
    for (const caller of [null, stranger, registrar]) {
      refused(t, await listOf(caller, "contract", id), 404, "contract.not_found");
      refused(t, await metadata(caller, text.body.id), 404, "attachment.not_found");
      refused(t, await content(caller, text.body.id), 404, "attachment.not_found");
    }
    refused(t, await attach(stranger, ofContract(id, "document")), 404, "contract.not_found");
    refused(t, await attach(seller, ofContract(id, "payment_proof")), 409, "attachment.locked");
    refused(t, await attach(seller, ofContract(id, "supplement")), 409, "attachment.locked");
    refused(t, await remove(seller, annex.body.id), 403, "attachment.not_owner");
    t.equal((await remove(buyer, annex.body.id)).status, 204);

    const { contentSha256 } = await must(market.as(seller)("POST", `/v1/contracts/${id}/submit`));
    for (const purpose of ["contract_text", "annex"]) {
      await leavesNothing(t, id, async () => {
        refused(t, await attach(seller, ofContract(id, purpose)), 409, "attachment.locked");
      });
    }
    refused(t, await remove(seller, text.body.id), 409, "attachment.locked");
    const proof = await attach(seller, ofContract(id, "document"));
    t.equal(proof.status, 201, "what is not confirmed can still be added");
    const now = await must(market.as(seller)("GET", `/v1/contracts/${id}`));
    t.equal(now.contentSha256, contentSha256);
    t.equal((await remove(seller, proof.body.id)).status, 204);
    const contract = await confirmingContract(market, {});
    await must(confirm(market, contract.seller, contract));
    await must(confirm(market, contract.buyer, contract));
    t.equal((await attach(contract.buyer, ofContract(contract.id, "payment_proof"))).status, 201);
  },
);

const outside = {
  buyers: [{ name: "封丘县丰源农资有限公司", natureCode: "150", regionCode: "410727" }],
};
const copy = { side: "buyer", position: "0" };

t.test("a signed copy is the word of the party outside the market", async (t) => {
  const { id, seller, contract } = await confirmingContract(market, { content: outside });
  const signed = ofContract(id, "signed_copy", copy);
  const client = await market.client(seller, ["attachments:write"]);
  await leavesNothing(t, id, async () => {
    refused(t, await attach(client, signed), 403, "auth.person_required");
    const inside = ofContract(id, "signed_copy", { side: "seller", position: "0" });
    refused(t, await attach(seller, inside), 409, "attachment.locked");
    const nobody = ofContract(id, "signed_copy", { side: "buyer", position: "1" });
    refused(t, await attach(seller, nobody), 409, "attachment.locked");
    refused(
      t,
      await attach(seller, ofContract(id, "cancellation_copy", copy)),
      409,
      "attachment.locked",
    );
  });
  const replies = await Promise.all([1, 2, 3].map(() => attach(seller, signed)));
  t.same(statusesOf(replies), [201, 409, 409]);
  for (const reply of replies) {
    if (reply.status === 409) t.equal(reply.body.code, "contract.already_confirmed");
  }
  const made = replies.find(({ status }) => status === 201)?.body;
  t.equal((await rowsOf(id)).length, 1);
  t.ok(filesIn(market).kept.includes(made.sha256));
  t.same((await settledFiles(market)).incoming, []);
  const { confirmations } = await must(market.as(seller)("GET", `/v1/contracts/${id}`));
  t.match(confirmations, [
    { side: "buyer", position: 0, attachmentId: made.id, organizationId: null },
  ]);
  refused(t, await remove(seller, made.id), 409, "attachment.locked");
  await must(confirm(market, seller, { id, contract }));
  t.equal((await must(market.as(seller)("GET", `/v1/contracts/${id}`))).status, "effective");
  refused(t, await attach(seller, signed), 409, "attachment.locked");

  // The same party agrees to cancel by another copy.
  await must(
    market.as(seller)("POST", `/v1/contracts/${id}/cancel`, { body: { reason: "项目终止。" } }),
  );
  const agreed = ofContract(id, "cancellation_copy", copy);
  refused(t, await attach(client, agreed), 403, "auth.person_required");
  t.equal((await attach(seller, agreed)).status, 201);
  t.equal((await must(market.as(seller)("GET", `/v1/contracts/${id}`))).status, "cancelled");
  refused(t, await attach(seller, ofContract(id, "document")), 409, "attachment.locked");
});

t.test("files of a trade secret do not exist for the operator", async (t) => {
  const { id, seller } = await draftedContract(market, {
    content: { confidentiality: "trade_secret" },
  });
  const { body } = await attach(seller, ofContract(id, "contract_text"));
  refused(t, await listOf(operator, "contract", id), 404, "contract.not_found");
  refused(t, await content(operator, body.id), 404, "attachment.not_found");
  const [record] = await auditsOf(market, body.id);
  t.equal(record?.confidential, true);
});

t.test("a case's files: the applicant's when asked, the office's until it decides", async (t) => {
  const office = await openOffice(market);
  const made = await filedCase(market, office);
  const { caseId, seller, buyer } = made;
  const query = { subjectType: "registration", subjectId: caseId, purpose: "supplement" };
  const document = { ...query, purpose: "document" };
  await leavesNothing(t, caseId, async () => {
    refused(t, await attach(seller, query), 409, "attachment.locked");
    refused(t, await attach(seller, { ...query, purpose: "annex" }), 409, "attachment.locked");
    refused(t, await attach(buyer, query), 403, "registration.not_owner");
    refused(t, await attach(stranger, query), 404, "registration.not_found");
    refused(t, await attach(await market.person("registry"), query), 404, "registration.not_found");
  });
  // The office reads the contract of its case, and changes nothing of it.
  refused(
    t,
    await attach(office.first, ofContract(made.id, "document")),
    403,
    "contract.not_owner",
  );

  const opinion = await attach(office.first, document);
  t.equal(opinion.status, 201);
  const ask = { note: "请补充设备费测算。", grounds: ["incomplete_material"] };
  await must(stepOf(market, office.first, caseId, "request-supplement", ask));
  const supplement = await attach(seller, query);
  t.equal(supplement.status, 201);
  t.match(await rowOf(supplement.body.id), { purpose: "supplement", revision: null });
  const [record] = await auditsOf(market, supplement.body.id);
  t.ok(record?.readerIds.includes(office.first.organizationId));
  for (const caller of [seller, buyer, office.first, office.second, operator]) {
    t.equal((await listOf(caller, "registration", caseId)).body.data.length, 2);
    t.equal((await content(caller, supplement.body.id)).status, 200);
  }
  for (const caller of [null, stranger, await market.person("registry")]) {
    refused(t, await listOf(caller, "registration", caseId), 404, "registration.not_found");
    refused(t, await content(caller, supplement.body.id), 404, "attachment.not_found");
  }
  refused(t, await remove(seller, supplement.body.id), 409, "attachment.locked");
  refused(t, await remove(buyer, supplement.body.id), 403, "attachment.not_owner");
  await must(stepOf(market, seller, caseId, "supplement", { note: "已补充。" }));
  refused(t, await attach(seller, query), 409, "attachment.locked");

  const accepted = await acceptedCase(market, office);
  const later = { ...document, subjectId: accepted.caseId };
  t.equal((await attach(office.second, later)).status, 201);
  await must(stepOf(market, office.second, accepted.caseId, "register"));
  refused(t, await attach(office.second, later), 409, "attachment.locked");
});

t.test("an office that is a party keeps out of its own case", async (t) => {
  const office = await openOffice(market, { code: "410702", regionCodes: ["410702"] });
  const { id, caseId } = await filedCase(market, office);
  const query = { subjectType: "registration", subjectId: caseId, purpose: "document" };
  t.equal((await attach(office.first, query)).status, 201);
  // No step leads there: an office confirms no contract.
  await db
    .update(contractParties)
    .set({ organizationId: office.first.organizationId })
    .where(and(eq(contractParties.contractId, id), eq(contractParties.side, "buyer")));
  refused(t, await attach(office.first, query), 403, "registration.reviewer_of_applicant");
});
