/** The bytes of attachments: nothing is lost, and nothing is left behind. On a server the races are real. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { request as openRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { and, eq } from "drizzle-orm";
import t, { type Test } from "tap";
import { attachments } from "../../../db/schema/attachments.ts";
import { auditRecords } from "../../../db/schema/audit.ts";
import { buildApp } from "../../../src/app.ts";
import { newId } from "../../../src/lib/ids.ts";
import { confirmingContract } from "../../support/contracts.ts";
import {
  filesIn,
  folderOf,
  hashOf,
  multipart,
  pdf,
  placeOf,
  settledFiles,
  upload,
} from "../../support/files.ts";
import { drafted } from "../../support/listings.ts";
import { openMarket, type Reply } from "../../support/market.ts";
import { refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const owner = await market.person("university");
const path = "/v1/attachments";
const rounds = 8;

const draft = async () => (await drafted(market, "result", owner)).body.id as string;
const queryOf = (subjectId: string) => ({ subjectType: "result", subjectId });
const attach = (subjectId: string, bytes: Buffer) =>
  upload(market, owner, queryOf(subjectId), bytes);
const remove = (id: string) => market.as(owner)("DELETE", `${path}/${id}`);
const rowsOf = (subjectId: string) =>
  db.select().from(attachments).where(eq(attachments.subjectId, subjectId));
const isKept = (hash: string) => filesIn(market).kept.includes(hash);

/** Asserts that the store holds exactly what rows refer to, each file with its bytes. */
async function isWhole(t: Test) {
  const rows = await db.select().from(attachments);
  const { kept, incoming } = await settledFiles(market);
  t.same(incoming, [], "nothing is coming in");
  t.same(kept, [...new Set(rows.map(({ sha256 }) => sha256))].sort(), "what rows refer to, once");
  for (const { sha256, size } of rows) t.equal(statSync(placeOf(market, sha256)).size, size);
}

await market.app.listen({ port: 0, host: "127.0.0.1" });
const { port } = market.app.server.address() as AddressInfo;

/** A request over a socket, as far as its headers. */
function send(subjectId: string, headers: Record<string, string | number> = {}) {
  const { type } = multipart(Buffer.alloc(0), "a");
  const request = openRequest({
    port,
    host: "127.0.0.1",
    method: "POST",
    path: `${path}?${new URLSearchParams(queryOf(subjectId))}`,
    headers: { authorization: `Bearer ${owner.token}`, "content-type": type, ...headers },
  });
  const replied = new Promise<{
    status: number;
    body: { code?: string; sha256?: string; size?: number };
  }>((resolve, reject) => {
    request.on("error", reject);
    request.on("response", async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) });
    });
  });
  return { request, replied };
}

/** The two ends of a form around a file's bytes. */
function ends(fileName: string): [Buffer, Buffer] {
  const mark = Buffer.from("here go the bytes");
  const { body } = multipart(mark, fileName);
  const at = body.indexOf(mark);
  return [body.subarray(0, at), body.subarray(at + mark.length)];
}

t.test("a large file goes through piece by piece", async (t) => {
  const id = await draft();
  const { request, replied } = send(id);
  const [head, tail] = ends("影像.pdf");
  const hash = createHash("sha256");
  const write = async (bytes: Buffer) => {
    if (!request.write(bytes)) await new Promise((resolve) => request.once("drain", resolve));
  };
  await write(head);
  let size = 0;
  const piece = Buffer.alloc(1024 * 1024);
  for (let i = 0; i < 20; i++) {
    const bytes = i === 0 ? pdf("影像") : piece.fill(i);
    hash.update(bytes);
    size += bytes.length;
    await write(Buffer.from(bytes));
    // It is on the disk before it has all come.
    if (i === 10)
      for (let n = 0; n < 500 && filesIn(market).incoming.length === 0; n++) await setTimeout(10);
    if (i === 10) t.equal(filesIn(market).incoming.length, 1);
  }
  request.end(tail);
  const { status, body } = await replied;
  t.equal(status, 201);
  t.match(body, { size, sha256: hash.digest("hex") });
  const reply = await market.app.inject({
    url: `${path}/${(await rowsOf(id))[0]?.id}/content`,
    headers: { authorization: `Bearer ${owner.token}` },
  });
  t.equal(hashOf(reply.rawPayload), body.sha256);
  await isWhole(t);
});

t.test("who may not attach hears so before the file was sent", async (t) => {
  const { request, replied } = send(newId(), { "content-length": 1_000_000 });
  request.flushHeaders();
  const { status, body } = await replied;
  t.equal(status, 404);
  t.equal(body.code, "result.not_found");
  request.destroy();
  await isWhole(t);
});

