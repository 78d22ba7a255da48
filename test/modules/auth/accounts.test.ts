/** People: registering, signing in and out, passwords, invitations, and who administers whom. */
import { setTimeout as sleep } from "node:timers/promises";
import { and, eq } from "drizzle-orm";
import t from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { members } from "../../../db/schema/members.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import {
  oneTimeLinks,
  refreshTokens,
  sessions,
  signInAttempts,
} from "../../../db/schema/sessions.ts";
import { clock } from "../../../src/lib/clock.ts";
import { sha256 } from "../../../src/lib/ids.ts";
import { auditsOf } from "../../support/log.ts";
import {
  type Caller,
  nextCreditCode,
  openMarket,
  password,
  type Reply,
} from "../../support/market.ts";
import { statusesOf } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const nobody = market.as(null);
const unknownId = "01890000-0000-7000-8000-000000000000";

/** Whatever must never be found in an audit record. */
const secrets = new Set<string>([password]);

const memberRow = async (id: string) => {
  const [row] = await db.select().from(members).where(eq(members.id, id));
  if (!row) throw new Error("no such member");
  return row;
};

const lastAuditOf = async (subjectId: string) => (await auditsOf(market, subjectId)).at(-1);

const activeAdmins = (organizationId: string) =>
  db.$count(
    members,
    and(
      eq(members.organizationId, organizationId),
      eq(members.isAdmin, true),
      eq(members.status, "active"),
    ),
  );

async function signIn(email: string, secret = password) {
  const reply = await nobody("POST", "/v1/auth/login", { body: { email, password: secret } });
  if (reply.body?.refreshToken) {
    secrets.add(reply.body.accessToken);
    secrets.add(reply.body.refreshToken);
  }
  return reply;
}

/** Somebody with tokens of the sign-in endpoint. */
async function signedIn(caller: Caller, secret = password) {
  const { body } = await signIn(caller.email, secret);
  return {
    ...caller,
    token: String(body.accessToken),
    refreshToken: String(body.refreshToken),
  };
}

const refresh = (refreshToken: string) =>
  nobody("POST", "/v1/auth/refresh", { body: { refreshToken } });

const membersOf = (of: Caller) => `/v1/organizations/${of.organizationId}/members`;

let invited = 0;
async function invite(by: Caller, input: object = {}) {
  const email = `invited${++invited}@example.test`;
  secrets.add(email);
  const reply = await market.as(by)("POST", membersOf(by), {
    body: { name: "王强", email, ...input },
  });
  if (reply.body?.token) secrets.add(reply.body.token);
  return reply;
}

const redeem = (token: string, newPassword = "another fine pass phrase") => {
  secrets.add(newPassword);
  return nobody("POST", "/v1/auth/redeem-link", { body: { token, password: newPassword } });
};

let registered = 0;
function registration() {
  const n = ++registered;
  const email = `Founder${n}@Example.test`;
  for (const secret of [email, email.toLowerCase(), "founders pass phrase", "0373-3326000"]) {
    secrets.add(secret);
  }
  return {
    organization: {
      kind: "university",
      name: `牧野理工学院${n}`,
      creditCode: nextCreditCode(),
      regionCode: "410711",
      contact: { name: "成果转化办公室", phone: "0373-3326000", email },
    },
    member: { name: "李薇", email, phone: "0373-3326000", password: "founders pass phrase" },
  };
}
const register = (body: object) => nobody("POST", "/v1/auth/register", { body });

t.beforeEach(async () => {
  // Every call comes from one address, which may try a hundred times in 15 minutes.
  await db.delete(signInAttempts);
});

t.test("register", async (t) => {
  t.test("writes a pending organization and its first admin, who can draft at once", async (t) => {
    const input = registration();
    const reply = await register(input);
    t.equal(reply.status, 201);
    const { organization, member } = reply.body;
    t.equal(reply.headers.location, `/v1/organizations/${organization.id}`);
    t.notMatch(reply.text, /founders pass phrase|argon2/);

    const [stored] = await db
      .select()
      .from(organizations)
      .where(eq(organizations.id, organization.id));
    t.match(stored, { status: "pending", kind: "university", legalType: "enterprise", version: 1 });
    const row = await memberRow(member.id);
    t.match(row, {
      organizationId: organization.id,
      status: "active",
      isAdmin: true,
      email: input.member.email.toLowerCase(),
      passwordHash: /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/,
    });

    const session = await signIn(input.member.email, input.member.password);
    t.equal(session.status, 200);
    const founder = { ...member, token: session.body.accessToken };
    const need = await market.as(founder)("POST", "/v1/needs", { body: { title: "在线检测需求" } });
    t.equal(need.status, 201);
  });

  t.test("writes an audit record of both, with nothing personal in it", async (t) => {
    const { body } = await register(registration());
    t.match(await auditsOf(market, body.organization.id), [
      {
        type: "organization.register",
        actorKind: "anonymous",
        organizationId: body.organization.id,
        before: null,
        after: { name: body.organization.name, contact: { changed: true } },
      },
    ]);
    t.match(await auditsOf(market, body.member.id), [
      {
        type: "member.register",
        organizationId: body.organization.id,
        after: {
          name: { changed: true },
          email: { changed: true },
          phone: { changed: true },
          passwordHash: { changed: true },
        },
      },
    ]);
  });

  t.test(
    "an e-mail that is in use is refused, in whatever case, and nothing is stored",
    async (t) => {
      const first = registration();
      await register(first);
      const second = registration();
      second.member.email = first.member.email.toUpperCase();
      const reply = await register(second);
      t.equal(reply.status, 409);
      t.equal(reply.body.code, "member.email_taken");
      const name = second.organization.name;
      t.equal(await db.$count(organizations, eq(organizations.name, name)), 0);
    },
  );

  t.test("of two at once with one e-mail, one is there afterwards", async (t) => {
    const [first, second] = [registration(), registration()];
    second.member.email = first.member.email;
    const replies = await Promise.all([register(first), register(second)]);
    t.same(statusesOf(replies), [201, 409]);
    t.equal(await db.$count(members, eq(members.email, first.member.email.toLowerCase())), 1);
    const names = [first.organization.name, second.organization.name];
    const made = await Promise.all(
      names.map((name) => db.$count(organizations, eq(organizations.name, name))),
    );
    t.same(made.sort(), [0, 1]);
  });

  t.test("names every fault at once, each with its place", async (t) => {
    const input = registration();
    const creditCode = input.organization.creditCode;
    const wrong = creditCode.slice(0, 17) + (creditCode.endsWith("0") ? "1" : "0");
    const reply = await register({
      organization: { ...input.organization, creditCode: wrong, kind: "registry" },
      member: { ...input.member, email: "no e-mail", password: "aaaaaaaaaaaa", isAdmin: true },
    });
    t.equal(reply.status, 400);
    const faults = reply.body.errors.map((e: { pointer: string; code: string }) => [
      e.pointer,
      e.code,
    ]);
    t.same(
      faults.sort(),
      [
        ["/member/email", "invalid_format"],
        ["/member/isAdmin", "unknown_field"],
        ["/member/password", "password.weak"],
        ["/organization/creditCode", "credit_code.check_digit"],
        ["/organization/kind", "invalid_value"],
      ].sort(),
    );
  });

  t.test("a code that its taxonomy lacks is a fault of its field", async (t) => {
    const input = registration();
    const organization = { ...input.organization, regionCode: "999999", scale: "giant" };
    const reply = await register({ ...input, organization });
    t.equal(reply.status, 400);
    t.match(reply.body.errors, [
      { pointer: "/organization/regionCode", code: "taxonomy.unknown_code" },
      { pointer: "/organization/scale", code: "taxonomy.unknown_code" },
    ]);
  });

  t.test("short, long and uniform passwords are refused", async (t) => {
    for (const secret of ["123456789", "x".repeat(201), "ababababababab", "with\0a nul inside"]) {
      const input = registration();
      const reply = await register({ ...input, member: { ...input.member, password: secret } });
      t.equal(reply.status, 400, JSON.stringify(secret));
      t.match(reply.body.errors, [{ pointer: "/member/password" }]);
    }
  });

  t.test("takes no Idempotency-Key", async (t) => {
    const input = registration();
    const headers = { "idempotency-key": "k-1" };
    const reply = await nobody("POST", "/v1/auth/register", { body: input, headers });
    t.equal(reply.status, 400);
    t.equal(reply.body.code, "request.idempotency_key_not_accepted");
    const name = input.organization.name;
    t.equal(await db.$count(organizations, eq(organizations.name, name)), 0);
  });
});

