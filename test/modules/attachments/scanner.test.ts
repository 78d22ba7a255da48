/** Files are scanned before they are kept, by a stand-in that speaks clamd's protocol. */
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { attachments } from "../../../db/schema/attachments.ts";
import { readConfig } from "../../../src/config.ts";
import { temporaryFolder } from "../../../src/lib/temporary.ts";
import { hashOf, pdf, settledFiles, upload } from "../../support/files.ts";
import { drafted } from "../../support/listings.ts";
import { openMarket } from "../../support/market.ts";
import { refused } from "../../support/replies.ts";
import { until } from "../../support/time.ts";

/** What came in one stream: the bytes, and the sizes of their pieces. */
interface Streamed {
  bytes: Buffer;
  pieces: number[];
}
type Answer = (socket: Socket, streamed: Streamed) => void;

const say =
  (...parts: string[]): Answer =>
  (socket) => {
    const next = () => {
      const part = parts.shift();
      if (part === undefined) return;
      socket.write(part);
      setTimeout(next, 20);
    };
    next();
  };
const eicar = /EICAR-STANDARD-ANTIVIRUS-TEST-FILE/;
/** As clamd answers. */
const honest: Answer = (socket, { bytes }) =>
  say(eicar.test(bytes.toString("latin1")) ? "stream: Eicar-Signature FOUND\0" : "stream: OK\0")(
    socket,
    { bytes, pieces: [] },
  );

let answer: Answer = honest;
let cutAfter = Number.POSITIVE_INFINITY;
let limit = Number.POSITIVE_INFINITY;
const streams: Streamed[] = [];
const sockets = new Set<Socket>();

/** Reads what comes as clamd does: a command up to its zero, then pieces with their lengths. */
function serve(socket: Socket): void {
  sockets.add(socket);
  let held = Buffer.alloc(0);
  const pieces: Buffer[] = [];
  let command = "";
  socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  socket.on("data", (chunk) => {
    held = Buffer.concat([held, chunk]);
    if (command === "") {
      const end = held.indexOf(0);
      if (end === -1) return;
      command = held.subarray(0, end).toString();
      held = held.subarray(end + 1);
      if (command === "zPING") return void socket.end("PONG\0");
      if (command !== "zINSTREAM") return void socket.end("UNKNOWN COMMAND\0");
    }
    while (held.length >= 4) {
      const length = held.readUInt32BE(0);
      if (held.length < 4 + length) return;
      const piece = held.subarray(4, 4 + length);
      held = held.subarray(4 + length);
      if (length === 0) {
        const streamed = { bytes: Buffer.concat(pieces), pieces: pieces.map((one) => one.length) };
        streams.push(streamed);
        return answer(socket, streamed);
      }
      pieces.push(piece);
      const size = pieces.reduce((sum, one) => sum + one.length, 0);
      if (size > cutAfter) return void socket.destroy();
      if (size > limit) return void socket.write("INSTREAM size limit exceeded. ERROR\0");
    }
  });
}

const path = join(temporaryFolder("scanner"), "clamd.sock");
let server: Server;
const listen = (at: string | number) =>
  new Promise<Server>((resolve) => {
    const made = createServer(serve).listen(at, () => resolve(made));
  });
async function stop(): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  for (const socket of sockets) socket.destroy();
  await closed;
}
server = await listen(path);
t.teardown(stop);

const lines: Record<string, unknown>[] = [];
const market = await openMarket(t, {
  settings: { CLAMAV_HOST: path, HANDLER_SECONDS: "6" },
  logger: { stream: { write: (line: string) => void lines.push(JSON.parse(line)) } },
});
const { db } = market.database;
const owner = await market.person("university");
const attach = async (bytes: Buffer) => {
  const subjectId = (await drafted(market, "result", owner)).body.id as string;
  return upload(market, owner, { subjectType: "result", subjectId }, bytes);
};
const bad = pdf("X5O!P%@AP EICAR-STANDARD-ANTIVIRUS-TEST-FILE");
const readiness = async () => (await market.as(null)("GET", "/readyz")).body;

/** Asserts that a call keeps nothing. */
async function keepsNothing(t: Test, call: () => Promise<void>) {
  const before = [await db.$count(attachments), await settledFiles(market)];
  await call();
  t.same([await db.$count(attachments), await settledFiles(market)], before, "nothing is kept");
}

