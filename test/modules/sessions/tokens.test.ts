/** Attacks on tokens and passwords, each of which is refused and changes nothing. */
import { createHmac, generateKeyPairSync, sign as signBytes } from "node:crypto";
import { readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { eq, sql } from "drizzle-orm";
import t, { type Test } from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { refreshTokens, sessions, signInAttempts } from "../../../db/schema/sessions.ts";
import { buildApp } from "../../../src/app.ts";
import { clock } from "../../../src/lib/clock.ts";
import { newId, sha256 } from "../../../src/lib/ids.ts";
import { createKeyFile, readKeyFile, rotateKeyFile } from "../../../src/lib/signing-keys.ts";
import { auditsOf } from "../../support/log.ts";
import { type Caller, openMarket, password, type Reply } from "../../support/market.ts";
import { statusesOf } from "../../support/replies.ts";
import { later } from "../../support/time.ts";

const market = await openMarket(t);
const { db } = market.database;
const nobody = market.as(null);
const { signingKeys } = market.app;
const issuer = "https://market.test";

type Json = Record<string, unknown>;

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const decode = (token: string, part: 0 | 1): Json =>
  JSON.parse(Buffer.from(token.split(".")[part] ?? "", "base64url").toString());

const rightHeader: Json = { alg: "ES256", typ: "at+jwt", kid: signingKeys.active.kid };

/** A token signed by hand (RFC 7515, ES256 as RFC 7518 3.4 has it). */
function handmade(claims: Json, header: Json = rightHeader, pem = signingKeys.active.pem): string {
  const input = `${encode(header)}.${encode(claims)}`;
  const key = { key: pem, dsaEncoding: "ieee-p1363" } as const;
  return `${input}.${signBytes("sha256", Buffer.from(input), key).toString("base64url")}`;
}

/** `undefined` removes a claim. */
const claimsOf = (caller: Caller, changes: Json = {}): Json => ({
  ...decode(caller.token, 1),
  jti: newId(),
  ...changes,
});

const seconds = () => Math.floor(Date.now() / 1000);

const login = (email: string, secret: string) =>
  nobody("POST", "/v1/auth/login", { body: { email, password: secret } });
const refresh = (refreshToken: string) =>
  nobody("POST", "/v1/auth/refresh", { body: { refreshToken } });
const meOf = (token: string, caller: Caller) => market.as({ ...caller, token })("GET", "/v1/me");

async function signedIn(caller: Caller) {
  const { body } = await login(caller.email, password);
  const token = String(body.accessToken);
  return { ...caller, token, refreshToken: String(body.refreshToken), sid: decode(token, 1).sid };
}

const sessionRow = async (id: unknown) =>
  (
    await db
      .select()
      .from(sessions)
      .where(eq(sessions.id, String(id)))
  )[0];

const countAudits = () => db.$count(auditRecords);
const countNeeds = async () => {
  const { rows } = await db.execute<{ n: number }>(sql`select count(*)::int as n from needs`);
  return rows[0]?.n;
};

/** Sends this Authorization header to a route that writes and to a public one: both must refuse it. */
async function assertRefused(t: Test, authorization: string, name: string) {
  const before = [await countNeeds(), await countAudits()];
  const headers = { authorization };
  const body = { title: "有人冒用令牌起草的需求" };
  const replies = [
    await nobody("POST", "/v1/needs", { body, headers }),
    await nobody("GET", "/v1/results", { headers }),
  ];
  for (const reply of replies) {
    t.equal(reply.status, 401, `${name}: ${reply.text}`);
    t.equal(reply.body.code, "auth.invalid_token", name);
    t.match(reply.headers["www-authenticate"], /^Bearer .*error="invalid_token"/, name);
    t.match(reply.headers["content-type"], /^application\/problem\+json/, name);
  }
  t.same([await countNeeds(), await countAudits()], before, `${name}: nothing is written`);
}

t.beforeEach(async () => {
  // Every call comes from one address, which may try a hundred times in 15 minutes.
  await db.delete(signInAttempts);
});

t.test("a token made by hand with everything right is taken: the control", async (t) => {
  const person = await market.person("enterprise");
  const headers = { authorization: `Bearer ${handmade(claimsOf(person))}` };
  const body = { title: "高温轴承寿命预测" };
  t.equal((await nobody("POST", "/v1/needs", { body, headers })).status, 201);
  const small = { authorization: headers.authorization.replace("Bearer", "bearer") };
  t.equal((await nobody("GET", "/v1/me", { headers: small })).status, 200, "any case (RFC 9110)");
});

t.test("signatures that are not this market's", async (t) => {
  const person = await market.person("enterprise");
  const claims = claimsOf(person);
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const otherPem = String(other.privateKey.export({ type: "pkcs8", format: "pem" }));
  const publicPem = String(signingKeys.verifying.get(signingKeys.active.kid));
  const valid = handmade(claims);
  const [header, payload, signature] = valid.split(".") as [string, string, string];
  const hs256 = (secret: string) => {
    const input = `${encode({ ...rightHeader, alg: "HS256" })}.${payload}`;
    return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
  };
  const der = signBytes("sha256", Buffer.from(`${header}.${payload}`), signingKeys.active.pem);
  const none = (alg: string) => `${encode({ ...rightHeader, alg })}.${payload}`;
  const attacks: Record<string, string> = {
    "another key under this kid": handmade(claims, rightHeader, otherPem),
    "another key that the header brings along": handmade(
      claims,
      { ...rightHeader, kid: "mine", jwk: other.publicKey.export({ format: "jwk" }) },
      otherPem,
    ),
    "alg none, no signature": `${none("none")}.`,
    "alg none, the old signature": `${none("none")}.${signature}`,
    "alg None": `${none("None")}.`,
    "HS256 with the public key": hs256(publicPem),
    "HS256 with the public key, trimmed": hs256(publicPem.trim()),
    "HS256 with an empty secret": hs256(""),
    "ES384 in the header": handmade(claims, { ...rightHeader, alg: "ES384" }),
    "an unknown kid": handmade(claims, { ...rightHeader, kid: "unknown" }),
    "no kid": handmade(claims, { ...rightHeader, kid: undefined }),
    "a kid that is a path": handmade(claims, { ...rightHeader, kid: "../../../dev/null" }),
    "a kid that is no text": handmade(claims, { ...rightHeader, kid: ["a"] }),
    "no signature": `${header}.${payload}.`,
    "half a signature": valid.slice(0, -43),
    "a signature of zeros (CVE-2022-21449)": `${header}.${payload}.${Buffer.alloc(64).toString("base64url")}`,
    "a signature in DER": `${header}.${payload}.${der.toString("base64url")}`,
    "changed claims under the old signature": `${header}.${encode({ ...claims, scope: "all" })}.${signature}`,
  };
  for (const [name, token] of Object.entries(attacks)) {
    t.test(name, (t) => assertRefused(t, `Bearer ${token}`, name));
  }
});

t.test("claims that are not for this market, or not for now", async (t) => {
  const person = await market.person("enterprise");
  const wrong: Record<string, Json> = {
    "another issuer": { iss: "https://evil.test" },
    "no issuer": { iss: undefined },
    "another audience": { aud: "https://other.test" },
    "several other audiences": { aud: ["https://other.test", "https://third.test"] },
    "no audience": { aud: undefined },
    "expired a second ago": { iat: seconds() - 901, exp: seconds() - 1 },
    "no expiry": { exp: undefined },
    "an expiry in words": { exp: "tomorrow" },
    "not valid yet": { nbf: seconds() + 60 },
    "no time of issue": { iat: undefined },
    "no id": { jti: undefined },
    "no subject": { sub: undefined },
    "a subject that is no id": { sub: "admin" },
    "an unknown subject": { sub: newId() },
    "an unknown sign-in": { sid: newId() },
    "a person without a sign-in": { sid: undefined },
  };
  for (const [name, changes] of Object.entries(wrong)) {
    const token = handmade(claimsOf(person, changes));
    t.test(name, (t) => assertRefused(t, `Bearer ${token}`, name));
  }
  for (const typ of ["JWT", "id+jwt", undefined]) {
    const name = `the type ${typ}`;
    const token = handmade(claimsOf(person), { ...rightHeader, typ });
    t.test(name, (t) => assertRefused(t, `Bearer ${token}`, name));
  }
});

t.test("somebody else's sign-in", async (t) => {
  const [person, other] = [await market.person("enterprise"), await market.person("enterprise")];
  const { sid } = decode(other.token, 1);
  await assertRefused(t, `Bearer ${handmade(claimsOf(person, { sid }))}`, "cold");
});

t.test("an Authorization header that is none", async (t) => {
  const { token } = await market.person("enterprise");
  for (const header of [
    "",
    "Bearer",
    "Bearer ",
    `Bearer\t${token}`,
    "Bearer x",
    "Bearer a.b",
    "Bearer a.b.c",
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    `Bearer "${token}"`,
    `Bearer,${token}`,
    `Bearer ${token} ${token}`,
    `Bearer ${token} x`,
    token,
    `Basic ${token}`,
    `Basic ${Buffer.from(`a:${token}`).toString("base64")}`,
    `DPoP ${token}`,
    `Bearer ${"x".repeat(8000)}`,
  ]) {
    const name = JSON.stringify(header.replaceAll(token, "<token>").slice(0, 60));
    t.test(name, (t) => assertRefused(t, header, name));
  }
  t.test("none at all asks to sign in", async (t) => {
    const reply = await nobody("GET", "/v1/me");
    t.equal(reply.body.code, "auth.required");
    t.notMatch(reply.headers["www-authenticate"], /error=/, "RFC 6750 3.1: no error then");
  });
});

t.test("what an access token says", async (t) => {
  const person = await signedIn(await market.person("enterprise"));
  const machine = await market.client(person, ["needs:read"]);

  t.test("a person's: RFC 9068, for 15 minutes at most", async (t) => {
    const claims = decode(person.token, 1);
    t.strictSame(decode(person.token, 0), rightHeader);
    t.match(claims, { iss: issuer, aud: issuer, sub: person.id, client_id: "grand-market" });
    t.ok(Number(claims.exp) - Number(claims.iat) <= 900);
    t.ok(Math.abs(Number(claims.iat) - seconds()) < 60);
    t.same(
      Object.keys(claims).sort(),
      ["aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sid", "sub"],
      "nothing personal",
    );
  });

  t.test("a machine's, likewise", async (t) => {
    const claims = decode(machine.token, 1);
    t.match(claims, { sub: machine.id, client_id: machine.id, scope: "needs:read" });
    t.ok(Number(claims.exp) - Number(claims.iat) <= 900);
  });

  t.test("each has an id of its own", async (t) => {
    const again = await refresh(person.refreshToken);
    t.not(decode(again.body.accessToken, 1).jti, decode(person.token, 1).jti);
    t.equal(decode(again.body.accessToken, 1).sid, person.sid);
  });

  t.test("one that expires while it is remembered is refused", async (t) => {
    const token = handmade(claimsOf(person, { exp: seconds() + 2 }));
    t.equal((await meOf(token, person)).status, 200);
    await sleep(2100);
    t.equal((await meOf(token, person)).status, 401);
  });
});

t.test("the published keys", async (t) => {
  t.test("are public halves, the next one among them before its use", async (t) => {
    const reply = await nobody("GET", "/.well-known/jwks.json");
    t.equal(reply.status, 200);
    t.equal(reply.body.keys.length, 2);
    t.equal(reply.body.keys[0].kid, signingKeys.active.kid);
    t.not(reply.body.keys[1].kid, signingKeys.active.kid);
    for (const key of reply.body.keys) {
      t.same(Object.keys(key).sort(), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
      t.match(key, { alg: "ES256", crv: "P-256", kty: "EC", use: "sig" });
    }
    t.notMatch(reply.text, /"d"/);
    t.equal(reply.headers["cache-control"], "public, max-age=300");
    const headers = { "if-none-match": String(reply.headers.etag) };
    t.equal((await nobody("GET", "/.well-known/jwks.json", { headers })).status, 304);
  });

  t.test("are where the metadata says (RFC 8414)", async (t) => {
    const { body } = await nobody("GET", "/.well-known/oauth-authorization-server");
    t.match(body, {
      issuer,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      token_endpoint: `${issuer}/oauth/token`,
      grant_types_supported: ["client_credentials"],
    });
    t.notOk(body.token_endpoint_auth_methods_supported.includes("none"));
  });
});

t.test("keys rotate", async (t) => {
  const file = join(tmpdir(), `rotation-${newId()}.json`);
  t.teardown(() => rmSync(file, { force: true }));
  const start = new Date("2026-03-02T00:00:00Z");
  const after = (minutes: number) => new Date(start.getTime() + minutes * 60_000);
  const kidsOf = (keys: ReturnType<typeof readKeyFile>) => keys.published.map((key) => key.kid);

  createKeyFile(file, start);
  const first = readKeyFile(file);

  // Awaited, because the file goes on from one to the next.
  await t.test("a key file is for its owner alone, and not made again over one", async (t) => {
    t.equal(statSync(file).mode & 0o777, 0o600);
    const text = readFileSync(file, "utf8");
    t.throws(() => createKeyFile(file, start), /rotate it instead/);
    t.equal(readFileSync(file, "utf8"), text);
  });

  await t.test("not while tokens of the key before may be in use", async (t) => {
    const text = readFileSync(file, "utf8");
    t.throws(() => rotateKeyFile(file, after(14)), /rotate again in 1 minutes/);
    t.throws(() => rotateKeyFile(file, new Date(after(15).getTime() - 1)));
    t.equal(readFileSync(file, "utf8"), text);
  });

  rotateKeyFile(file, after(15));
  const second = readKeyFile(file);
  t.throws(() => rotateKeyFile(file, after(29)));
  rotateKeyFile(file, after(30));
  const third = readKeyFile(file);

  t.test("next signs, the one before only verifies, then it is gone", async (t) => {
    const [active, next] = kidsOf(first);
    t.equal(first.active.kid, active);
    t.equal(second.active.kid, next);
    t.same(kidsOf(second).slice(0, 3), [next, second.published[1]?.kid, active]);
    t.equal(third.active.kid, second.published[1]?.kid);
    t.notOk(kidsOf(third).includes(active));
    t.ok(kidsOf(third).includes(next));
    for (const keys of [first, second, third]) {
      t.same([...keys.verifying.keys()].sort(), kidsOf(keys).sort());
      t.notMatch(JSON.stringify(keys.published), /"d":/);
    }
    t.equal(statSync(file).mode & 0o777, 0o600);
  });

  t.test("processes with the file before and after take each other's tokens", async (t) => {
    const person = await market.person("enterprise");
    const { sid } = decode(person.token, 1);
    const apps = await Promise.all(
      [first, second, third].map((keys) =>
        buildApp(market.app.config, { database: market.database, keys }),
      ),
    );
    t.teardown(() => Promise.all(apps.map((app) => app.close())));
    const claims = { sub: person.id, client_id: "grand-market", scope: "", sid: String(sid) };
    const taken: number[][] = [];
    for (const signer of apps) {
      const authorization = `Bearer ${signer.signAccessToken(claims)}`;
      const replies = await Promise.all(
        apps.map((app) => app.inject({ url: "/v1/me", headers: { authorization } })),
      );
      taken.push(replies.map((reply) => reply.statusCode));
    }
    t.same(taken, [
      [200, 200, 401],
      [200, 200, 200],
      [401, 200, 200],
    ]);
  });
});

t.test("an access token does not outlive", async (t) => {
  /** Somebody whose token was used a moment ago, so that it is remembered. */
  const warm = async (caller: Caller) => {
    const person = await signedIn(caller);
    t.equal((await meOf(person.token, person)).status, 200);
    return person;
  };
  const assertEnded = async (t: Test, person: Caller) => {
    const reply = await meOf(person.token, person);
    t.same([reply.status, reply.body.code], [401, "auth.invalid_token"]);
  };

  t.test("the sign-out", async (t) => {
    const person = await warm(await market.person("enterprise"));
    await market.as(person)("POST", "/v1/auth/logout");
    await assertEnded(t, person);
    t.match(await sessionRow(person.sid), { revokedFor: "sign_out" });
  });

  t.test("the suspension of the person", async (t) => {
    const admin = await market.person("enterprise");
    const person = await warm(await market.colleague(admin));
    const url = `/v1/organizations/${admin.organizationId}/members/${person.id}/suspend`;
    t.equal((await market.as(admin)("POST", url)).status, 200);
    await assertEnded(t, person);
    t.match(await sessionRow(person.sid), { revokedFor: "suspension" });
  });

  t.test("a change of the password", async (t) => {
    const person = await warm(await market.person("enterprise"));
    const body = { currentPassword: password, newPassword: "a brand new pass phrase" };
    t.equal((await market.as(person)("POST", "/v1/auth/change-password", { body })).status, 200);
    await assertEnded(t, person);
    t.match(await sessionRow(person.sid), { revokedFor: "password_change" });
  });

  t.test("the discovery that a refresh token was stolen", async (t) => {
    const person = await warm(await market.person("enterprise"));
    await refresh(person.refreshToken);
    await later(21, () => refresh(person.refreshToken));
    await assertEnded(t, person);
  });

  t.test("the end of the sign-in", async (t) => {
    const { now } = clock;
    t.teardown(() => {
      clock.now = now;
    });
    const person = await signedIn(await market.person("enterprise"));
    clock.now = () => new Date(now().getTime() + 30 * 24 * 3_600_000 + 1000);
    await assertEnded(t, person);
  });

  t.test("its organization's standing: suspended, it only reads", async (t) => {
    const operator = await market.person("operator");
    const person = await warm(await market.person("enterprise"));
    const url = `/v1/organizations/${person.organizationId}/suspend`;
    await market.as(operator)("POST", url, { body: { reason: "核查中" } });
    const before = await countNeeds();
    const reply = await market.as(person)("POST", "/v1/needs", { body: { title: "轴承寿命" } });
    t.same([reply.status, reply.body.code], [403, "organization.suspended"]);
    t.equal(await countNeeds(), before);
    t.equal((await meOf(person.token, person)).status, 200);
  });
});

t.test("a refresh token that comes twice", async (t) => {
  /** None of these works any more, and the sign-in says why. */
  async function assertFamilyEnded(t: Test, person: Caller, sid: unknown, given: Reply[]) {
    t.match(await sessionRow(sid), { revokedFor: "token_reuse", revokedAt: String });
    for (const { body } of given) {
      t.equal((await meOf(body.accessToken, person)).status, 401);
      const reply = await refresh(body.refreshToken);
      t.same([reply.status, reply.body.code], [401, "auth.invalid_refresh_token"]);
    }
    const records = await db
      .select()
      .from(auditRecords)
      .where(eq(auditRecords.subjectId, String(sid)));
    const revoked = records.filter(({ type }) => type !== "session.refresh");
    const refreshed = records.filter(({ type }) => type === "session.refresh");
    t.ok(refreshed.length >= given.length, "each refresh has its record");
    for (const { organizationId } of refreshed) t.equal(organizationId, person.organizationId);
    t.match(revoked, [
      {
        type: "session.revoke",
        reason: "token_reuse",
        actorKind: "anonymous",
        organizationId: person.organizationId,
      },
    ]);
    t.equal(revoked.length, 1, "however often it is tried");
  }

  const rowOf = async (token: string) => {
    const hash = sha256(token);
    const [row] = await db.select().from(refreshTokens).where(eq(refreshTokens.tokenHash, hash));
    return row;
  };

  t.test("within 20 seconds gives the same successor: a reply was lost", async (t) => {
    const person = await signedIn(await market.person("enterprise"));
    const first = await refresh(person.refreshToken);
    const again = await later(19, () => refresh(person.refreshToken));
    t.same([first.status, again.status], [200, 200]);
    t.equal(again.body.refreshToken, first.body.refreshToken);
    t.equal((await meOf(again.body.accessToken, person)).status, 200);
    t.match(await sessionRow(person.sid), { revokedAt: null });
    const tokens = await db
      .select()
      .from(refreshTokens)
      .where(eq(refreshTokens.sessionId, String(person.sid)));
    t.equal(tokens.length, 2, "no second successor");
    const records = await auditsOf(market, String(person.sid));
    t.same(
      records.map(({ type, reason }) => [type, reason]),
      [
        ["session.refresh", null],
        ["session.refresh", "repeated"],
      ],
    );
    t.equal((await refresh(first.body.refreshToken)).status, 200, "and that one works");
  });

  t.test("later than that ends the family", async (t) => {
    const person = await signedIn(await market.person("enterprise"));
    const bystander = await signedIn(person);
    const first = await refresh(person.refreshToken);
    t.equal(first.status, 200);
    const second = await later(21, () => refresh(person.refreshToken));
    t.same([second.status, second.body.code], [401, "auth.refresh_token_reused"]);
    t.match(second.headers["www-authenticate"], /^Bearer /);
    t.equal((await refresh(person.refreshToken)).body.code, "auth.refresh_token_reused");
    await assertFamilyEnded(t, person, person.sid, [first]);
    t.equal((await meOf(person.token, person)).status, 401);
    t.equal((await meOf(bystander.token, person)).status, 200, "the person's other sign-in stays");
  });

  t.test("ends the family within 20 seconds too, once its successor was used", async (t) => {
    const person = await signedIn(await market.person("enterprise"));
    const first = await refresh(person.refreshToken);
    const second = await refresh(first.body.refreshToken);
    t.equal(second.status, 200);
    t.equal((await rowOf(person.refreshToken))?.successorSalt, null, "nothing gives it any more");
    const stolen = await refresh(person.refreshToken);
    t.same([stolen.status, stolen.body.code], [401, "auth.refresh_token_reused"]);
    await assertFamilyEnded(t, person, person.sid, [second]);
  });

  t.test("much later, when the family has moved on", async (t) => {
    const person = await signedIn(await market.person("enterprise"));
    const chain: Reply[] = [];
    let token = person.refreshToken;
    for (let i = 0; i < 3; i++) {
      const reply = await refresh(token);
      chain.push(reply);
      token = reply.body.refreshToken;
    }
    t.equal((await refresh(person.refreshToken)).body.code, "auth.refresh_token_reused");
    await assertFamilyEnded(t, person, person.sid, chain.slice(-1));
    const live = await db
      .select()
      .from(refreshTokens)
      .where(eq(refreshTokens.sessionId, String(person.sid)));
    t.equal(live.length, 4);
  });

  t.test("revives no sign-in that has ended", async (t) => {
    const person = await signedIn(await market.person("enterprise"));
    const { body } = await refresh(person.refreshToken);
    await market.as({ ...person, token: body.accessToken })("POST", "/v1/auth/logout");
    const reply = await refresh(person.refreshToken);
    t.same([reply.status, reply.body.code], [401, "auth.refresh_token_reused"]);
  });

  for (const times of [2, 8]) {
    t.test(`${times} times at once gives one successor to all`, async (t) => {
      for (let round = 0; round < 3; round++) {
        const person = await signedIn(await market.person("enterprise"));
        const replies = await Promise.all(
          Array.from({ length: times }, () => refresh(person.refreshToken)),
        );
        t.same(statusesOf(replies), Array(times).fill(200));
        const given = new Set(replies.map(({ body }) => body.refreshToken));
        t.equal(given.size, 1);
        t.equal((await refresh([...given][0])).status, 200);
      }
    });

    t.test(`${times} times at once, too late: one end, told to all`, async (t) => {
      for (let round = 0; round < 3; round++) {
        const person = await signedIn(await market.person("enterprise"));
        const first = await refresh(person.refreshToken);
        const replies = await later(21, () =>
          Promise.all(Array.from({ length: times }, () => refresh(person.refreshToken))),
        );
        for (const reply of replies) {
          t.same([reply.status, reply.body.code], [401, "auth.refresh_token_reused"]);
        }
        await assertFamilyEnded(t, person, person.sid, [first]);
        t.equal((await meOf(person.token, person)).status, 401);
      }
    });
  }

  t.test(
    "the old one and the live one at once: whichever came first, nobody has two",
    async (t) => {
      for (let round = 0; round < 3; round++) {
        const person = await signedIn(await market.person("enterprise"));
        const { body } = await refresh(person.refreshToken);
        const [old, live] = await Promise.all([
          refresh(person.refreshToken),
          refresh(body.refreshToken),
        ]);
        t.equal(live?.status, 200);
        if (old?.status === 200) t.equal(old.body.refreshToken, body.refreshToken);
        else await assertFamilyEnded(t, person, person.sid, [live as Reply]);
      }
    },
  );

  t.test("no token is stored as it is", async (t) => {
    const person = await signedIn(await market.person("enterprise"));
    const { body } = await refresh(person.refreshToken);
    const { rows } = await db.execute(sql`select * from refresh_tokens`);
    for (const token of [person.refreshToken, body.refreshToken]) {
      t.notOk(JSON.stringify(rows).includes(token));
      t.ok(JSON.stringify(rows).includes(sha256(token)));
    }
  });
});

t.test("no audit record holds a token", async (t) => {
  const text = JSON.stringify(await db.select().from(auditRecords));
  t.notMatch(text, /gm[rls]_|eyJ|@example\.test|argon2/);
});