t.test("login", async (t) => {
  t.test("opens a sign-in; of the refresh token only the hash is stored", async (t) => {
    const person = await market.person("enterprise");
    const before = await memberRow(person.id);
    const reply = await signIn(person.email.toUpperCase());
    t.equal(reply.status, 200);
    t.match(reply.body, { tokenType: "Bearer", expiresIn: 900 });
    const hash = sha256(reply.body.refreshToken);
    const [token] = await db.select().from(refreshTokens).where(eq(refreshTokens.tokenHash, hash));
    const sessionId = String(token?.sessionId);
    const [session] = await db.select().from(sessions).where(eq(sessions.id, sessionId));
    t.match(session, { memberId: person.id, revokedAt: null });
    t.ok(String(session?.expiresAt) > String(token?.expiresAt), "unless it is used before");

    const after = await memberRow(person.id);
    t.ok(after.lastSignInAt);
    t.same(
      after,
      { ...before, lastSignInAt: after.lastSignInAt },
      "it is no change of the account",
    );
    t.match(await lastAuditOf(person.id), { type: "member.sign_in", before: null, after: null });
    const me = await market.as({ ...person, token: reply.body.accessToken })("GET", "/v1/me");
    t.equal(me.body.member.id, person.id);
  });

  t.test("a wrong password is refused and opens nothing", async (t) => {
    const person = await market.person("enterprise");
    const before = await db.$count(sessions, eq(sessions.memberId, person.id));
    const reply = await signIn(person.email, "wrong password");
    t.equal(reply.status, 401);
    t.equal(reply.body.code, "auth.invalid_credentials");
    t.match(reply.headers["www-authenticate"], /^Bearer /);
    t.equal(await db.$count(sessions, eq(sessions.memberId, person.id)), before);
    t.match(await auditsOf(market, person.id), [
      { type: "member.sign_in_failed", reason: "wrong_password", actorKind: "anonymous" },
    ]);
  });

  t.test("invited and suspended people are spoken of as unknown ones", async (t) => {
    const admin = await market.person("enterprise");
    const { body } = await invite(admin);
    const suspended = await market.colleague(admin);
    await market.as(admin)("POST", `${membersOf(admin)}/${suspended.id}/suspend`);
    for (const email of [body.member.email, suspended.email, "nobody@example.test"]) {
      const reply = await signIn(email);
      t.equal(reply.status, 401);
      t.equal(reply.body.code, "auth.invalid_credentials");
    }
  });

  t.test("the right password clears the count of wrong ones", async (t) => {
    const person = await market.person("enterprise");
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 4; i++) t.equal((await signIn(person.email, "wrong")).status, 401);
      t.equal((await signIn(person.email)).status, 200);
    }
  });

  t.test("what is no e-mail and no password is a 400 that names both", async (t) => {
    const reply = await nobody("POST", "/v1/auth/login", { body: { email: "x", passwort: "y" } });
    t.equal(reply.status, 400);
    const pointers = reply.body.errors.map((fault: { pointer: string }) => fault.pointer);
    t.same(pointers.sort(), ["/email", "/password", "/passwort"]);
  });

  t.test("people of a suspended or closed organization sign in and read their own", async (t) => {
    for (const status of ["suspended", "closed"] as const) {
      const person = await signedIn(await market.person("enterprise", { status }));
      const me = await market.as(person)("GET", "/v1/me");
      t.equal(me.body.organization.status, status);
    }
  });
});

t.test("refresh", async (t) => {
  t.test("gives the next tokens of the same sign-in, which ends no later", async (t) => {
    const person = await signedIn(await market.person("enterprise"));
    const ends = () =>
      db.select({ at: sessions.expiresAt }).from(sessions).where(eq(sessions.memberId, person.id));
    const before = await ends();
    const reply = await refresh(person.refreshToken);
    t.equal(reply.status, 200);
    t.same(await ends(), before);
    t.not(reply.body.refreshToken, person.refreshToken);
    const hashes = [person.refreshToken, reply.body.refreshToken].map(sha256);
    const [old, next] = await Promise.all(
      hashes.map(async (hash) => {
        const rows = await db.select().from(refreshTokens).where(eq(refreshTokens.tokenHash, hash));
        return rows[0];
      }),
    );
    t.ok(old?.usedAt);
    t.match(next, { sessionId: old?.sessionId, usedAt: null });
    t.ok(String(next?.expiresAt) >= String(old?.expiresAt));
    t.equal((await refresh(reply.body.refreshToken)).status, 200);
  });

  t.test("an unknown token is refused", async (t) => {
    for (const token of ["gmr_unknown", sha256("gmr_unknown"), "x"]) {
      const reply = await refresh(token);
      t.equal(reply.status, 401);
      t.equal(reply.body.code, "auth.invalid_refresh_token");
    }
  });

  t.test("the hash that is stored is no token", async (t) => {
    const person = await signedIn(await market.person("enterprise"));
    t.equal((await refresh(sha256(person.refreshToken))).status, 401);
    t.equal((await refresh(person.refreshToken)).status, 200);
  });

  t.test("a sign-in ends after its days, however often refreshed", async (t) => {
    const { now } = clock;
    t.teardown(() => {
      clock.now = now;
    });
    let { refreshToken } = await signedIn(await market.person("enterprise"));
    for (const days of [10, 20, 29.9]) {
      clock.now = () => new Date(now().getTime() + days * 24 * 3_600_000);
      const reply = await refresh(refreshToken);
      t.equal(reply.status, 200, `after ${days} days`);
      refreshToken = reply.body.refreshToken;
    }
    clock.now = () => new Date(now().getTime() + 30.01 * 24 * 3_600_000);
    const reply = await refresh(refreshToken);
    t.equal(reply.status, 401);
    t.equal(reply.body.code, "auth.invalid_refresh_token");
  });
});

