/** Mail to people, by a real mail server: who is written what, in which language, once, and however that server behaves. */
import { eq, sql } from "drizzle-orm";
import t from "tap";
import { mailPreferences, mails } from "../../../db/schema/mails.ts";
import { members } from "../../../db/schema/members.ts";
import { signInAttempts } from "../../../db/schema/sessions.ts";
import { transact } from "../../../src/database/transact.ts";
import { systemOrigin } from "../../../src/lib/access.ts";
import { nowInstant } from "../../../src/lib/clock.ts";
import { sha256 } from "../../../src/lib/ids.ts";
import { takeMails } from "../../../src/modules/mail/outbox.service.ts";
import { issueLink, issueMailedToken } from "../../../src/modules/sessions/sessions.service.ts";
import { confirm, confirmingContract } from "../../support/contracts.ts";
import { openInterest } from "../../support/deals.ts";
import { auditsOf } from "../../support/log.ts";
import { type Caller, openMarket, password } from "../../support/market.ts";
import { proposedMatch, stepOf } from "../../support/matches.ts";
import { stepOf as caseStep, filedCase, openOffice } from "../../support/registrations.ts";
import { must, refused, statusesOf } from "../../support/replies.ts";
import { openMailServer } from "../../support/smtp.ts";
import { later, stopClock, until } from "../../support/time.ts";

stopClock(t);
const server = await openMailServer(t);
const market = await openMarket(t, {
  settings: {
    SMTP_URL: server.url,
    MAIL_FROM: "Grand Market <market@example.test>",
    MAIL_LINK_PAGE: "https://portal.test/password",
  },
});
const { db } = market.database;
const run = (name: string) =>
  market.app.jobs.find((job) => job.name === `mail.${name}`)!.run(market.served.db);
const preferencesPath = "/v1/me/mail-preferences";
const supplementRequest = { note: "请补充技术内容说明。", grounds: ["incomplete_material"] };
const fresh = "another pass phrase 2026";

/** Sends what is due, and gives what came of it. */
async function sent() {
  const before = server.taken.length;
  await run("send");
  return server.taken.slice(before);
}
const to = (letters: Awaited<ReturnType<typeof sent>>, { email }: Caller) =>
  letters.filter(({ recipients }) => recipients.includes(email));
const rows = () => db.select().from(mails);

async function choose(who: Caller, changes: object) {
  const { headers } = await market.as(who)("GET", preferencesPath);
  return market.as(who)("PATCH", preferencesPath, {
    body: changes,
    headers: { "if-match": String(headers.etag) },
  });
}
const membersOf = ({ organizationId }: Caller) => `/v1/organizations/${organizationId}/members`;
let invited = 0;
async function invite(by: Caller, name = "王强") {
  const email = `invited${++invited}@example.test`;
  const reply = await market.as(by)("POST", membersOf(by), { body: { name, email } });
  return { reply, email, token: String(reply.body.token), id: reply.body.member?.id as string };
}
const redeem = (token: string) =>
  market.as(null)("POST", "/v1/auth/redeem-link", { body: { token, password: fresh } });
const tokenIn = (text = "") => /#token=(gml_[\w-]{43})/.exec(text)?.[1] ?? "";

/** All that the database holds, as text. */
async function stored(): Promise<string> {
  const { rows: links } = await db.execute(sql`select * from one_time_links`);
  const { rows: log } = await db.execute(sql`select * from audit_records`);
  return JSON.stringify([await rows(), links, log]);
}

t.beforeEach(async () => {
  await db.delete(signInAttempts);
  await db.delete(mails);
  server.answers.length = 0;
});

