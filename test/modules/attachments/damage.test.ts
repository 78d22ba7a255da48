/** Stored bytes that are lost, cut, changed or somebody else's: nobody gets them as a file, and they are mended. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { Writable } from "node:stream";
import t from "tap";
import { buildApp } from "../../../src/app.ts";
import { newId } from "../../../src/lib/ids.ts";
import { filesIn, hashOf, pdf, placeOf, settledFiles, upload } from "../../support/files.ts";
import { drafted } from "../../support/listings.ts";
import { openMarket } from "../../support/market.ts";
import { refused } from "../../support/replies.ts";

const market = await openMarket(t);
const owner = await market.person("university");
const path = "/v1/attachments";

const draft = async () => (await drafted(market, "result", owner)).body.id as string;
const attach = async (bytes: Buffer, headers: Record<string, string> = {}, to?: string) =>
  upload(market, owner, { subjectType: "result", subjectId: to ?? (await draft()) }, bytes, {
    fileName: "保密合同.pdf",
    headers,
  });
const contentOf = (id: string, headers: Record<string, string> = {}) =>
  market.as(owner)("GET", `${path}/${id}/content`, { headers });

/** An app on the same database and folder that logs. */
const lines: Record<string, unknown>[] = [];
const sink = new Writable({
  write(chunk, _encoding, done) {
    lines.push(JSON.parse(String(chunk)));
    done();
  },
});
const logging = await buildApp(market.app.config, {
  database: market.database,
  keys: market.app.signingKeys,
  logger: { level: "info", stream: sink },
});
await logging.listen({ port: 0, host: "127.0.0.1" });
const { port } = logging.server.address() as AddressInfo;
t.teardown(() => logging.close());

const outside = join(market.app.config.dataDir, "outside");
mkdirSync(outside);

/** What can happen to a stored file, and what it is called. */
const harms: [string, string, (place: string, bytes: Buffer) => void][] = [
  ["it is gone", "missing", (place) => rmSync(place)],
  ["its folder is gone", "missing", (place) => rmSync(dirname(place), { recursive: true })],
  ["it is cut short", "size", (place, bytes) => truncateSync(place, bytes.length - 1)],
  ["it is empty", "size", (place) => truncateSync(place, 0)],
  ["it is longer", "size", (place) => appendFileSync(place, "x")],
  [
    "one bit of it is another",
    "hash",
    (place, bytes) => {
      const { atime, mtime } = statSync(place);
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(20) ^ 1, 20);
      writeFileSync(place, changed);
      utimesSync(place, atime, mtime);
    },
  ],
  [
    "it is a link to the same bytes elsewhere",
    "foreign",
    (place) => {
      const there = join(outside, newId());
      renameSync(place, there);
      symlinkSync(there, place);
    },
  ],
  [
    "its folder is a link to the same bytes elsewhere",
    "foreign",
    (place) => {
      const there = join(outside, newId());
      renameSync(dirname(place), there);
      symlinkSync(there, dirname(place));
    },
  ],
  [
    "it is a pipe that nobody writes to",
    "foreign",
    (place) => {
      rmSync(place);
      execFileSync("mkfifo", [place]);
    },
  ],
];