t.test("logout", async (t) => {
  t.test("ends this sign-in and no other", async (t) => {
    const person = await market.person("enterprise");
    const [first, second] = [await signedIn(person), await signedIn(person)];
    const reply = await market.as(first)("POST", "/v1/auth/logout");
    t.equal(reply.status, 204);
    t.equal((await market.as(first)("GET", "/v1/me")).status, 401);
    t.equal((await refresh(first.refreshToken)).status, 401);
    t.equal((await market.as(second)("GET", "/v1/me")).status, 200);
    t.equal((await refresh(second.refreshToken)).status, 200);
    const ended = await db
      .select()
      .from(sessions)
      .where(and(eq(sessions.memberId, person.id), eq(sessions.revokedFor, "sign_out")));
    t.equal(ended.length, 1);
    t.match(await lastAuditOf(String(ended[0]?.id)), {
      type: "session.revoke",
      reason: "sign_out",
      actorId: person.id,
    });
  });

  t.test("needs a token", async (t) => {
    const reply = await nobody("POST", "/v1/auth/logout");
    t.equal(reply.status, 401);
    t.equal(reply.body.code, "auth.required");
  });

  t.test("people of a suspended organization may sign out", async (t) => {
    const person = await market.person("enterprise", { status: "suspended" });
    t.equal((await market.as(person)("POST", "/v1/auth/logout")).status, 204);
  });
});

t.test("change-password", async (t) => {
  const change = (caller: Caller, currentPassword: string, newPassword: string) => {
    secrets.add(newPassword);
    const body = { currentPassword, newPassword };
    return market.as(caller)("POST", "/v1/auth/change-password", { body });
  };

  t.test("replaces the hash, ends every sign-in and opens a new one", async (t) => {
    const person = await market.person("enterprise");
    const other = await signedIn(person);
    const { passwordHash } = await memberRow(person.id);
    const reply = await change(person, password, "a brand new pass phrase");
    t.equal(reply.status, 200);
    t.not((await memberRow(person.id)).passwordHash, passwordHash);
    for (const old of [person, other]) t.equal((await market.as(old)("GET", "/v1/me")).status, 401);
    t.equal((await refresh(other.refreshToken)).status, 401);
    const renewed = { ...person, token: reply.body.accessToken };
    t.equal((await market.as(renewed)("GET", "/v1/me")).status, 200);
    t.equal((await refresh(reply.body.refreshToken)).status, 200);
    t.equal((await signIn(person.email)).status, 401, "the old password");
    t.equal((await signIn(person.email, "a brand new pass phrase")).status, 200);
    const [record] = (await auditsOf(market, person.id)).filter(
      (r) => r.type === "member.change_password",
    );
    t.strictSame(record?.after, {
      passwordHash: { changed: true },
      version: 2,
    });
  });

  t.test("needs the present password, and ends nothing without", async (t) => {
    const person = await market.person("enterprise");
    const { passwordHash } = await memberRow(person.id);
    const reply = await change(person, "wrong password", "a brand new pass phrase");
    t.equal(reply.status, 401);
    t.equal(reply.body.code, "auth.invalid_credentials");
    t.equal((await memberRow(person.id)).passwordHash, passwordHash);
    t.equal((await market.as(person)("GET", "/v1/me")).status, 200);
  });

  t.test("guesses at it are counted together with those at sign-in", async (t) => {
    const person = await market.person("enterprise");
    for (let i = 0; i < 5; i++) await signIn(person.email, "wrong");
    for (let i = 0; i < 5; i++) {
      t.equal((await change(person, "wrong", "a brand new pass phrase")).status, 401);
    }
    const reply = await change(person, password, "a brand new pass phrase");
    t.equal(reply.status, 429);
    t.ok(Number(reply.headers["retry-after"]) > 0);
  });

  t.test("a new password has the same rules as a first one", async (t) => {
    const person = await market.person("enterprise");
    const reply = await change(person, password, "short");
    t.equal(reply.status, 400);
    t.match(reply.body.errors, [{ pointer: "/newPassword", code: "too_small" }]);
  });

  t.test("is for people", async (t) => {
    const machine = await market.client(await market.person("enterprise"), ["organization:read"]);
    const reply = await change(machine, password, "a brand new pass phrase");
    t.equal(reply.status, 403);
    t.equal(reply.body.code, "auth.person_required");
  });

  t.test("a sign-in with the old password that runs meanwhile opens nothing", async (t) => {
    const person = await market.person("enterprise");
    const { passwordHash } = await memberRow(person.id);
    const other = String(passwordHash).replace(/.$/, "A");
    t.not(other, passwordHash);
    let login: Promise<Reply> | undefined;
    await db.transaction(async (tx) => {
      await tx.select().from(members).where(eq(members.id, person.id)).for("update");
      login = signIn(person.email);
      // On a server the password has been checked by now, and the sign-in waits for the row.
      await sleep(400);
      const changes = { passwordHash: other, version: 2 };
      await tx.update(members).set(changes).where(eq(members.id, person.id));
    });
    t.equal((await login)?.status, 401);
    t.equal(await db.$count(sessions, eq(sessions.memberId, person.id)), 1, "the one it had");
  });
});

t.test("a password is not changed with one that was replaced meanwhile", async (t) => {
  const person = await market.person("enterprise");
  const { passwordHash } = await memberRow(person.id);
  const other = String(passwordHash).replace(/.$/, "A");
  let reply: Promise<Reply> | undefined;
  await db.transaction(async (tx) => {
    await tx.select().from(members).where(eq(members.id, person.id)).for("update");
    const body = { currentPassword: password, newPassword: "a brand new pass phrase" };
    reply = market.as(person)("POST", "/v1/auth/change-password", { body });
    await sleep(600);
    const changes = { passwordHash: other, version: 2 };
    await tx.update(members).set(changes).where(eq(members.id, person.id));
  });
  t.equal((await reply)?.body.code, "auth.invalid_credentials");
  t.match(await memberRow(person.id), { passwordHash: other, version: 2 });
});

