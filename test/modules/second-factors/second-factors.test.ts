/** What is proved beside the password: set up, asked for at the sign-in, used once, recovered from, required. */
import { eq } from "drizzle-orm";
import { Secret, TOTP } from "otpauth";
import t from "tap";
import { secondFactors } from "../../../db/schema/second-factors.ts";
import { sessions, signInAttempts } from "../../../db/schema/sessions.ts";
import { clock } from "../../../src/lib/clock.ts";
import { auditsOf } from "../../support/log.ts";
import { type Caller, openMarket, password, type Reply } from "../../support/market.ts";
import { type Authenticator, newAuthenticator } from "../../support/passkeys.ts";
import { must, refused, statusesOf } from "../../support/replies.ts";
import { later, laterSignedIn, stopClock } from "../../support/time.ts";

// A code is of its half minute: none must pass between making one and proving it.
stopClock(t);
const market = await openMarket(t);
const { db } = market.database;
const origin = "https://market.test";
const factorsAt = "/v1/me/second-factors";

t.beforeEach(() => db.delete(signInAttempts));

const login = (email: string, secondFactor?: object, secret = password) =>
  market.as(null)("POST", "/v1/auth/login", {
    body: { email, password: secret, ...(secondFactor && { secondFactor }) },
  });
const begin = (who: Caller, kind: "totp" | "passkey", name = "我的手机") =>
  market.as(who)("POST", factorsAt, { body: { kind, name, currentPassword: password } });
const confirm = (who: Caller, id: string, body: object) =>
  market.as(who)("POST", `${factorsAt}/${id}/confirm`, { body });
const codeOf = (secret: string, steps = 0) =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({
    timestamp: clock.now().getTime() + steps * 30_000,
  });
const wrongCode = (secret: string) => {
  const right = new Set([-1, 0, 1].map((steps) => codeOf(secret, steps)));
  return ["000000", "000001", "000002", "000003"].find((code) => !right.has(code)) ?? "";
};

/** Sets an authenticator app up. */
async function withTotp(who: Caller) {
  const { factor, totp } = await must(begin(who, "totp"));
  const { recoveryCodes } = await must(confirm(who, factor.id, { code: codeOf(totp.secret, -1) }));
  return { id: factor.id as string, secret: totp.secret as string, recoveryCodes };
}

/** Sets a passkey up. */
async function withPasskey(who: Caller, device: Authenticator = newAuthenticator()) {
  const { factor, passkey } = await must(begin(who, "passkey", "桌上的钥匙"));
  const body = { passkey: device.create(passkey, origin) };
  return { id: factor.id as string, device, reply: await confirm(who, factor.id, body) };
}

const signedInAs = (who: Caller, reply: Reply): Caller => ({
  ...who,
  token: reply.body.accessToken,
});