t.test("a refused file that is still being sent is read to its end", async (t) => {
  const id = await draft();
  const { request, replied } = send(id);
  const [head, tail] = ends("a\tb.pdf");
  request.write(head);
  for (let i = 0; i < 8; i++) request.write(Buffer.alloc(1024 * 1024, i));
  request.end(tail);
  const { status, body } = await replied;
  t.equal(status, 400);
  t.equal(body.code, "request.invalid");
  if (!request.writableFinished) await once(request, "finish");
  await isWhole(t);
});

t.test("a client that goes away in the middle leaves nothing", async (t) => {
  const id = await draft();
  const { request, replied } = send(id, { "content-length": 10_000_000 });
  request.write(ends("影像.pdf")[0]);
  request.write(Buffer.concat([pdf("一半"), Buffer.alloc(500_000, 1)]));
  for (let n = 0; n < 500 && filesIn(market).incoming.length === 0; n++) await setTimeout(10);
  t.equal(filesIn(market).incoming.length, 1);
  request.destroy();
  await t.rejects(replied);
  await isWhole(t);
  t.same(await rowsOf(id), []);
});

t.test("a file that is too large leaves nothing", async (t) => {
  const id = await draft();
  const small = await buildApp(
    { ...market.app.config, maxUploadMegabytes: 1 },
    { database: market.database, keys: market.app.signingKeys },
  );
  const inject = (size: number) => {
    const { body, type } = multipart(Buffer.concat([pdf("大")], size), "影像.pdf");
    return small.inject({
      method: "POST",
      url: `${path}?${new URLSearchParams(queryOf(id))}`,
      headers: { authorization: `Bearer ${owner.token}`, "content-type": type },
      payload: body,
    });
  };
  const megabyte = 1024 * 1024;
  for (const size of [megabyte + 1, 3 * megabyte]) {
    const reply = await inject(size);
    t.equal(reply.statusCode, 413);
    t.equal(reply.json().code, "request.too_large");
    await isWhole(t);
    t.same(await rowsOf(id), []);
  }
  t.equal((await inject(megabyte)).statusCode, 201, "as large as it may be");
  await small.close();
  await isWhole(t);
});

t.test("the same bytes twice are kept once, until nobody refers to them", async (t) => {
  const bytes = pdf("同一份文件");
  const [one, two] = [await draft(), await draft()];
  const first = await attach(one, bytes);
  const second = await attach(two, bytes);
  t.equal(second.body.sha256, hashOf(bytes));
  t.not(first.body.id, second.body.id);
  await isWhole(t);
  t.equal((await remove(first.body.id)).status, 204);
  t.ok(isKept(hashOf(bytes)));
  const reply = await market.as(owner)("GET", `${path}/${second.body.id}/content`);
  t.equal(reply.text, bytes.toString());
  t.equal((await remove(second.body.id)).status, 204);
  t.notOk(isKept(hashOf(bytes)));
  await isWhole(t);
});

const outside = {
  buyers: [{ name: "封丘县丰源农资有限公司", natureCode: "150", regionCode: "410727" }],
};

t.test("a refusal by the transaction takes its bytes along, and nobody else's", async (t) => {
  const seller = owner;
  for (let round = 0; round < rounds; round++) {
    const { id } = await confirmingContract(market, { seller, content: outside });
    const copy = {
      subjectType: "contract",
      subjectId: id,
      purpose: "signed_copy",
      side: "buyer",
      position: "0",
    };
    const listing = await draft();
    const bytes = pdf(`签字页 ${round}`);
    // One copy is taken; the others fail after their bytes were put.
    const replies = await Promise.all([
      upload(market, seller, copy, bytes),
      upload(market, seller, copy, bytes),
      ...(round % 2 ? [attach(listing, bytes)] : []),
      upload(market, seller, copy, pdf(`另一签字页 ${round}`)),
    ]);
    const failed = replies.filter(({ status }) => status !== 201);
    t.equal(failed.length, 2);
    for (const reply of failed) refused(t, reply, 409, "contract.already_confirmed");
    await isWhole(t);
  }
});

t.test("bytes that come as others go are there exactly when a row is", async (t) => {
  const [one, two] = [await draft(), await draft()];
  const bytes = pdf("去而复来");
  for (let round = 0; round < rounds; round++) {
    const { body } = await attach(one, bytes);
    const replies: Reply[] = await Promise.all([
      remove(body.id),
      attach(two, bytes),
      attach(two, bytes),
    ]);
    t.same(
      replies.map(({ status }) => status),
      [204, 201, 201],
    );
    await isWhole(t);
    for (const { id } of await rowsOf(two)) {
      const reply = await market.as(owner)("GET", `${path}/${id}/content`);
      t.equal(reply.text, bytes.toString());
    }
    const gone = (await rowsOf(two)).map(({ id }) => remove(id));
    t.same(
      (await Promise.all(gone)).map(({ status }) => status),
      [204, 204],
    );
    await isWhole(t);
  }
});