t.test("one-time links", async (t) => {
  t.test("an invited person accepts and signs in", async (t) => {
    const admin = await market.person("university");
    const reply = await invite(admin, { phone: "0373-3326000" });
    t.equal(reply.status, 201);
    t.match(reply.body, {
      member: { status: "invited", isAdmin: false, organizationId: admin.organizationId },
      redeemAt: "https://market.test/v1/auth/redeem-link",
    });
    const { id, email } = reply.body.member;
    t.match(await memberRow(id), { status: "invited", passwordHash: null, phone: "0373-3326000" });
    const links = await db.select().from(oneTimeLinks).where(eq(oneTimeLinks.memberId, id));
    t.match(links, [{ tokenHash: sha256(reply.body.token), purpose: "invitation", usedAt: null }]);
    const days = new Date(reply.body.expiresAt).getTime() - clock.now().getTime();
    t.ok(Math.abs(days - 7 * 24 * 3_600_000) < 60_000, "seven days");

    const accepted = await redeem(reply.body.token);
    t.equal(accepted.status, 200);
    t.equal(accepted.body.status, "active");
    t.match(await memberRow(id), { status: "active", passwordHash: /^\$argon2id\$/, version: 2 });
    t.match(await auditsOf(market, id), [
      { type: "member.invite", actorId: admin.id, before: null },
      {
        type: "member.redeem_link",
        actorKind: "anonymous",
        reason: "invitation",
        before: { status: "invited" },
        after: { status: "active", passwordHash: { changed: true } },
      },
    ]);
    t.equal((await signIn(email, "another fine pass phrase")).status, 200);
  });

  t.test("a used link fails", async (t) => {
    const { body } = await invite(await market.person("university"));
    t.equal((await redeem(body.token)).status, 200);
    const { passwordHash } = await memberRow(body.member.id);
    const again = await redeem(body.token, "a third fine pass phrase");
    t.equal(again.status, 400);
    t.equal(again.body.code, "auth.invalid_link");
    t.equal((await memberRow(body.member.id)).passwordHash, passwordHash);
  });

  t.test("used twice at once, it works once", async (t) => {
    const { body } = await invite(await market.person("university"));
    const phrases = ["the first pass phrase", "the second pass phrase"];
    const replies = await Promise.all(phrases.map((phrase) => redeem(body.token, phrase)));
    t.same(statusesOf(replies), [200, 400]);
    const works = await Promise.all(phrases.map((p) => signIn(body.member.email, p)));
    t.same(
      works.map((reply) => reply.status),
      replies.map((reply) => (reply.status === 200 ? 200 : 401)),
    );
  });

  t.test("the older link stops working when a newer one is made", async (t) => {
    const admin = await market.person("university");
    const { body: first } = await invite(admin);
    const url = `${membersOf(admin)}/${first.member.id}/issue-link`;
    const second = await market.as(admin)("POST", url);
    secrets.add(second.body.token);
    t.equal(second.status, 201);
    t.equal((await redeem(first.token)).body.code, "auth.invalid_link");
    t.equal((await memberRow(first.member.id)).status, "invited");
    t.equal((await redeem(second.body.token)).status, 200);
    t.match(
      (await auditsOf(market, first.member.id)).map((record) => [record.type, record.reason]),
      [
        ["member.invite", null],
        ["member.issue_link", "invitation"],
        ["member.redeem_link", "invitation"],
      ],
    );
  });

  t.test("a link expires after seven days", async (t) => {
    const { now } = clock;
    t.teardown(() => {
      clock.now = now;
    });
    const { body } = await invite(await market.person("university"));
    clock.now = () => new Date(now().getTime() + 7 * 24 * 3_600_000 + 1000);
    t.equal((await redeem(body.token)).body.code, "auth.invalid_link");
    clock.now = () => new Date(now().getTime() + 7 * 24 * 3_600_000 - 60_000);
    t.equal((await redeem(body.token)).status, 200);
  });

  t.test("a reset ends every sign-in, and the old password", async (t) => {
    const admin = await market.person("university");
    const person = await market.colleague(admin);
    const reply = await market.as(admin)("POST", `${membersOf(admin)}/${person.id}/issue-link`);
    secrets.add(reply.body.token);
    t.equal((await market.as(person)("GET", "/v1/me")).status, 200, "not by the link's making");
    const reset = await redeem(reply.body.token, "a pass phrase after reset");
    t.equal(reset.status, 200);
    t.equal((await market.as(person)("GET", "/v1/me")).status, 401);
    t.equal((await signIn(person.email)).status, 401);
    t.equal((await signIn(person.email, "a pass phrase after reset")).status, 200);
    const ended = await db.select().from(sessions).where(eq(sessions.memberId, person.id));
    t.ok(ended.some((session) => session.revokedFor === "password_change"));
  });

  t.test("a weak password leaves the link as it was", async (t) => {
    const { body } = await invite(await market.person("university"));
    t.equal((await redeem(body.token, "short")).status, 400);
    t.equal((await redeem(body.token)).status, 200);
  });

  t.test("no link for a suspended member; the one there was stops working", async (t) => {
    const admin = await market.person("university");
    const person = await market.colleague(admin);
    const url = `${membersOf(admin)}/${person.id}`;
    const link = await market.as(admin)("POST", `${url}/issue-link`);
    secrets.add(link.body.token);
    await market.as(admin)("POST", `${url}/suspend`);
    t.equal((await redeem(link.body.token)).body.code, "auth.invalid_link");
    const refused = await market.as(admin)("POST", `${url}/issue-link`);
    t.equal(refused.status, 409);
    t.match(refused.body, {
      code: "member.invalid_transition",
      currentStatus: "suspended",
      allowedActions: ["reinstate"],
    });
    await market.as(admin)("POST", `${url}/reinstate`);
    t.equal((await redeem(link.body.token)).body.code, "auth.invalid_link", "for good");
  });

  /** Lets two calls queue for the person's row, in this order, then go on. */
  async function inTurn(memberId: string, first: () => Promise<Reply>, second: typeof first) {
    const replies: Promise<Reply>[] = [];
    await db.transaction(async (tx) => {
      await tx.select().from(members).where(eq(members.id, memberId)).for("update");
      for (const call of [first, second]) {
        replies.push(call());
        await sleep(400);
      }
    });
    return Promise.all(replies);
  }

  t.test("used while an admin suspends the person, neither blocks the other", async (t) => {
    const admin = await market.person("university");
    const { body } = await invite(admin);
    await redeem(body.token);
    const url = `${membersOf(admin)}/${body.member.id}`;
    const link = await market.as(admin)("POST", `${url}/issue-link`);
    secrets.add(link.body.token);
    const [suspended, redeemed] = await inTurn(
      body.member.id,
      () => market.as(admin)("POST", `${url}/suspend`),
      () => redeem(link.body.token, "too late a pass phrase"),
    );
    t.equal(suspended?.status, 200, `${suspended?.text}`);
    t.equal(redeemed?.body.code, "auth.invalid_link", `${redeemed?.text}`);
    t.equal((await memberRow(body.member.id)).status, "suspended");
  });

  t.test("used while an admin changes the person, both happen", async (t) => {
    const admin = await market.person("university");
    const { body } = await invite(admin);
    const url = `${membersOf(admin)}/${body.member.id}`;
    const options = { body: { name: "赵敏" }, headers: { "if-match": "*" } };
    const replies = await inTurn(
      body.member.id,
      () => market.as(admin)("PATCH", url, options),
      () => redeem(body.token),
    );
    t.same(statusesOf(replies), [200, 200], replies.map((reply) => reply.text).join("\n"));
    t.match(await memberRow(body.member.id), { status: "active", name: "赵敏", version: 3 });
  });
});