for (const [what, reason, harm] of harms) {
  t.test(`${what}: refused, told to the operator, and mended by the same bytes`, async (t) => {
    const bytes = pdf(`${what} ${newId()}`);
    const { body } = await attach(bytes);
    const place = placeOf(market, body.sha256);
    t.equal((await contentOf(body.id)).status, 200, "it was there, and counts as verified");
    harm(place, bytes);
    refused(t, await contentOf(body.id), 500, "attachment.damaged");
    t.equal((await market.as(owner)("HEAD", `${path}/${body.id}/content`)).status, 500);
    const ranged = await contentOf(body.id, { range: "bytes=0-3" });
    refused(t, ranged, 500, "attachment.damaged");
    const known = { "if-none-match": `"${body.sha256}"` };
    t.equal((await contentOf(body.id, known)).status, 304, "whoever has it has it");

    lines.length = 0;
    const url = `${path}/${body.id}/content`;
    const headers = { authorization: `Bearer ${owner.token}` };
    t.equal((await logging.inject({ url, headers })).statusCode, 500);
    const [line] = lines.filter(({ damage }) => damage);
    t.match(line, { level: 50, attachment: body.id, damage: reason });
    const text = JSON.stringify(lines);
    for (const secret of ["保密合同", body.sha256, market.app.config.dataDir]) {
      t.notOk(text.includes(secret), "neither a name nor a path");
    }
    const metrics = (await logging.inject("/metrics")).body;
    t.match(metrics, new RegExp(`attachments_damaged_total\\{reason="${reason}"\\} [1-9]`));

    const again = await attach(bytes);
    t.equal(again.status, 201);
    for (const id of [body.id, again.body.id]) {
      const reply = await contentOf(id);
      t.equal(reply.status, 200);
      t.equal(reply.text, bytes.toString());
    }
    t.same((await settledFiles(market)).incoming, []);
  });
}

t.test("an upload that was answered before mends as well", async (t) => {
  const to = await draft();
  const bytes = pdf("又一次");
  const key = { "idempotency-key": newId() };
  const first = await attach(bytes, key, to);
  truncateSync(placeOf(market, first.body.sha256), 3);
  const second = await attach(bytes, key, to);
  t.equal(second.headers["idempotent-replayed"], "true");
  t.equal(second.body.id, first.body.id);
  t.equal((await contentOf(first.body.id)).text, bytes.toString());
  t.equal((await market.as(owner)("DELETE", `${path}/${first.body.id}`)).status, 204);
  const third = await attach(bytes, key, to);
  t.equal(third.headers["idempotent-replayed"], "true", "what it was once");
  t.notOk(
    existsSync(placeOf(market, first.body.sha256)),
    "but nothing refers to the bytes any more",
  );
});

t.test("what lies outside stays, when its name here is removed", async (t) => {
  const { body } = await attach(pdf("在外"));
  const folder = dirname(placeOf(market, body.sha256));
  const there = join(outside, newId());
  renameSync(folder, there);
  symlinkSync(there, folder);
  t.equal((await market.as(owner)("DELETE", `${path}/${body.id}`)).status, 204);
  t.ok(existsSync(join(there, body.sha256)));
  rmSync(folder);
});

t.test("a file that is deleted while it is asked for is not found, and no alarm", async (t) => {
  const { body } = await attach(pdf("刚删"));
  const { open } = market.app.files;
  market.app.files.open = async (file) => {
    await market.as(owner)("DELETE", `${path}/${body.id}`);
    return open(file);
  };
  const reply = await contentOf(body.id);
  market.app.files.open = open;
  refused(t, reply, 404, "attachment.not_found");
});