/** A file as a process that died left it, some minutes ago. */
function leave(place: string, bytes: Buffer, minutes: number) {
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, bytes);
  age(place, minutes);
}
function age(place: string, minutes: number) {
  const then = Date.now() / 1000 - minutes * 60;
  utimesSync(place, then, then);
}
const day = 24 * 60;
const sweep = async () => {
  for (const job of market.app.jobs) if (job.name.startsWith("attachments.")) await job.run(db);
};

t.test("the sweep removes what a process that died left, and nothing else", async (t) => {
  const id = await draft();
  const { body: referred } = await attach(id, pdf("在用"));
  age(placeOf(market, referred.sha256), 2 * day);
  const [lost, fresh] = [pdf("无主"), pdf("刚到")];
  leave(placeOf(market, hashOf(lost)), lost, day + 1);
  leave(placeOf(market, hashOf(fresh)), fresh, day - 1);
  const incoming = (name: string) => join(folderOf(market), "incoming", name);
  leave(incoming("old"), pdf("半途"), 61);
  leave(incoming("new"), pdf("正来"), 59);
  await sweep();
  t.notOk(isKept(hashOf(lost)));
  t.ok(isKept(hashOf(fresh)));
  t.ok(isKept(referred.sha256));
  t.same(filesIn(market).incoming, ["new"]);
  age(placeOf(market, hashOf(fresh)), day + 1);
  age(incoming("new"), 61);
  await sweep();
  await isWhole(t);
});

t.test("a sweep in the middle of uploads costs none of them its bytes", async (t) => {
  const id = await draft();
  for (let round = 0; round < rounds; round++) {
    const bytes = pdf(`旧字节 ${round}`);
    leave(placeOf(market, hashOf(bytes)), bytes, 2 * day);
    const [reply] = await Promise.all([attach(id, bytes), sweep()]);
    t.equal(reply.status, 201);
    await isWhole(t);
  }
});

t.test("the files of a deleted draft go with the next sweep", async (t) => {
  const id = await draft();
  const { body } = await attach(id, pdf("随稿"));
  age(placeOf(market, body.sha256), day + 1);
  t.equal((await market.as(owner)("DELETE", `/v1/results/${id}`)).status, 204);
  refused(t, await market.as(owner)("GET", `${path}/${body.id}`), 404, "attachment.not_found");
  refused(t, await remove(body.id), 404, "attachment.not_found");
  await sweep();
  t.same(await rowsOf(id), []);
  t.notOk(isKept(body.sha256));
  const about = and(
    eq(auditRecords.subjectId, body.id),
    eq(auditRecords.type, "attachment.delete"),
  );
  const [record] = await db.select().from(auditRecords).where(about);
  t.match(record, { actorKind: "system", organizationId: owner.organizationId, after: null });
  await isWhole(t);
});

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

t.test("what is kept is for the program's user alone", async (t) => {
  const bytes = pdf("保密");
  const coming: Promise<string[]>[] = [];
  const { keep } = market.app.files;
  t.teardown(() => {
    market.app.files.keep = keep;
  });
  market.app.files.keep = (received) => {
    coming.push(Promise.resolve([modeOf(received.path), modeOf(dirname(received.path))]));
    return keep(received);
  };
  t.equal((await attach(await draft(), bytes)).status, 201);
  t.same(await Promise.all(coming), [["600", "700"]], "while it comes in");
  const place = placeOf(market, hashOf(bytes));
  t.equal(modeOf(place), "600");
  for (let at = dirname(place); at !== dirname(folderOf(market)); at = dirname(at)) {
    t.equal(modeOf(at), "700", at);
  }
});

t.test("folders that were open to others are closed by a start, but nobody else's", async (t) => {
  const bytes = pdf("早先");
  t.equal((await attach(await draft(), bytes)).status, 201);
  const root = folderOf(market);
  const place = placeOf(market, hashOf(bytes));
  const ours = [root, join(root, "incoming"), dirname(dirname(place))];
  const others = [join(root, "elsewhere"), ...(process.getuid?.() === 0 ? [join(root, "0f")] : [])];
  for (const folder of others) mkdirSync(folder, { recursive: true });
  for (const folder of [...ours, ...others]) chmodSync(folder, 0o755);
  if (others[1]) chownSync(others[1], 65534, 65534);
  const again = await buildApp(market.app.config, {
    database: market.database,
    keys: market.app.signingKeys,
  });
  await again.ready();
  await again.close();
  for (const folder of ours) t.equal(modeOf(folder), "700", folder);
  for (const folder of others) t.equal(modeOf(folder), "755", folder);
});