t.test("an invitation", async (t) => {
  const admin = await market.person("enterprise", { name: "新乡卫河轴承有限公司" });
  const { reply, email, token } = await invite(admin);
  t.equal(reply.body.mailed, true);
  t.notOk((await stored()).includes(token), "the outbox holds no secret");
  const [letter] = await sent();

  t.same(letter?.recipients, [email]);
  t.equal(letter?.from?.address, "market@example.test");
  t.equal(letter?.subject, "邀请您加入科技大市场");
  t.match(letter?.text, /王强，您好！[\s\S]*新乡卫河轴承有限公司邀请您/);
  t.match(letter?.html, /<html lang="zh-CN">/);
  const header = (key: string) => letter?.headers.find((one) => one.key === key)?.value;
  t.equal(header("auto-submitted"), "auto-generated");
  t.match(letter?.messageId, /@market\.test>$/);

  const mailed = tokenIn(letter?.text);
  t.equal(tokenIn(letter?.html), mailed);
  t.not(mailed, token, "the one that the admin was shown is not mailed");
  const all = await stored();
  t.notOk(all.includes(mailed), "nor is the mailed one kept");
  t.ok(all.includes(sha256(mailed)));
  t.match(await rows(), [{ outcome: "sent", linkHash: null, attempts: 1 }]);
  t.same(await sent(), [], "once");

  t.equal((await redeem(mailed)).status, 200);
  refused(t, await redeem(token), 400, "auth.invalid_link");
  const login = await market.as(null)("POST", "/v1/auth/login", {
    body: { email, password: fresh },
  });
  t.equal(login.status, 200);
});

t.test("of an invitation, the token that the admin hands over ends the mailed one", async (t) => {
  const admin = await market.person("enterprise");
  const { token } = await invite(admin);
  const [letter] = await sent();
  t.equal((await redeem(token)).status, 200);
  refused(t, await redeem(tokenIn(letter?.text)), 400, "auth.invalid_link");
});

t.test("a link that works no more is not mailed", async (t) => {
  const admin = await market.person("enterprise");
  const first = await invite(admin);
  t.equal((await redeem(first.token)).status, 200);
  const second = await invite(admin);
  await must(market.as(admin)("DELETE", `${membersOf(admin)}/${second.id}`));
  t.same(await sent(), []);
  t.same(await rows(), []);

  const third = await invite(admin);
  await must(market.as(admin)("POST", `${membersOf(admin)}/${third.id}/issue-link`));
  const letters = await sent();
  t.equal(letters.length, 1, "only the newest");
  t.equal((await redeem(tokenIn(letters[0]?.text))).status, 200);
});

t.test(
  "a newer link ends a mailed token that is made at the same moment",
  { skip: process.env.TEST_DATABASE_URL ? false : "needs several connections" },
  async (t) => {
    const admin = await market.person("enterprise");
    const { id, token } = await invite(admin);
    let mailed: Promise<unknown> | undefined;
    await transact(market.served.pool, async (tx) => {
      await tx.select().from(members).where(eq(members.id, id)).for("update");
      await issueLink(tx, systemOrigin, id, "invitation");
      mailed = transact(market.served.pool, (other) => issueMailedToken(other, sha256(token)));
      await until(async () => {
        const { rows: waiting } = await db.execute(sql`
          select from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`);
        return waiting.length > 0;
      });
    });
    t.equal(await mailed, null, "of the link before there is none");
  },
);

t.test(
  "a password link is mailed, and the change of a password is told whatever one chose",
  async (t) => {
    const admin = await market.person("university");
    const member = await market.colleague(admin);
    await choose(member, { language: "en", digest: false, interestReceived: false });
    await must(market.as(admin)("POST", `${membersOf(admin)}/${member.id}/issue-link`));
    const [letter] = await sent();
    t.same([letter?.recipients, letter?.subject], [[member.email], "Set a new password"]);
    t.equal((await redeem(tokenIn(letter?.text))).status, 200);
    const [told] = await sent();
    t.same([told?.recipients, told?.subject], [[member.email], "Your password was changed"]);
    t.match(told?.text, /If it was not you/);

    const body = { currentPassword: password, newPassword: fresh };
    await must(market.as(admin)("POST", "/v1/auth/change-password", { body }));
    t.match(await sent(), [{ recipients: [admin.email], subject: "您的登录密码已变更" }]);
  },
);