t.test("parts of a file", async (t) => {
  const bytes = pdf("0123456789");
  const { body } = await attach(bytes);
  const { length } = bytes;
  const etag = `"${body.sha256}"`;
  const whole = await contentOf(body.id);
  t.equal(whole.headers["accept-ranges"], "bytes");
  const digest = `sha-256=:${createHash("sha256").update(bytes).digest("base64")}:`;
  t.equal(whole.headers["repr-digest"], digest);

  const parts: [string, number, number][] = [
    ["bytes=0-0", 0, 0],
    ["bytes=2-5", 2, 5],
    ["bytes=10-", 10, length - 1],
    ["bytes=-4", length - 4, length - 1],
    [`bytes=-${length + 100}`, 0, length - 1],
    ["bytes=5-999999", 5, length - 1],
    ["Bytes = 1 - 2", 1, 2],
    [`bytes=${length - 1}-`, length - 1, length - 1],
  ];
  for (const [range, first, last] of parts) {
    const reply = await contentOf(body.id, { range });
    t.equal(reply.status, 206, range);
    t.equal(reply.text, bytes.subarray(first, last + 1).toString());
    t.equal(reply.headers["content-range"], `bytes ${first}-${last}/${length}`);
    t.equal(Number(reply.headers["content-length"]), last - first + 1);
    t.equal(reply.headers["repr-digest"], digest, "of the whole");
    t.equal(reply.headers.etag, etag);
  }
  const ignored = [
    "bytes=5-2",
    "bytes=0-1,4-5",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "items=0-1",
    "bytes=0x1-2",
    "bytes=--5",
  ];
  for (const range of ignored) {
    const reply = await contentOf(body.id, { range });
    t.equal(reply.status, 200, range);
    t.equal(reply.text, bytes.toString());
  }
  for (const range of [`bytes=${length}-`, "bytes=99999999999999999999-", "bytes=-0"]) {
    const reply = await contentOf(body.id, { range });
    refused(t, reply, 416, "request.range_not_satisfiable");
    t.equal(reply.headers["content-range"], `bytes */${length}`);
  }
  const same = await contentOf(body.id, { range: "bytes=0-1", "if-range": etag });
  t.equal(same.status, 206);
  for (const ifRange of ['"another"', `W/${etag}`, "Thu, 26 Nov 2026 16:00:00 GMT"]) {
    const reply = await contentOf(body.id, { range: "bytes=0-1", "if-range": ifRange });
    t.equal(reply.status, 200, "the whole of what it is now");
  }
  const head = await market.as(owner)("HEAD", `${path}/${body.id}/content`, {
    headers: { range: "bytes=0-1" },
  });
  t.equal(head.status, 200);
  t.equal(Number(head.headers["content-length"]), length);
  t.equal(head.headers["repr-digest"], digest);
});

t.test("a file that ends in the middle of its download ends the connection", async (t) => {
  const bytes = Buffer.concat([pdf("长"), Buffer.alloc(30 * 1024 * 1024, 7)]);
  const { body } = await attach(bytes);
  lines.length = 0;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(
      {
        port,
        host: "127.0.0.1",
        path: `${path}/${body.id}/content`,
        headers: { authorization: `Bearer ${owner.token}` },
      },
      resolve,
    ).on("error", reject);
  });
  t.equal(response.statusCode, 200);
  truncateSync(placeOf(market, body.sha256), 1000);
  let received = 0;
  await t.rejects(async () => {
    for await (const chunk of response) received += (chunk as Buffer).length;
  });
  t.ok(received < bytes.length);
  for (let i = 0; i < 500 && !lines.some(({ msg }) => msg === "request"); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.match(
    lines.filter(({ damage }) => damage),
    [{ attachment: body.id, damage: "size" }],
  );
  t.match(
    lines.filter(({ msg }) => msg === "request"),
    [{ status: 200, cut: true }],
    "the line of the request says that it did not go out whole",
  );
  refused(t, await contentOf(body.id), 500, "attachment.damaged");
});

t.test("many who ask for one file at once wait for one reading of it", async (t) => {
  const bytes = Buffer.concat([pdf("众"), Buffer.alloc(2 * 1024 * 1024, 9)]);
  const { body } = await attach(bytes);
  const replies = await Promise.all(Array.from({ length: 20 }, () => contentOf(body.id)));
  t.ok(replies.every(({ status, text }) => status === 200 && text.length > 2 * 1024 * 1024));
  t.same(readFileSync(placeOf(market, body.sha256)), bytes);
  t.ok(filesIn(market).kept.includes(hashOf(bytes)));
});

t.test("a process says at start, and in its readiness, that all files are missing", async (t) => {
  await attach(pdf("最新"));
  const start = async (dataDir: string) => {
    lines.length = 0;
    const app = await buildApp(
      { ...market.app.config, dataDir },
      {
        database: market.database,
        keys: market.app.signingKeys,
        logger: { level: "error", stream: sink },
      },
    );
    await app.ready();
    const { status, degraded } = (await app.inject("/readyz")).json();
    await app.close();
    return {
      status,
      degraded,
      told: lines.filter(({ msg }) => /none of the newest/.test(String(msg))),
    };
  };
  t.match(await start(market.app.config.dataDir), { degraded: [], told: [] });
  t.match(await start(outside), {
    status: "degraded",
    degraded: ["attachments"],
    told: [{ level: 50 }],
  });
});
