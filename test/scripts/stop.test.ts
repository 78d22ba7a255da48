/** The program as it is stopped: what runs is finished, what lasts is cut, and it ends with 0. */
import { once } from "node:events";
import { rmSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import t from "tap";
import { members } from "../../db/schema/members.ts";
import { organizations } from "../../db/schema/organizations.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { newId } from "../../src/lib/ids.ts";
import { hashPassword } from "../../src/lib/passwords.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { multipart, pdf } from "../support/files.ts";
import { startProgram } from "../support/program.ts";
import { dial, replyIn } from "../support/sockets.ts";
import { until } from "../support/time.ts";

const folder = temporaryFolder("stop");
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the program on the test's folder, and waits until it listens. */
async function start(settings: Record<string, string>) {
  const all = { DATA_DIR: folder, MAX_EVENT_LOOP_DELAY: "0", DEMO: "false", ...settings };
  const program = startProgram(all);
  const url = await program.announced;
  return { ...program, url, port: Number(new URL(url).port) };
}

const credentials = { email: "somebody@example.com", password: "a long pass phrase" };

/** A verified university and its person, in the folder before the program starts: only they attach files. */
async function settle(): Promise<void> {
  const database = await openEmbedded(folder);
  await migrate(database);
  const id = newId();
  await database.db.insert(organizations).values({
    id,
    kind: "university",
    status: "verified",
    name: "关机前登记的高校",
    creditCode: "91410782MA9T000262",
    legalType: "institution",
    regionCode: "410782",
  });
  await database.db.insert(members).values({
    id: newId(),
    organizationId: id,
    status: "active",
    name: "某人",
    isAdmin: true,
    email: credentials.email,
    passwordHash: await hashPassword(credentials.password),
  });
  await database.close();
}

/** A JSON call that must succeed. */
async function post(url: string, body: object, token = ""): Promise<Record<string, string>> {
  const reply = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: token }) },
    body: JSON.stringify(body),
  });
  if (!reply.ok) throw new Error(`${url}: ${reply.status} ${await reply.text()}`);
  return (await reply.json()) as Record<string, string>;
}

t.test("SIGTERM under load: nothing fails, a cut download holds nobody, exit code 0", async (t) => {
  await settle();
  const { child, url, port, ended, text } = await start({ DRAIN_SECONDS: "1", STOP_SECONDS: "4" });
  const token = `Bearer ${(await post(`${url}/v1/auth/login`, credentials)).accessToken}`;
  const subjectId = (await post(`${url}/v1/results`, { title: "一项成果" }, token)).id ?? "";
  const query = new URLSearchParams({ subjectType: "result", subjectId });
  const uploadOf = (bytes: Buffer) => {
    const { body, type } = multipart(bytes, "a.pdf");
    const head =
      `POST /v1/attachments?${query} HTTP/1.1\r\nHost: x\r\nAuthorization: ${token}\r\n` +
      `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`;
    return { head, body };
  };

  // More than the system's buffers hold, and nobody reads it.
  const long = uploadOf(Buffer.concat([pdf("long"), Buffer.alloc(24_000_000, " ")]));
  const sender = await dial(port, long.head);
  sender.socket.write(long.body);
  await until(() => sender.text().includes("\r\n\r\n"));
  const { id } = JSON.parse(replyIn(sender.text()).body);
  const get = (path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${token}\r\n\r\n`;
  const download = await dial(port, get(`/v1/attachments/${id}/content`), false);
  await once(download.socket, "readable");

  const running = uploadOf(pdf("running"));
  const upload = await dial(port, running.head);
  upload.socket.write(running.body.subarray(0, 50));

  let answered = 0;
  let failed = 0;
  /** Asks on one connection until it is told to close it, or until no new one is taken. */
  async function work(): Promise<void> {
    const caller = await dial(port);
    for (let asked = 1; ; asked++) {
      caller.socket.write(get(asked % 2 ? "/v1/results?limit=1" : "/livez"));
      const isAnswered = () => caller.text().split(/HTTP\/1.1 200 [\s\S]*?\r\n\r\n/).length > asked;
      await until(() => isAnswered() || caller.isClosed());
      if (!isAnswered()) {
        failed += 1;
        return;
      }
      answered += 1;
      if (/^connection: close/im.test(caller.text())) return;
      await setTimeout(20);
    }
  }
  const workers = Array.from({ length: 8 }, work);
  await until(() => answered > 80);

  const begun = performance.now();
  child.kill("SIGTERM");
  await Promise.all(workers);
  t.equal(failed, 0, `${answered} answered`);
  upload.socket.write(running.body.subarray(50));
  await upload.closed;
  const { status, head } = replyIn(upload.text());
  t.equal(status, 201, "what runs is finished");
  t.match(head, /^connection: close/im);
  t.equal(await ended, 0);
  t.ok(performance.now() - begun > 4_000, "the download got its time");
  t.match(text(), "requests that still ran were cut");
  download.socket.destroy();
});

t.test("a stop with nothing to wait for is short, and a second signal ends at once", async (t) => {
  const idle = await start({ STOP_SECONDS: "600" });
  const kept = await dial(idle.port, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  const silent = await dial(idle.port);
  await until(() => kept.text().includes('"ok"'));
  idle.child.kill("SIGTERM");
  t.equal(await idle.ended, 0, "idle connections are closed");
  await Promise.all([kept.closed, silent.closed]);

  const slow = await start({ DRAIN_SECONDS: "60" });
  slow.child.kill("SIGTERM");
  await until(async () => (await fetch(`${slow.url}/readyz`)).status === 503);
  slow.child.kill("SIGTERM");
  t.equal(await slow.ended, 1, "not in order");
});