t.test("nobody is written to for an organization that is not verified", async (t) => {
  const stranger = await market.person("enterprise", { status: "pending" });
  const { reply } = await invite(stranger);
  t.same([reply.status, reply.body.mailed], [201, false]);
  const body = { currentPassword: password, newPassword: fresh };
  await must(market.as(stranger)("POST", "/v1/auth/change-password", { body }));
  t.same(await sent(), []);
});

t.test("what waits is told to those of the organization who want it", async (t) => {
  const made = await openInterest(market);
  const english = await market.colleague(made.owner);
  const silent = await market.colleague(made.owner);
  const suspended = await market.colleague(made.owner);
  await choose(english, { language: "en" });
  await choose(silent, { interestReceived: false });
  await db.update(members).set({ status: "suspended" }).where(eq(members.id, suspended.id));
  const letters = await sent();
  t.same(
    letters.flatMap(({ recipients }) => recipients).sort(),
    [made.owner.email, english.email].sort(),
  );
  const [zh] = to(letters, made.owner);
  const [en] = to(letters, english);
  t.match(zh?.subject, /^收到新的意向，请答复 [RN]-/);
  t.match(en?.subject, /^An interest waits for your answer [RN]-/);
  t.match(en?.text, /Interest to answer: [RN]-[\s\S]*https:\/\/market\.test\/v1\/interests/);
  t.match(await rows(), [{ subjectId: null }, { subjectId: null }]);
});

t.test("what is settled before its mail goes out is not told", async (t) => {
  const made = await openInterest(market);
  await must(market.as(made.asker)("POST", `/v1/interests/${made.id}/withdraw`));
  t.same(await sent(), []);
  t.same(await rows(), []);
});

t.test("a match: each owner reads of the own listing alone", async (t) => {
  const needOwner = await market.person("enterprise", { name: "新乡秘而不宣有限公司" });
  const made = await proposedMatch(market, { needOwner, need: { anonymous: true } });
  const letters = await sent();
  t.equal(letters.length, 2);
  const [result] = to(letters, made.resultOwner);
  const [need] = to(letters, needOwner);
  t.match(need?.subject, / N-/);
  t.match(result?.subject, / R-/);
  for (const hidden of ["秘而不宣", "N-2", needOwner.organizationId, needOwner.email]) {
    t.notOk(result?.raw.includes(hidden) || result?.text?.includes(hidden), hidden);
  }

  const again = await proposedMatch(market);
  await must(stepOf(market, again.resultOwner, again.id, "accept"));
  const after = await sent();
  t.same(to(after, again.resultOwner), [], "it has accepted already");
  t.equal(to(after, again.needOwner).length, 1);
});

t.test("a contract to confirm, and a supplement asked for", async (t) => {
  const made = await confirmingContract(market);
  await must(confirm(market, made.seller, made));
  const letters = await sent();
  t.same(to(letters, made.seller), []);
  t.match(to(letters, made.buyer), [{ subject: `合同待您方确认 ${made.contract.reference}` }]);
  t.notOk(
    letters.some(({ text }) => text?.includes(made.contract.title)),
    "no content",
  );

  const office = await openOffice(market);
  const filed = await filedCase(market, office);
  await run("send");
  await must(caseStep(market, office.first, filed.caseId, "request-supplement", supplementRequest));
  const [asked] = await sent();
  t.match(asked, { recipients: [filed.seller.email], subject: /^登记机构要求补正材料 C-/ });
  t.match(asked?.text, /期限 \d{4}-\d\d-\d\d/);
});

t.test("a digest comes once a day, to whom something waits for", async (t) => {
  const made = await openInterest(market);
  const other = await openInterest(market, { owner: made.owner });
  const silent = await market.colleague(made.owner);
  await choose(silent, { digest: false });
  await run("send");
  await run("digest");
  await Promise.all([run("digest"), run("digest")]);
  const letters = await sent();
  t.equal(to(letters, made.owner).length, 1);
  t.same([to(letters, silent), to(letters, made.asker)], [[], []]);
  const [digest] = to(letters, made.owner);
  t.equal(digest?.subject, "今日待办事项");
  t.equal(digest?.text?.match(/- 意向待答复：/g)?.length, 2);
  await run("digest");
  t.same(to(await sent(), made.owner), []);

  await must(market.as(made.asker)("POST", `/v1/interests/${made.id}/withdraw`));
  await later(24 * 3_600, async () => {
    await run("digest");
    const [next] = to(await sent(), made.owner);
    t.equal(next?.text?.match(/- 意向待答复：/g)?.length, 1, "what still waits, the day after");
  });
  await must(market.as(other.asker)("POST", `/v1/interests/${other.id}/withdraw`));
  await later(2 * 24 * 3_600, async () => {
    await run("digest");
    t.same(to(await sent(), made.owner), [], "nothing waits any more");
  });
});