t.test("a clean file is kept, after all of it was streamed in pieces", async (t) => {
  const bytes = Buffer.concat([pdf("大"), Buffer.alloc(300_000, "x")]);
  t.equal((await attach(bytes)).status, 201);
  const [streamed] = streams;
  t.equal(hashOf(streamed?.bytes ?? Buffer.alloc(0)), hashOf(bytes));
  t.ok((streamed?.pieces.length ?? 0) > 4, "more than one piece");
  t.ok((await settledFiles(market)).kept.includes(hashOf(bytes)));
});

t.test("an infected one is not, and the log says what it was", async (t) => {
  lines.length = 0;
  await keepsNothing(t, async () => {
    const reply = await attach(bad);
    t.match(refused(t, reply, 400, "attachment.infected").detail, /Eicar-Signature/);
  });
  t.match(
    lines.filter(({ signature }) => signature),
    [
      {
        signature: "Eicar-Signature",
        sha256: hashOf(bad),
        organization: owner.organizationId,
        level: 40,
      },
    ],
  );
});

t.test("an answer may come in parts", async (t) => {
  answer = say("stre", "am: Eicar-Sig", "nature FOUND", "\0");
  await keepsNothing(t, async () => {
    refused(t, await attach(pdf("a")), 400, "attachment.infected");
  });
  answer = say("stream: O", "K", "\0");
  t.equal((await attach(pdf("b"))).status, 201);
  answer = honest;
});

t.test("a file that is too large for the scanner is refused", async (t) => {
  limit = 100_000;
  await keepsNothing(t, async () => {
    const reply = await attach(Buffer.concat([pdf("c"), Buffer.alloc(400_000)]));
    refused(t, reply, 413, "request.too_large");
  });
  limit = Number.POSITIVE_INFINITY;
});

t.test("without an answer that says so nothing is kept", async (t) => {
  const answers: Record<string, Answer> = {
    closed: (socket) => socket.end(),
    half: (socket) => socket.end("stream: O"),
    error: say("stream: Can't allocate memory ERROR\0"),
    nonsense: say("OK\0"),
    endless: say("x".repeat(10_000)),
    none: () => {},
  };
  for (const [name, given] of Object.entries(answers)) {
    answer = given;
    await keepsNothing(t, async () => {
      const reply = await attach(pdf(name));
      refused(t, reply, 503, "attachment.not_scanned");
      t.ok(Number(reply.headers["retry-after"]) > 0);
    });
    t.match(await readiness(), { status: "degraded", degraded: ["scanner"] }, name);
  }
  answer = honest;
  cutAfter = 100_000;
  await keepsNothing(t, async () => {
    const reply = await attach(Buffer.concat([pdf("cut"), Buffer.alloc(400_000)]));
    refused(t, reply, 503, "attachment.not_scanned");
  });
  cutAfter = Number.POSITIVE_INFINITY;
});

t.test("while it is away nothing is kept, and then all goes on", async (t) => {
  await stop();
  await keepsNothing(t, async () => {
    refused(t, await attach(pdf("away")), 503, "attachment.not_scanned");
  });
  t.match(await readiness(), { degraded: ["scanner"] });
  server = await listen(path);
  t.equal((await attach(pdf("back"))).status, 201);
  t.match(await readiness(), { status: "ok", degraded: [] });
});

t.test("one that is away from the start is noticed; by port as by path", async (t) => {
  const tcp = await listen(0);
  const { port } = tcp.address() as { port: number };
  const second = await openMarket(t, { settings: { CLAMAV_HOST: `127.0.0.1:${port}` } });
  const other = await second.person("university");
  const subjectId = (await drafted(second, "result", other)).body.id as string;
  const query = { subjectType: "result", subjectId };
  t.equal((await upload(second, other, query, pdf("tcp"))).status, 201);
  refused(t, await upload(second, other, query, bad), 400, "attachment.infected");
  tcp.close();
  const third = await openMarket(t, { settings: { CLAMAV_HOST: `127.0.0.1:${port}` } });
  await until(async () =>
    (await third.as(null)("GET", "/readyz")).body.degraded.includes("scanner"),
  );
});

t.test("settings", async (t) => {
  t.equal(readConfig({}).scanner, null);
  for (const right of ["clamav:3310", "127.0.0.1:3310", "[::1]:3310", "/run/clamav/clamd.ctl"]) {
    t.equal(readConfig({ CLAMAV_HOST: right }).scanner, right);
  }
  for (const wrong of ["clamav", "http://clamav:3310", ":3310", "a b:1"]) {
    t.throws(() => readConfig({ CLAMAV_HOST: wrong }), /CLAMAV_HOST/);
  }
});