t.test("me", async (t) => {
  t.test("a person reads the account and the organization", async (t) => {
    const person = await market.person("brokerage", { isAdmin: false });
    const reply = await market.as(person)("GET", "/v1/me");
    t.match(reply.body, {
      member: { id: person.id, email: person.email, isAdmin: false },
      client: null,
      organization: { id: person.organizationId, kind: "brokerage" },
    });
    t.notMatch(reply.text, /argon2|passwordHash/);
    t.equal(reply.headers["cache-control"], "no-store");
  });

  t.test("a machine client reads itself, if its scopes let it", async (t) => {
    const person = await market.person("enterprise");
    const machine = await market.client(person, ["organization:read", "needs:read"]);
    const reply = await market.as(machine)("GET", "/v1/me");
    t.match(reply.body, {
      member: null,
      client: { id: machine.id, scopes: ["organization:read", "needs:read"] },
      organization: { id: person.organizationId },
    });
    const other = await market.client(person, ["needs:read"]);
    const refused = await market.as(other)("GET", "/v1/me");
    t.equal(refused.status, 403);
    t.match(refused.body, {
      code: "auth.insufficient_scope",
      requiredScope: "organization:read",
    });
  });

  t.test("nobody has no account", async (t) => {
    t.equal((await nobody("GET", "/v1/me")).body.code, "auth.required");
  });

  const patchMe = (caller: Caller, body: object, etag?: string) =>
    market.as(caller)("PATCH", "/v1/me", { body, headers: etag ? { "if-match": etag } : {} });

  t.test("a person changes name and phone; null removes the phone", async (t) => {
    const person = await market.person("enterprise");
    secrets.add("13800000000");
    const first = await patchMe(person, { name: "王小强", phone: "13800000000" }, '"1-"');
    t.equal(first.status, 200);
    t.match(first.body, { name: "王小强", phone: "13800000000", version: 2 });
    t.match(first.headers.etag, /^"2-/);
    const second = await patchMe(person, { phone: null }, String(first.headers.etag));
    t.match(second.body, { name: "王小强", phone: null, version: 3 });
    t.match(await memberRow(person.id), { name: "王小强", phone: null, version: 3 });
    const records = await auditsOf(market, person.id);
    t.strictSame(
      records.map(({ type, before, after }) => ({ type, before, after })),
      [
        {
          type: "member.update",
          before: { name: { changed: true }, phone: { changed: true }, version: 1 },
          after: { name: { changed: true }, phone: { changed: true }, version: 2 },
        },
        {
          type: "member.update",
          before: { phone: { changed: true }, version: 2 },
          after: { phone: { changed: true }, version: 3 },
        },
      ],
    );
  });

  t.test("needs If-Match, and the version as it is", async (t) => {
    const person = await market.person("enterprise");
    const before = await memberRow(person.id);
    const [without, stale] = [
      await patchMe(person, { name: "别人" }),
      await patchMe(person, { name: "别人" }, '"7-x"'),
    ];
    t.same([without.status, without.body.code], [428, "request.precondition_required"]);
    t.same([stale.status, stale.body.code], [412, "request.precondition_failed"]);
    t.same(await memberRow(person.id), before);
  });

  t.test(
    "nobody changes e-mail, rights or status of themselves, or removes the name",
    async (t) => {
      const person = await market.person("enterprise", { isAdmin: false });
      const before = await memberRow(person.id);
      for (const body of [
        { email: "other@example.test" },
        { isAdmin: true },
        { status: "active" },
        { name: null },
        { name: "" },
        { phone: "call me" },
      ]) {
        const reply = await patchMe(person, body, "*");
        t.equal(reply.status, 400, JSON.stringify(body));
        t.match(reply.body.errors, [{ pointer: `/${Object.keys(body)[0]}` }]);
      }
      t.same(await memberRow(person.id), before);
    },
  );

  t.test("is changed by people only", async (t) => {
    const machine = await market.client(await market.person("enterprise"), ["organization:read"]);
    t.equal((await patchMe(machine, { name: "机器" }, "*")).body.code, "auth.person_required");
  });
});

t.test("inviting", async (t) => {
  t.test("is for admins", async (t) => {
    const admin = await market.person("enterprise");
    const colleague = await market.colleague(admin);
    const machine = await market.client(admin, ["organization:read"]);
    const before = await db.$count(members, eq(members.organizationId, admin.organizationId));
    t.equal((await invite(colleague)).body.code, "auth.admin_required");
    t.equal((await invite(machine)).body.code, "auth.person_required");
    const body = { name: "王强", email: "x@example.test" };
    t.equal((await nobody("POST", membersOf(admin), { body })).body.code, "auth.required");
    const after = await db.$count(members, eq(members.organizationId, admin.organizationId));
    t.equal(after, before);
  });

  t.test("is for one's own organization", async (t) => {
    const admin = await market.person("enterprise");
    const other = await market.person("enterprise");
    const body = { name: "王强", email: "stranger@example.test" };
    const reply = await market.as(other)("POST", membersOf(admin), { body });
    t.equal(reply.status, 403);
    t.equal(reply.body.code, "organization.not_owner");
    t.equal(await db.$count(members, eq(members.email, body.email)), 0);
  });

  t.test("an e-mail that is in use is refused", async (t) => {
    const admin = await market.person("enterprise");
    const reply = await invite(admin, { email: admin.email.toUpperCase() });
    t.equal(reply.status, 409);
    t.equal(reply.body.code, "member.email_taken");
  });

  t.test("takes no Idempotency-Key, for its reply holds the link", async (t) => {
    const admin = await market.person("enterprise");
    const body = { name: "王强", email: "keyed@example.test" };
    const headers = { "idempotency-key": '"k-1"' };
    const reply = await market.as(admin)("POST", membersOf(admin), { body, headers });
    t.equal(reply.body.code, "request.idempotency_key_not_accepted");
    t.equal(await db.$count(members, eq(members.email, body.email)), 0);
  });

  t.test("the operator invites the first admin of an organization it entered", async (t) => {
    const operator = await market.person("operator");
    const organization = {
      kind: "registry",
      name: "技术合同登记处",
      creditCode: nextCreditCode(),
      regionCode: "410700",
    };
    const made = await market.as(operator)("POST", "/v1/organizations", { body: organization });
    const url = `/v1/organizations/${made.body.id}/members`;
    const body = { name: "登记员", email: "registrar@example.test", isAdmin: true };
    secrets.add(body.email);
    const reply = await market.as(operator)("POST", url, { body });
    t.equal(reply.status, 201);
    secrets.add(reply.body.token);
    t.equal((await redeem(reply.body.token)).status, 200);
    t.match(await memberRow(reply.body.member.id), { status: "active", isAdmin: true });

    const second = { ...body, email: "second@example.test" };
    const refused = await market.as(operator)("POST", url, { body: second });
    t.equal(refused.status, 403, "now it has an admin who does it");
    t.equal(refused.body.code, "organization.not_owner");
  });

  t.test("the operator is told when there is no such organization", async (t) => {
    const operator = await market.person("operator");
    const body = { name: "登记员", email: "nowhere@example.test" };
    const url = `/v1/organizations/${unknownId}/members`;
    const reply = await market.as(operator)("POST", url, { body });
    t.equal(reply.status, 404);
    t.equal(reply.body.code, "organization.not_found");
    t.equal((await market.as(operator)("GET", url)).status, 404);
  });
});

t.test("the list of members", async (t) => {
  const admin = await market.person("university");
  const people = [admin];
  for (let i = 0; i < 4; i++) people.push(await market.colleague(admin));
  await market.as(admin)("POST", `${membersOf(admin)}/${people[4]?.id}/suspend`);
  const ids = people.map((person) => person.id);

  t.test("shows colleagues, without what is secret", async (t) => {
    const reply = await market.as(people[1] ?? null)("GET", membersOf(admin));
    t.same(
      reply.body.data.map((member: { id: string }) => member.id),
      ids,
    );
    t.notMatch(reply.text, /argon2|passwordHash/);
  });

  t.test("names what an admin may do to each", async (t) => {
    const actionsOf = async (caller: Caller) => {
      const { body } = await market.as(caller)("GET", membersOf(admin));
      return body.data.map((member: { allowedActions: string[] }) => member.allowedActions);
    };
    const active = ["suspend", "issue-link"];
    // The first is the last admin.
    t.same(await actionsOf(admin), [["issue-link"], active, active, active, ["reinstate"]]);
    t.same(await actionsOf(people[1] as Caller), [[], [], [], [], []]);
  });

  t.test("comes in pages, each person once", async (t) => {
    const seen: string[] = [];
    let cursor = "";
    do {
      const url = `${membersOf(admin)}?limit=2${cursor && `&cursor=${cursor}`}`;
      const { body } = await market.as(admin)("GET", url);
      seen.push(...body.data.map((member: { id: string }) => member.id));
      cursor = body.page.next ?? "";
      t.equal(body.page.hasMore, cursor !== "");
    } while (cursor);
    t.same(seen, ids);
  });

  t.test("a cursor is for the list that gave it", async (t) => {
    const other = await market.person("university");
    const { body } = await market.as(admin)("GET", `${membersOf(admin)}?limit=1`);
    for (const url of [
      `${membersOf(other)}?cursor=${body.page.next}`,
      `${membersOf(other)}?cursor=rubbish`,
    ]) {
      const reply = await market.as(other)("GET", url);
      t.equal(reply.status, 400);
      t.match(reply.body.errors, [{ parameter: "cursor", code: "cursor.invalid" }]);
    }
  });

  t.test("is filtered by status and counted", async (t) => {
    const url = `${membersOf(admin)}?status=active&include=total&limit=1`;
    const { body } = await market.as(admin)("GET", url);
    t.same(body.total, { exact: 4 });
    const bad = await market.as(admin)("GET", `${membersOf(admin)}?state=active`);
    t.match(bad.body.errors, [{ parameter: "state", code: "unknown_parameter" }]);
  });

  t.test("shows to the operator, and to machines with the scope", async (t) => {
    const operator = await market.person("operator");
    const machine = await market.client(admin, ["organization:read"]);
    for (const caller of [operator, machine]) {
      t.equal((await market.as(caller)("GET", membersOf(admin))).body.data.length, 5);
    }
    const other = await market.client(admin, ["results:read"]);
    const refused = await market.as(other)("GET", membersOf(admin));
    t.equal(refused.body.requiredScope, "organization:read");
  });

  t.test("shows to nobody else", async (t) => {
    const other = await market.person("university");
    t.equal((await market.as(other)("GET", membersOf(admin))).body.code, "organization.not_owner");
    t.equal((await nobody("GET", membersOf(admin))).status, 401);
  });
});

const patchMember = (by: Caller, id: string, body: object, etag?: string) =>
  market.as(by)("PATCH", `${membersOf(by)}/${id}`, {
    body,
    headers: etag ? { "if-match": etag } : {},
  });
const moveMember = (by: Caller, id: string, action: string, headers = {}) =>
  market.as(by)("POST", `${membersOf(by)}/${id}/${action}`, { headers });

t.test("changing a member", async (t) => {
  t.test("an admin changes name, phone and admin right", async (t) => {
    const admin = await market.person("enterprise");
    const person = await market.colleague(admin);
    const body = { name: "赵敏", phone: "0373-1234567", isAdmin: true };
    secrets.add(body.phone);
    const reply = await patchMember(admin, person.id, body, '"1-"');
    t.equal(reply.status, 200);
    t.match(reply.body, { ...body, version: 2 });
    t.match(await memberRow(person.id), { ...body, version: 2 });
    t.match(await lastAuditOf(person.id), {
      type: "member.update",
      actorId: admin.id,
      before: { isAdmin: false, name: { changed: true } },
      after: { isAdmin: true, name: { changed: true } },
    });
  });

  t.test("the admin right counts at once, and its loss too", async (t) => {
    const admin = await market.person("enterprise");
    const person = await market.colleague(admin);
    t.equal((await invite(person)).status, 403);
    await patchMember(admin, person.id, { isAdmin: true }, "*");
    t.equal((await invite(person)).status, 201);
    await patchMember(admin, person.id, { isAdmin: false }, "*");
    t.equal((await invite(person)).status, 403);
  });

  t.test("needs If-Match, and the version as it is", async (t) => {
    const admin = await market.person("enterprise");
    const person = await market.colleague(admin);
    const before = await memberRow(person.id);
    t.equal((await patchMember(admin, person.id, { name: "别人" })).status, 428);
    t.equal((await patchMember(admin, person.id, { name: "别人" }, '"2-"')).status, 412);
    t.same(await memberRow(person.id), before);
  });

  t.test("two with the same tag at once: one is told to read again", async (t) => {
    const admin = await market.person("enterprise");
    const person = await market.colleague(admin);
    const replies = await Promise.all(
      ["甲", "乙"].map((name) => patchMember(admin, person.id, { name }, '"1-"')),
    );
    t.same(statusesOf(replies), [200, 412]);
    const done = replies.find((reply) => reply.status === 200);
    t.match(await memberRow(person.id), { name: done?.body.name, version: 2 });
    t.equal((await auditsOf(market, person.id)).length, 1);
  });

  t.test("is for admins of the organization", async (t) => {
    const admin = await market.person("enterprise");
    const person = await market.colleague(admin);
    const before = await memberRow(person.id);
    const url = `${membersOf(admin)}/${person.id}`;
    const options = { body: { name: "别人" }, headers: { "if-match": "*" } };
    const refusals: [Caller | null, number, string][] = [
      [null, 401, "auth.required"],
      [person, 403, "auth.admin_required"],
      [await market.client(admin, ["organization:read"]), 403, "auth.person_required"],
      [await market.person("enterprise"), 403, "organization.not_owner"],
      [await market.person("operator"), 403, "organization.not_owner"],
    ];
    for (const [caller, status, code] of refusals) {
      const reply = await market.as(caller)("PATCH", url, options);
      t.same([reply.status, reply.body.code], [status, code]);
    }
    t.same(await memberRow(person.id), before);
  });

  t.test("who is of another organization, or of none, is not found", async (t) => {
    const admin = await market.person("enterprise");
    const stranger = await market.person("enterprise");
    for (const id of [stranger.id, unknownId]) {
      for (const reply of [
        await patchMember(admin, id, { name: "别人" }, "*"),
        await moveMember(admin, id, "suspend"),
        await moveMember(admin, id, "issue-link"),
      ]) {
        t.same([reply.status, reply.body.code], [404, "member.not_found"]);
      }
    }
    t.equal((await memberRow(stranger.id)).version, 1);
    t.equal(await db.$count(oneTimeLinks, eq(oneTimeLinks.memberId, stranger.id)), 0);
    const malformed = await patchMember(admin, "7", { name: "别人" }, "*");
    t.match(malformed.body.errors, [{ parameter: "memberId" }]);
  });
});

t.test("suspending and reinstating", async (t) => {
  t.test("a suspended member is out at once, and comes back with the password", async (t) => {
    const admin = await market.person("enterprise");
    const person = await signedIn(await market.colleague(admin));
    const reply = await moveMember(admin, person.id, "suspend");
    t.equal(reply.status, 200);
    t.match(reply.body, { status: "suspended", version: 2, allowedActions: ["reinstate"] });
    t.match(await memberRow(person.id), { status: "suspended", version: 2 });
    t.equal((await market.as(person)("GET", "/v1/me")).body.code, "auth.invalid_token");
    t.equal((await refresh(person.refreshToken)).status, 401);
    t.equal((await signIn(person.email)).status, 401);
    const live = await db.select().from(sessions).where(eq(sessions.memberId, person.id));
    t.ok(live.every((session) => session.revokedFor === "suspension"));
    t.match((await auditsOf(market, person.id)).slice(-2), [
      { type: "member.suspend", before: { status: "active" }, after: { status: "suspended" } },
      { type: "member.sign_in_failed", reason: "not_active" },
    ]);

    const back = await moveMember(admin, person.id, "reinstate");
    t.match(back.body, { status: "active", version: 3 });
    t.equal((await market.as(person)("GET", "/v1/me")).status, 401, "the old sign-in stays ended");
    t.equal((await signIn(person.email)).status, 200);
  });

  t.test("a step that the status does not allow tells which are", async (t) => {
    const admin = await market.person("enterprise");
    const person = await market.colleague(admin);
    const { body: invitation } = await invite(admin);
    await moveMember(admin, person.id, "suspend");
    const cases: [string, string, string, string[]][] = [
      [person.id, "suspend", "suspended", ["reinstate"]],
      [admin.id, "reinstate", "active", ["issue-link"]],
      [invitation.member.id, "suspend", "invited", ["issue-link"]],
    ];
    for (const [id, action, currentStatus, allowedActions] of cases) {
      const before = await memberRow(id);
      const reply = await moveMember(admin, id, action);
      t.equal(reply.status, 409);
      t.match(reply.body, { code: "member.invalid_transition", currentStatus });
      t.same(reply.body.allowedActions, allowedActions);
      t.same(await memberRow(id), before);
    }
    const unknown = await moveMember(admin, person.id, "promote").catch((error) => error);
    t.match(unknown, { status: 404, body: { code: "request.not_found" } });
  });

  t.test("honours If-Match", async (t) => {
    const admin = await market.person("enterprise");
    const person = await market.colleague(admin);
    t.equal((await moveMember(admin, person.id, "suspend", { "if-match": '"9-"' })).status, 412);
    t.equal((await memberRow(person.id)).status, "active");
    t.equal((await moveMember(admin, person.id, "suspend", { "if-match": '"1-"' })).status, 200);
  });

  t.test("the same key again gets the same answer and moves nothing", async (t) => {
    const admin = await market.person("enterprise");
    const person = await market.colleague(admin);
    const headers = { "idempotency-key": "suspend-1" };
    const first = await moveMember(admin, person.id, "suspend", headers);
    await moveMember(admin, person.id, "reinstate");
    const again = await moveMember(admin, person.id, "suspend", headers);
    t.same([again.status, again.text], [200, first.text]);
    t.equal(again.headers["idempotent-replayed"], "true");
    t.equal(again.headers.etag, first.headers.etag);
    t.equal((await memberRow(person.id)).status, "active");
  });

  t.test("twice at once: one does it, the other is told", async (t) => {
    const admin = await market.person("enterprise");
    const person = await market.colleague(admin);
    const replies = await Promise.all([
      moveMember(admin, person.id, "suspend"),
      moveMember(admin, person.id, "suspend"),
    ]);
    t.same(statusesOf(replies), [200, 409]);
    t.equal((await auditsOf(market, person.id)).length, 1);
  });

  t.test("is for admins of the organization", async (t) => {
    const admin = await market.person("enterprise");
    const person = await market.colleague(admin);
    for (const action of ["suspend", "reinstate", "issue-link"]) {
      const url = `${membersOf(admin)}/${person.id}/${action}`;
      const refusals: [Caller | null, number, string][] = [
        [null, 401, "auth.required"],
        [person, 403, "auth.admin_required"],
        [await market.client(admin, ["organization:read"]), 403, "auth.person_required"],
        [await market.person("enterprise"), 403, "organization.not_owner"],
      ];
      for (const [caller, status, code] of refusals) {
        const reply = await market.as(caller)("POST", url);
        t.same([reply.status, reply.body.code], [status, code], action);
      }
    }
    t.match(await memberRow(person.id), { status: "active", version: 1 });
  });

  t.test("a suspended organization changes nothing of its people", async (t) => {
    const admin = await market.person("enterprise", { status: "suspended" });
    const person = await market.colleague(admin);
    const replies = [
      await moveMember(admin, person.id, "suspend"),
      await patchMember(admin, person.id, { name: "别人" }, "*"),
      await invite(admin),
      await market.as(person)("PATCH", "/v1/me", {
        body: { name: "别人" },
        headers: { "if-match": "*" },
      }),
    ];
    for (const reply of replies) {
      t.same([reply.status, reply.body.code], [403, "organization.suspended"]);
    }
    t.equal((await memberRow(person.id)).version, 1);
  });
});

t.test("the last admin", async (t) => {
  t.test("is neither demoted nor suspended", async (t) => {
    const admin = await market.person("enterprise");
    await market.colleague(admin);
    await invite(admin, { isAdmin: true });
    const before = await memberRow(admin.id);
    for (const reply of [
      await patchMember(admin, admin.id, { isAdmin: false }, "*"),
      await moveMember(admin, admin.id, "suspend"),
    ]) {
      t.same([reply.status, reply.body.code], [409, "member.last_admin"]);
    }
    t.same(await memberRow(admin.id), before);
    t.equal((await market.as(admin)("GET", "/v1/me")).status, 200, "still signed in");
    t.same(await auditsOf(market, admin.id), []);
  });

  t.test("but one of two goes", async (t) => {
    const admin = await market.person("enterprise");
    const second = await market.colleague(admin, { isAdmin: true });
    t.equal((await patchMember(admin, admin.id, { isAdmin: false }, "*")).status, 200);
    t.equal((await moveMember(second, second.id, "suspend")).body.code, "member.last_admin");
  });

  for (const [name, act] of [
    ["suspend", (by: Caller, whom: Caller) => moveMember(by, whom.id, "suspend")],
    ["demote", (by: Caller, whom: Caller) => patchMember(by, whom.id, { isAdmin: false }, "*")],
  ] as const) {
    t.test(`two who ${name} each other at once: one admin is left`, async (t) => {
      for (let round = 0; round < 6; round++) {
        const first = await market.person("enterprise");
        const second = await market.colleague(first, { isAdmin: true });
        const replies = await Promise.all([act(first, second), act(second, first)]);
        const done = replies.filter((reply) => reply.status === 200);
        t.equal(done.length, 1, replies.map((reply) => reply.text).join("\n"));
        t.equal(await activeAdmins(first.organizationId), 1);
      }
    });

    t.test(`two who ${name} themselves at once: one admin is left`, async (t) => {
      for (let round = 0; round < 6; round++) {
        const first = await market.person("enterprise");
        const second = await market.colleague(first, { isAdmin: true });
        const replies = await Promise.all([act(first, first), act(second, second)]);
        t.same(statusesOf(replies), [200, 409]);
        t.ok(replies.some((reply) => reply.body.code === "member.last_admin"));
        t.equal(await activeAdmins(first.organizationId), 1);
      }
    });
  }

  t.test("gets a new link from the operator", async (t) => {
    const operator = await market.person("operator");
    const admin = await market.person("enterprise");
    const url = `${membersOf(admin)}/${admin.id}/issue-link`;
    const reply = await market.as(operator)("POST", url);
    t.equal(reply.status, 201);
    secrets.add(reply.body.token);
    t.match(await lastAuditOf(admin.id), {
      type: "member.issue_link",
      reason: "password_reset",
      actorId: operator.id,
      actorOrganizationId: operator.organizationId,
      organizationId: admin.organizationId,
    });
    t.equal((await redeem(reply.body.token, "the last admin is back")).status, 200);
    t.equal((await signIn(admin.email, "the last admin is back")).status, 200);
  });

  t.test("is none while there are two: each asks the other", async (t) => {
    const operator = await market.person("operator");
    const admin = await market.person("enterprise");
    const second = await market.colleague(admin, { isAdmin: true });
    for (const person of [admin, second]) {
      const url = `${membersOf(admin)}/${person.id}/issue-link`;
      const reply = await market.as(operator)("POST", url);
      t.same([reply.status, reply.body.code], [403, "organization.not_owner"]);
      t.equal(await db.$count(oneTimeLinks, eq(oneTimeLinks.memberId, person.id)), 0);
    }
    await moveMember(admin, second.id, "suspend");
    const reply = await market.as(operator)("POST", `${membersOf(admin)}/${admin.id}/issue-link`);
    t.equal(reply.status, 201, "one is suspended, so the other is the last");
  });

  t.test("is the only one of another organization whom the operator helps", async (t) => {
    const operator = await market.person("operator");
    const admin = await market.person("enterprise");
    const person = await market.colleague(admin);
    const reply = await market.as(operator)("POST", `${membersOf(admin)}/${person.id}/issue-link`);
    t.same([reply.status, reply.body.code], [403, "organization.not_owner"]);
    t.equal(await db.$count(oneTimeLinks, eq(oneTimeLinks.memberId, person.id)), 0);
  });

  t.test("who was invited and lost the link gets another from the operator", async (t) => {
    const operator = await market.person("operator");
    const organization = {
      kind: "registry",
      name: "另一技术合同登记处",
      creditCode: nextCreditCode(),
      regionCode: "410700",
    };
    const made = await market.as(operator)("POST", "/v1/organizations", { body: organization });
    const url = `/v1/organizations/${made.body.id}/members`;
    const body = { name: "登记员", email: "lost@example.test", isAdmin: true };
    secrets.add(body.email);
    const first = await market.as(operator)("POST", url, { body });
    const second = await market.as(operator)("POST", `${url}/${first.body.member.id}/issue-link`);
    t.equal(second.status, 201);
    for (const { token } of [first.body, second.body]) secrets.add(token);
    t.equal((await redeem(first.body.token)).status, 400);
    t.equal((await redeem(second.body.token)).status, 200);
  });

  t.test("is not helped by an operator who is no admin, nor by a registry", async (t) => {
    const admin = await market.person("enterprise");
    const url = `${membersOf(admin)}/${admin.id}/issue-link`;
    const operator = await market.person("operator", { isAdmin: false });
    t.equal((await market.as(operator)("POST", url)).body.code, "auth.admin_required");
    const registry = await market.person("registry");
    t.equal((await market.as(registry)("POST", url)).body.code, "organization.not_owner");
  });
});

t.test("no audit record holds a password, an e-mail, a phone or a token", async (t) => {
  const records = await db.select().from(auditRecords);
  t.ok(records.length > 100);
  t.ok(secrets.size > 50);
  const text = JSON.stringify(records);
  for (const secret of secrets) t.notOk(text.includes(secret), "found one");
  t.notMatch(text, /@example\.test|argon2|gm[rls]_/i);
  const hashes = await db.select().from(oneTimeLinks);
  for (const { tokenHash } of hashes) t.notOk(text.includes(tokenHash));
});

t.test("every change is in the audit with who, whence and which request", async (t) => {
  const admin = await market.person("enterprise");
  const headers = { "request-id": "accounts-test-1" };
  const person = await market.colleague(admin);
  await moveMember(admin, person.id, "suspend", headers);
  t.match(await lastAuditOf(person.id), {
    subjectType: "member",
    organizationId: admin.organizationId,
    actorKind: "member",
    actorId: admin.id,
    actorOrganizationId: admin.organizationId,
    requestId: "accounts-test-1",
    address: "127.0.0.1",
  });
});

// ---- One member, and an invitation taken back ----

t.test(
  "one member is read by colleagues and the operator, with the tag for a change",
  async (t) => {
    const admin = await market.person("enterprise");
    const path = `/v1/organizations/${admin.organizationId}/members`;
    const invited = await market.as(admin)("POST", path, {
      body: { name: "王芳", email: "wang.fang@example.test" },
    });
    t.equal(invited.headers.location, `${path}/${invited.body.member.id}`);
    const read = await market.as(admin)("GET", String(invited.headers.location));
    t.equal(read.status, 200);
    t.equal(read.body.email, "wang.fang@example.test");
    const etag = String(read.headers.etag);
    const headers = { "if-match": etag };
    const patch = await market.as(admin)("PATCH", String(invited.headers.location), {
      body: { name: "王方" },
      headers,
    });
    t.equal(patch.status, 200);
    const stranger = await market.person("enterprise");
    const foreign = await market.as(stranger)("GET", String(invited.headers.location));
    t.match([foreign.status, foreign.body.code], [403, "organization.not_owner"]);
    const hidden = await market.person("enterprise", { status: "pending" });
    const unseen = `/v1/organizations/${hidden.organizationId}/members/${hidden.id}`;
    const reply = await market.as(stranger)("GET", unseen);
    t.match([reply.status, reply.body.code], [404, "organization.not_found"]);
    const operator = await market.person("operator");
    t.equal((await market.as(operator)("GET", unseen)).status, 200);
    const elsewhere = `${path}/${stranger.id}`;
    t.equal((await market.as(admin)("GET", elsewhere)).body.code, "member.not_found");
  },
);

t.test("an invitation is taken back: the link dies and the e-mail is free again", async (t) => {
  const admin = await market.person("enterprise");
  const path = `/v1/organizations/${admin.organizationId}/members`;
  const body = { name: "赵敏", email: "zhao.min@example.test" };
  const invited = await market.as(admin)("POST", path, { body });
  const own = `${path}/${invited.body.member.id}`;
  const stranger = await market.person("enterprise");
  t.equal((await market.as(stranger)("DELETE", own)).status, 403);
  t.equal((await market.as(admin)("DELETE", own)).status, 204);
  t.equal((await market.as(admin)("DELETE", own)).body.code, "member.not_found");
  const redeem = await market.as(null)("POST", "/v1/auth/redeem-link", {
    body: { token: invited.body.token, password },
  });
  t.equal(redeem.body.code, "auth.invalid_link");
  t.equal((await market.as(admin)("POST", path, { body })).status, 201);
  const audits = await market.database.pool.query(
    "select type, after from audit_records where subject_id = $1 order by id",
    [invited.body.member.id],
  );
  t.equal(audits.rows.at(-1).type, "member.withdraw_invitation");
  t.equal(audits.rows.at(-1).after, null);

  const refusal = await market.as(admin)("DELETE", `${path}/${admin.id}`);
  t.match([refusal.status, refusal.body.code], [409, "member.invalid_transition"]);
  t.same(refusal.body.allowedActions, ["issue-link"]);
});