t.test("a server that refuses for now is asked again later and later, then no more", async (t) => {
  const admin = await market.person("enterprise");
  const { email } = await invite(admin);
  const pauses: number[] = [];
  for (let at = 0, tries = 1; tries <= 7; tries++) {
    server.answers.push({ code: 451 });
    await later(at, () => run("send"));
    const [row] = await rows();
    t.match(row, { attempts: tries, reason: "EENVELOPE 451", endedAt: null });
    const next = (Date.parse(String(row?.dueAt)) - Date.parse(nowInstant())) / 1000;
    pauses.push(next - at);
    server.answers.length = 0;
    await later(next - 10, () => run("send"));
    t.same(
      server.taken.filter(({ recipients }) => recipients.includes(email)),
      [],
    );
    at = next + 1;
  }
  for (const [i, pause] of pauses.entries()) t.ok(i === 0 || pause > Number(pauses[i - 1]) * 1.5);
  t.ok(Math.abs(Number(pauses[0]) - 60) < 10);

  // The server takes it at last, with a link that works.
  const [row] = await rows();
  const letters = await later(7 * 24 * 3_600 - 5, sent);
  t.match(letters, [{ recipients: [email], messageId: `<${row?.id}@market.test>` }]);
  t.match(await rows(), [{ outcome: "sent", attempts: 8 }]);
  t.equal((await redeem(tokenIn(letters[0]?.text))).status, 200);
});

t.test(
  "a mail is given up after its last try, and at once where it is refused for good",
  async (t) => {
    const admin = await market.person("enterprise");
    const { email } = await invite(admin);
    await db.update(mails).set({ attempts: 7 });
    server.answers.push({ code: 451, only: email });
    t.same(await sent(), []);
    t.match(await rows(), [{ outcome: "given_up", reason: "EENVELOPE 451", attempts: 8 }]);
    const third = await invite(admin);
    const fourth = await invite(admin);
    server.answers.push({ code: 550, only: third.email });
    t.match(await sent(), [{ recipients: [fourth.email] }], "the other one is not held up");
    const ended = (await rows()).filter(({ reason }) => reason === "EENVELOPE 550");
    t.match(ended, [{ outcome: "given_up", attempts: 1 }]);
    t.equal(ended.length, 1);
  },
);

t.test("a process that died while it sent leaves the mail to another one", async (t) => {
  const { email } = await invite(await market.person("enterprise"));
  // It has taken the mail, and nothing more is heard of it.
  const taken = await transact(market.served.pool, takeMails);
  t.equal(taken.length, 1);
  t.same(await later(590, sent), [], "it may still be at it");
  t.match(await later(610, sent), [{ recipients: [email] }]);
});

t.test("two processes at once send each mail once", async (t) => {
  const admin = await market.person("enterprise");
  const emails: string[] = [];
  for (let i = 0; i < 30; i++) emails.push((await invite(admin)).email);
  const before = server.taken.length;
  await Promise.all([run("send"), run("send"), run("send")]);
  await run("send");
  const recipients = server.taken.slice(before).flatMap((letter) => letter.recipients);
  t.same(recipients.sort(), emails.sort());
});