t.test("an authenticator app", async (t) => {
  const who = await market.person("enterprise");

  await t.test(
    "is set up with the password, and protects nothing before it was proved",
    async (t) => {
      refused(
        t,
        await market.as(who)("POST", factorsAt, {
          body: { kind: "totp", name: "手机", currentPassword: "another pass phrase" },
        }),
        401,
        "auth.invalid_credentials",
      );
      const reply = await begin(who, "totp");
      t.equal(reply.status, 201);
      const { totp, factor, passkey } = reply.body;
      t.equal(passkey, null);
      t.match(totp.uri, /^otpauth:\/\/totp\//);
      t.equal(new URL(totp.uri).searchParams.get("secret"), totp.secret);
      t.ok(decodeURIComponent(totp.uri).includes(who.email));
      t.equal((await login(who.email)).status, 200, "not asked for yet");
      refused(
        t,
        await confirm(who, factor.id, { code: wrongCode(totp.secret) }),
        401,
        "auth.invalid_second_factor",
      );
      refused(t, await confirm(who, factor.id, {}), 400, "request.invalid");
      const late = await laterSignedIn(market, 15 * 60 + 1, () =>
        confirm(who, factor.id, { code: codeOf(totp.secret) }),
      );
      refused(t, late, 404, "second_factor.not_found");
    },
  );

  const { secret, id, recoveryCodes } = await withTotp(who);

  await t.test("is asked for at the sign-in, where a wrong one opens nothing", async (t) => {
    const asked = refused(t, await login(who.email), 401, "auth.second_factor_required");
    t.same(asked.methods, ["code", "recoveryCode"]);
    refused(
      t,
      await login(who.email, { code: wrongCode(secret) }),
      401,
      "auth.invalid_second_factor",
    );
    refused(
      t,
      await login(who.email, { code: codeOf(secret) }, "not my password"),
      401,
      "auth.invalid_credentials",
    );
    const reply = await login(who.email, { code: codeOf(secret) });
    t.equal(reply.status, 200);
    const { body } = await market.as(signedInAs(who, reply))("GET", "/v1/me/sign-ins");
    t.match(body.data[0], { isCurrent: true, secondFactor: "totp" });
    const audits = await auditsOf(market, who.id);
    t.match(
      audits.filter(({ type }) => type === "member.sign_in_failed").map(({ reason }) => reason),
      ["wrong_password", "second_factor", "wrong_password"],
    );
  });

  await t.test("each code opens once, of several at the same moment too", async (t) => {
    const other = await market.person("enterprise");
    const own = await withTotp(other);
    const code = codeOf(own.secret);
    const replies = await Promise.all([1, 2, 3, 4].map(() => login(other.email, { code })));
    t.same(statusesOf(replies), [200, 401, 401, 401]);
    await db.delete(signInAttempts);
    refused(t, await login(other.email, { code }), 401, "auth.invalid_second_factor");
    const earlier = await login(other.email, { code: codeOf(own.secret, -1) });
    refused(t, earlier, 401, "auth.invalid_second_factor");
    t.equal(
      (await login(other.email, { code: codeOf(own.secret, 1) })).status,
      200,
      "the next one",
    );
    refused(
      t,
      await login(other.email, { code: codeOf(own.secret, 3) }),
      401,
      "auth.invalid_second_factor",
    );
  });

  await t.test(
    "guessing codes waits longer and longer, for who knows the password too",
    async (t) => {
      const other = await market.person("enterprise");
      const own = await withTotp(other);
      await db.delete(signInAttempts);
      const guess = async (at: string) =>
        (
          await market.app.inject({
            method: "POST",
            url: "/v1/auth/login",
            remoteAddress: at,
            payload: {
              email: other.email,
              password,
              secondFactor: { code: wrongCode(own.secret) },
            },
          })
        ).statusCode;
      // From another address each time, so that nothing but the account is counted.
      const statuses: number[] = [];
      for (let i = 1; i <= 8; i++) statuses.push(await guess(`10.1.${i}.1`));
      t.same(statuses, [401, 401, 401, 401, 401, 429, 429, 429]);
    },
  );

  await t.test("a recovery code opens once, however it is typed", async (t) => {
    t.equal(recoveryCodes.length, 10);
    t.equal(new Set(recoveryCodes).size, 10);
    t.match(recoveryCodes[0], /^([a-z2-7]{4}-){3}[a-z2-7]{4}$/);
    const typed = recoveryCodes[0].toUpperCase().replaceAll("-", " ");
    t.equal((await login(who.email, { recoveryCode: typed })).status, 200);
    refused(
      t,
      await login(who.email, { recoveryCode: recoveryCodes[0] }),
      401,
      "auth.invalid_second_factor",
    );
    const { body } = await market.as(who)("GET", factorsAt);
    t.equal(body.recoveryCodesLeft, 9);
    const stored = JSON.stringify(await db.select().from(secondFactors));
    t.ok(stored.includes(secret), "both sides reckon with it");
    t.notOk(JSON.stringify(body).includes(secret), "which is shown once");
  });

  await t.test("new recovery codes end the ones before", async (t) => {
    const url = `${factorsAt}/recovery-codes`;
    const body = { currentPassword: password };
    const fresh = await must(market.as(who)("POST", url, { body }));
    refused(
      t,
      await login(who.email, { recoveryCode: recoveryCodes[1] }),
      401,
      "auth.invalid_second_factor",
    );
    t.equal((await login(who.email, { recoveryCode: fresh.recoveryCodes[1] })).status, 200);
    const without = await market.person("enterprise");
    refused(t, await market.as(without)("POST", url, { body }), 404, "second_factor.not_found");
  });

  await t.test("somebody else's factor does not exist", async (t) => {
    const other = await market.person("enterprise");
    const body = { currentPassword: password };
    refused(
      t,
      await market.as(other)("POST", `${factorsAt}/${id}/remove`, { body }),
      404,
      "second_factor.not_found",
    );
    refused(t, await confirm(other, id, { code: codeOf(secret) }), 404, "second_factor.not_found");
  });

  await t.test("is removed with the password, and its codes with it", async (t) => {
    const url = `${factorsAt}/${id}/remove`;
    const wrong = { body: { currentPassword: "not my password" } };
    refused(t, await market.as(who)("POST", url, wrong), 401, "auth.invalid_credentials");
    refused(
      t,
      await confirm(who, id, { code: codeOf(secret) }),
      409,
      "second_factor.already_confirmed",
    );
    t.equal(
      (await market.as(who)("POST", url, { body: { currentPassword: password } })).status,
      204,
    );
    t.equal((await login(who.email)).status, 200);
    const { body } = await market.as(who)("GET", factorsAt);
    t.same(body, { data: [], recoveryCodesLeft: 0, isRequired: false });
  });
});

t.test("a passkey", async (t) => {
  const who = await market.person("university");

  await t.test("is refused when it answers another page, another question, or twice", async (t) => {
    const device = newAuthenticator();
    const { factor, passkey } = await must(begin(who, "passkey"));
    const elsewhere = { passkey: device.create(passkey, "https://market.test.example") };
    refused(t, await confirm(who, factor.id, elsewhere), 401, "auth.invalid_second_factor");
    const right = { passkey: device.create(passkey, origin) };
    refused(t, await confirm(who, factor.id, right), 401, "auth.invalid_second_factor");
    const own = { passkey: device.create({ ...passkey, challenge: "bWFkZSB1cA" }, origin) };
    refused(t, await confirm(who, factor.id, own), 401, "auth.invalid_second_factor");
    for (const clientDataJSON of ["e30", "bnVsbA", "!", "W10"]) {
      const broken = { ...device.create(passkey, origin), response: { clientDataJSON } };
      refused(
        t,
        await confirm(who, factor.id, { passkey: broken }),
        401,
        "auth.invalid_second_factor",
      );
      await db.delete(signInAttempts);
    }
  });

  const { device, reply } = await withPasskey(who);
  t.equal(reply.status, 200, reply.text);

  await t.test("is asked for and proved at the sign-in", async (t) => {
    const asked = refused(t, await login(who.email), 401, "auth.second_factor_required");
    t.same(asked.methods, ["passkey", "recoveryCode"]);
    t.match(asked.passkey, {
      rpId: "market.test",
      allowCredentials: [{ id: device.credentialId }],
    });
    const proof = { passkey: device.get(asked.passkey, origin) };
    t.equal((await login(who.email, proof)).status, 200);
    refused(t, await login(who.email, proof), 401, "auth.invalid_second_factor");
  });

  await t.test(
    "a question is answered once, in five minutes, and by its person alone",
    async (t) => {
      const ask = async (email: string) => (await login(email)).body.passkey;
      const late = device.get(await ask(who.email), origin);
      const reply = await later(5 * 60 + 1, () => login(who.email, { passkey: late }));
      refused(t, reply, 401, "auth.invalid_second_factor");
      await db.delete(signInAttempts);
      const other = await market.person("university");
      const theirs = await withPasskey(other);
      t.equal(theirs.reply.status, 200);
      const crossed = device.get(await ask(other.email), origin);
      refused(t, await login(who.email, { passkey: crossed }), 401, "auth.invalid_second_factor");
      refused(t, await login(other.email, { passkey: crossed }), 401, "auth.invalid_second_factor");
    },
  );

  await t.test("one that counts backwards was copied", async (t) => {
    const asked = (await login(who.email)).body.passkey;
    refused(
      t,
      await login(who.email, { passkey: device.get(asked, origin, 1) }),
      401,
      "auth.invalid_second_factor",
    );
  });

  await t.test("is one account's", async (t) => {
    const other = await market.person("university");
    const copied = await withPasskey(other, device);
    refused(t, copied.reply, 409, "second_factor.already_confirmed");
  });
});

t.test(
  "whoever signed in with the password alone, before it was there, gets nowhere",
  async (t) => {
    const who = await market.person("enterprise");
    const thief = signedInAs(who, await login(who.email));
    const own = await withTotp(who);
    refused(t, await market.as(thief)("GET", factorsAt), 401, "auth.invalid_token");
    // One that is opened at that very moment.
    const late = signedInAs(who, await login(who.email, { code: codeOf(own.secret) }));
    await db.update(sessions).set({ secondFactor: null }).where(eq(sessions.memberId, who.id));
    const current = { currentPassword: password };
    for (const [url, body] of [
      ["", { kind: "totp", name: "别人的手机", ...current }],
      ["/recovery-codes", current],
      [`/${own.id}/remove`, current],
    ] as const) {
      const reply = await market.as(late)("POST", factorsAt + url, { body });
      refused(t, reply, 403, "auth.second_factor_needed");
    }
  },
);

t.test("new passwords do not forget how often a code was guessed", async (t) => {
  const who = await market.person("enterprise");
  const own = await withTotp(who);
  const proved = signedInAs(who, await login(who.email, { code: codeOf(own.secret) }));
  for (let i = 0; i < 5; i++) {
    const guess = await login(who.email, { code: wrongCode(own.secret) });
    refused(t, guess, 401, "auth.invalid_second_factor");
  }
  const body = { currentPassword: password, newPassword: "春风又绿江南岸 2026" };
  await laterSignedIn(market, 2, () =>
    must(market.as(proved)("POST", "/v1/auth/change-password", { body })),
  );
  const keys = await db.select({ key: signInAttempts.key }).from(signInAttempts);
  t.equal(keys.filter(({ key }) => key.startsWith("factor:")).length, 1);
  t.notOk(
    keys.some(({ key }) => key.startsWith("pair:")),
    "those at the password are forgotten",
  );
});

type Answer = { response: object };

t.test("what a browser says of a passkey that no browser would say", async (t) => {
  const who = await market.person("university");
  const tried = async (change: (answer: Answer) => object, device = newAuthenticator()) => {
    await db.delete(signInAttempts);
    const { factor, passkey } = await must(begin(who, "passkey"));
    return confirm(who, factor.id, { passkey: change(device.create(passkey, origin)) });
  };
  const saying = (transports: unknown) => (answer: Answer) => ({
    ...answer,
    response: { ...answer.response, transports },
  });
  const long = await tried((answer) => answer, newAuthenticator(2_000));
  refused(t, long, 401, "auth.invalid_second_factor");
  for (const transports of ["abc", {}, ["a\0b"], [1, null, "usb"], 7, null]) {
    const reply = await tried(saying(transports));
    t.equal(reply.status, 200, `${JSON.stringify(transports)}: ${reply.text}`);
    const url = `${factorsAt}/${reply.body.factor.id}/remove`;
    await must(market.as(who)("POST", url, { body: { currentPassword: password } }));
  }
});

t.test("no more than ten", async (t) => {
  const who = await market.person("enterprise");
  for (let i = 0; i < 10; i++) {
    await db.delete(signInAttempts);
    await withTotp(who);
  }
  refused(t, await begin(who, "totp"), 409, "second_factor.too_many");
  const { body } = await market.as(who)("GET", factorsAt);
  t.equal(body.data.length, 10);
});

t.test(
  "an admin helps who has lost all, which ends every sign-in and bars the account",
  async (t) => {
    const admin = await market.person("enterprise");
    const who = await market.colleague(admin);
    await withTotp(who);
    const url = `/v1/organizations/${admin.organizationId}/members/${who.id}/second-factors`;
    refused(t, await market.as(who)("DELETE", url), 403, "auth.admin_required");
    const stranger = await market.person("enterprise");
    refused(t, await market.as(stranger)("DELETE", url), 403, "organization.not_owner");
    const operator = await market.person("operator");
    refused(t, await market.as(operator)("DELETE", url), 403, "organization.not_owner");
    t.equal((await market.as(admin)("DELETE", url)).status, 204);
    t.equal((await market.as(who)("GET", "/v1/me")).status, 401);
    const reply = await login(who.email);
    t.equal(reply.status, 200);
    const { body } = await market.as(signedInAs(who, reply))("GET", "/v1/me");
    t.match(body.member.passwordReset, { by: admin.id, byOrganizationId: admin.organizationId });
    t.ok(body.member.passwordReset.barredUntil > clock.now().toISOString());
    refused(t, await market.as(admin)("DELETE", url), 404, "second_factor.not_found");
    const mine = `/v1/organizations/${admin.organizationId}/members/${admin.id}/second-factors`;
    refused(t, await market.as(admin)("DELETE", mine), 409, "second_factor.own");
    const record = (await auditsOf(market, who.id)).find(
      ({ type }) => type === "member.remove_second_factors",
    );
    t.equal(record?.actorId, admin.id);
  },
);

t.test("roles that need one can do nothing before they have it", async (t) => {
  const strict = await openMarket(t, { settings: { SECOND_FACTOR_ROLES: "operator, registry" } });
  const operator = await strict.person("operator");
  const enterprise = await strict.person("enterprise");
  const read = (who: Caller) =>
    strict.as(who)("GET", `/v1/organizations/${enterprise.organizationId}/members`);
  t.equal((await read(enterprise)).status, 200);
  refused(t, await read(operator), 403, "auth.second_factor_needed");
  const draft = await must(
    strict.as(enterprise)("POST", "/v1/needs", { body: { title: "高温轴承钢国产化" } }),
  );
  const seen = await strict.as(operator)("GET", `/v1/needs/${draft.id}`);
  refused(t, seen, 404, "need.not_found");
  const mine = await strict.as(operator)("GET", "/v1/me");
  t.equal(mine.status, 200);
  t.equal((await strict.as(operator)("GET", "/v1/me/sign-ins")).status, 200);
  t.equal((await strict.as(operator)("GET", factorsAt)).body.isRequired, true);
  const { body } = await strict.as(operator)("POST", factorsAt, {
    body: { kind: "totp", name: "手机", currentPassword: password },
  });
  const code = codeOf(body.totp.secret);
  const url = `${factorsAt}/${body.factor.id}/confirm`;
  t.equal((await strict.as(operator)("POST", url, { body: { code } })).status, 200);
  t.equal((await read(operator)).status, 200, "at once");
  t.equal((await strict.as(operator)("GET", `/v1/needs/${draft.id}`)).status, 200);
  const again = await strict.as(null)("POST", "/v1/auth/login", {
    body: { email: operator.email, password },
  });
  refused(t, again, 401, "auth.second_factor_required");
  const remove = `${factorsAt}/${body.factor.id}/remove`;
  await must(strict.as(operator)("POST", remove, { body: { currentPassword: password } }));
  refused(t, await read(operator), 403, "auth.second_factor_needed");
  const client = await strict.client(operator, ["organization:read"]);
  t.equal((await strict.as(client)("GET", "/v1/me")).status, 200, "machines have none to prove");
});

t.test("what was proved once is not lost with a new password", async (t) => {
  const who = await market.person("enterprise");
  const own = await withTotp(who);
  const reply = await login(who.email, { code: codeOf(own.secret) });
  const changed = await market.as(signedInAs(who, reply))("POST", "/v1/auth/change-password", {
    body: { currentPassword: password, newPassword: "春风又绿江南岸 2026" },
  });
  const { body } = await market.as(signedInAs(who, changed))("GET", "/v1/me/sign-ins");
  t.equal(body.data.length, 1);
  t.equal(body.data[0].secondFactor, "totp");
  const [kept] = await db.select().from(secondFactors).where(eq(secondFactors.memberId, who.id));
  t.ok(kept?.confirmedAt);
});