t.test("a server that stalls delays no request, and holds no connection", async (t) => {
  const admin = await market.person("enterprise");
  await invite(admin);
  let go = () => {};
  server.stalled = new Promise<void>((resolve) => {
    go = resolve;
  });
  const { seen } = server;
  const sending = run("send");
  await until(() => server.seen > seen);
  const replies = await Promise.all(Array.from({ length: 20 }, () => invite(admin)));
  t.same(statusesOf(replies.map(({ reply }) => reply)), Array(20).fill(201));
  t.match(
    (await rows()).find(({ attempts }) => attempts === 1),
    { endedAt: null },
    "it still waits",
  );
  go();
  server.stalled = null;
  await sending;
  await run("send");
  t.ok((await rows()).every(({ outcome }) => outcome === "sent"));
});

t.test("a name makes no header, no further recipient and no markup", async (t) => {
  const admin = await market.person("enterprise", { name: '甲<img src=x>"&' });
  const { email, id } = await invite(admin);
  const name = 'Eve\r\nBcc: victim@example.test\r\n\r\n<script>alert(1)</script>", <x@y.test>';
  await db.update(members).set({ name }).where(eq(members.id, id));
  const [letter] = await sent();
  t.same(letter?.recipients, [email]);
  t.same(
    letter?.headers.filter(({ key }) => ["bcc", "cc"].includes(key)),
    [],
  );
  t.equal(letter?.headers.filter(({ key }) => key === "subject").length, 1);
  t.equal(letter?.to?.length, 1);
  t.match(letter?.html, /&lt;script&gt;/);
  t.notMatch(letter?.html, /<script|<img/);
});

t.test("preferences", async (t) => {
  const person = await market.person("enterprise");
  const get = (who: Caller | null) => market.as(who)("GET", preferencesPath);

  t.test("are all on and Chinese until somebody chooses", async (t) => {
    const { body } = await get(person);
    t.match(body, { isOn: true, email: person.email, language: "zh", digest: true, version: 1 });
    t.same(await db.select().from(mailPreferences).where(eq(mailPreferences.id, person.id)), []);
  });

  t.test("are changed by merge patch, on the record", async (t) => {
    const reply = await choose(person, { language: "en", digest: false });
    t.match(reply.body, { language: "en", digest: false, matchProposed: true, version: 2 });
    t.match((await get(person)).body, reply.body);
    t.match((await auditsOf(market, person.id)).at(-1), {
      type: "mail_preferences.update",
      before: { language: "zh", digest: true },
      after: { language: "en", digest: false },
    });
  });

  t.test("need the version as it is: of two at once one is told to read again", async (t) => {
    const other = await market.person("enterprise");
    const patch = (headers: Record<string, string>) =>
      market.as(other)("PATCH", preferencesPath, { body: { digest: false }, headers });
    refused(t, await patch({}), 428, "request.precondition_required");
    refused(t, await patch({ "if-match": '"7-"' }), 412, "request.precondition_failed");
    const both = await Promise.all([1, 2].map(() => patch({ "if-match": '"1-"' })));
    t.same(statusesOf(both), [200, 412]);
    t.match((await get(other)).body, { version: 2 });
  });

  t.test("take nothing else, and no null", async (t) => {
    const wrong = [{ language: "fr" }, { digest: null }, { digest: "no" }, { email: "x@y.test" }];
    for (const body of wrong) {
      const reply = await choose(person, body);
      t.equal(reply.status, 400, JSON.stringify(body));
      t.match(reply.body.errors, [{ pointer: `/${Object.keys(body)[0]}` }]);
    }
    t.match((await get(person)).body, { version: 2 });
  });

  t.test("are a person's own", async (t) => {
    refused(t, await get(null), 401, "auth.required");
    const machine = await market.client(person, ["organization:read"]);
    refused(t, await get(machine), 403, "auth.person_required");
    const colleague = await market.colleague(person);
    t.match((await get(colleague)).body, { email: colleague.email, language: "zh", version: 1 });
  });
});

t.test("ended mails are removed after a month; a person who goes takes all along", async (t) => {
  const admin = await market.person("enterprise");
  await invite(admin);
  await run("send");
  await later(29 * 24 * 3_600, () => run("remove-old"));
  t.equal((await rows()).length, 1);
  await later(31 * 24 * 3_600, () => run("remove-old"));
  t.same(await rows(), []);
});
