/** A password that somebody else has reset: told to those whom it concerns, and for a while no second pair of eyes. */
import { Secret, TOTP } from "otpauth";
import t from "tap";
import { signInAttempts } from "../../../db/schema/sessions.ts";
import { clock } from "../../../src/lib/clock.ts";
import { confirm, confirmingContract, effectiveContract } from "../../support/contracts.ts";
import { auditsOf } from "../../support/log.ts";
import { type Caller, openMarket, password } from "../../support/market.ts";
import {
  acceptedCase,
  filedCase,
  openOffice,
  registeredCase,
  stepOf,
} from "../../support/registrations.ts";
import { must, refused } from "../../support/replies.ts";
import { later, laterSignedIn, stopClock } from "../../support/time.ts";

// A code is of its half minute: none must pass between making one and proving it.
stopClock(t);
const market = await openMarket(t);
const { db } = market.database;
const office = await openOffice(market);
const fresh = "another pass phrase 2026";
const hours = 3_600;

t.beforeEach(() => db.delete(signInAttempts));

const membersOf = ({ organizationId }: Caller) => `/v1/organizations/${organizationId}/members`;
const linkFor = async (by: Caller, who: Caller) =>
  (await must(market.as(by)("POST", `${membersOf(who)}/${who.id}/issue-link`))).token as string;
const redeem = (token: string, more: object = {}) =>
  market.as(null)("POST", "/v1/auth/redeem-link", { body: { token, password: fresh, ...more } });
const login = (email: string, secret = fresh, secondFactor?: object) =>
  market.as(null)("POST", "/v1/auth/login", {
    body: { email, password: secret, ...(secondFactor && { secondFactor }) },
  });

/** Signs in as somebody whose password the one who signs in has set. */
async function asThem(who: Caller, secondFactor?: object): Promise<Caller> {
  const { accessToken } = await must(login(who.email, fresh, secondFactor));
  return { ...who, token: accessToken };
}

/** Takes somebody's account over: a reset, and a sign-in with the new password. */
async function takenOver(by: Caller, who: Caller, more: object = {}): Promise<Caller> {
  await must(redeem(await linkFor(by, who), more));
  return asThem(who);
}
const meOf = async (who: Caller) => (await must(market.as(who)("GET", "/v1/me"))).member;

t.test("one admin is not both reviewers of a case", async (t) => {
  const { first } = office;
  const second = await market.colleague(first);
  const accepted = await acceptedCase(market, office);
  const posing = await takenOver(first, second);

  const seen = await must(market.as(posing)("GET", `/v1/registrations/${accepted.caseId}`));
  t.notOk(seen.allowedActions.includes("register"));
  t.notOk(seen.allowedActions.includes("refuse"));
  const problem = refused(
    t,
    await stepOf(market, posing, accepted.caseId, "register"),
    403,
    "auth.barred_after_reset",
  );
  t.match(problem.title, /复核|审核/);
  t.match(problem.detail, /限制期至/);
  t.equal(problem.barredUntil, (await meOf(posing)).passwordReset.barredUntil);
  const refusing = { grounds: ["not_technology_contract"], note: "材料不齐" };
  refused(
    t,
    await stepOf(market, posing, accepted.caseId, "refuse", refusing),
    403,
    "auth.barred_after_reset",
  );

  await t.test("nor the other way round: the first by the other's name", async (t) => {
    const filed = await filedCase(market, office);
    refused(
      t,
      await stepOf(market, posing, filed.caseId, "accept"),
      403,
      "auth.barred_after_reset",
    );
  });
  await t.test("nor where a registered contract is revoked", async (t) => {
    const registered = await registeredCase(market, office);
    const revoking = { ground: "false_material", note: "虚假材料" };
    refused(
      t,
      await stepOf(market, posing, registered.caseId, "revoke", revoking),
      403,
      "auth.barred_after_reset",
    );
  });
  await t.test("for 72 hours", async (t) => {
    const just = await laterSignedIn(market, 72 * hours - 60, () =>
      stepOf(market, posing, accepted.caseId, "register"),
    );
    refused(t, just, 403, "auth.barred_after_reset");
    const after = await laterSignedIn(market, 72 * hours + 60, () =>
      stepOf(market, { ...posing, token: posing.token }, accepted.caseId, "register"),
    );
    t.equal(after.status, 200, after.text);
  });
});

t.test("nor binds somebody else's account an organization", async (t) => {
  const seller = await market.person("university");
  const other = await market.colleague(seller, { isAdmin: true });
  const operator = office.operator;
  const contract = await confirmingContract(market, { seller });
  const posing = await takenOver(seller, other);
  refused(t, await confirm(market, posing, contract), 403, "auth.barred_after_reset");
  const seen = await must(market.as(posing)("GET", `/v1/contracts/${contract.id}`));
  t.notOk(seen.allowedActions.includes("confirm"));
  t.notOk(seen.allowedActions.includes("cancel"));
  const inForce = await effectiveContract(market, { seller });
  const cancel = (who: Caller, id: string) =>
    market.as(who)("POST", `/v1/contracts/${id}/cancel`, { body: { reason: "双方协商" } });
  refused(t, await cancel(posing, inForce.id), 403, "auth.barred_after_reset");

  await t.test("nor the operator, by the account of an organization's only admin", async (t) => {
    const only = await market.person("university");
    const own = await confirmingContract(market, { seller: only });
    const taken = await takenOver(operator, only);
    refused(t, await confirm(market, taken, own), 403, "auth.barred_after_reset");
    const { passwordReset } = await meOf(taken);
    t.match(passwordReset, { by: operator.id, byOrganizationId: operator.organizationId });
  });
});

t.test("it is told to the person and the colleagues, and written down who it was", async (t) => {
  const admin = await market.person("enterprise");
  const colleague = await market.colleague(admin, { isAdmin: true });
  const who = await market.colleague(admin);
  const before = await must(market.as(who)("GET", "/v1/me"));
  t.equal(before.member.passwordReset, null);
  const taken = await takenOver(admin, who);
  t.equal((await market.as(who)("GET", "/v1/me")).status, 401, "every sign-in before it has ended");
  const { passwordReset } = await meOf(taken);
  t.match(passwordReset, { by: admin.id, byOrganizationId: admin.organizationId });
  const seen = await must(market.as(colleague)("GET", `${membersOf(admin)}/${who.id}`));
  t.same(seen.passwordReset, passwordReset);
  const records = await auditsOf(market, who.id);
  t.equal(records.find(({ type }) => type === "member.issue_link")?.actorId, admin.id);
  const redeemed = records.find(({ type }) => type === "member.redeem_link");
  t.match(redeemed?.after, { resetBy: admin.id });
});

t.test("who proves to be the same is not barred", async (t) => {
  const admin = await market.person("enterprise");

  await t.test("by the password before", async (t) => {
    const who = await market.colleague(admin);
    const token = await linkFor(admin, who);
    refused(
      t,
      await redeem(token, { currentPassword: "not that one" }),
      401,
      "auth.invalid_credentials",
    );
    const taken = await takenOver(admin, who, { currentPassword: password });
    t.match(await meOf(taken), { passwordReset: { by: admin.id, barredUntil: null } });
  });

  const withTotp = async (who: Caller, secret: string) => {
    const body = { kind: "totp", name: "手机", currentPassword: secret };
    const { factor, totp } = await must(market.as(who)("POST", "/v1/me/second-factors", { body }));
    const codeAt = (steps: number) =>
      new TOTP({ secret: Secret.fromBase32(totp.secret) }).generate({
        timestamp: clock.now().getTime() + steps * 30_000,
      });
    await must(
      market.as(who)("POST", `/v1/me/second-factors/${factor.id}/confirm`, {
        body: { code: codeAt(-1) },
      }),
    );
    return codeAt;
  };

  await t.test("by a second factor, with the reset or at the next sign-in", async (t) => {
    const who = await market.colleague(admin);
    const codeAt = await withTotp(who, password);
    const token = await linkFor(admin, who);
    refused(t, await redeem(token, { secondFactor: { code: "12345" } }), 400, "request.invalid");
    refused(
      t,
      await redeem(token, { secondFactor: { recoveryCode: "aaaa-aaaa-aaaa-aaaa" } }),
      401,
      "auth.invalid_second_factor",
    );
    const reply = await must(redeem(token, { secondFactor: { code: codeAt(0) } }));
    t.equal(reply.passwordReset.barredUntil, null);

    const reset = await later(60, async () => must(redeem(await linkFor(admin, who))));
    t.ok(reset.passwordReset.barredUntil);
    const back = await later(120, () => asThem(who, { code: codeAt(0) }));
    t.equal((await meOf(back)).passwordReset.barredUntil, null);
  });

  await t.test("not by one that was set up afterwards", async (t) => {
    const who = await market.colleague(admin);
    const taken = await takenOver(admin, who);
    const codeAt = await withTotp(taken, fresh);
    const back = await asThem(who, { code: codeAt(0) });
    t.ok((await meOf(back)).passwordReset.barredUntil);
  });

  await t.test("nor does a second reset, by what the first one gave", async (t) => {
    const barred = async (who: Caller) => (await meOf(who)).passwordReset.barredUntil;
    const known = await market.colleague(admin);
    await takenOver(admin, known);
    t.ok(
      await barred(await takenOver(admin, known, { currentPassword: fresh })),
      "the new password",
    );
    for (const isShown of [true, false]) {
      const who = await market.colleague(admin);
      const codeAt = await withTotp(await takenOver(admin, who), fresh);
      await later(60, async () => {
        const more = isShown ? { secondFactor: { code: codeAt(0) } } : {};
        await must(redeem(await linkFor(admin, who), more));
      });
      const back = await later(120, () => asThem(who, { code: codeAt(0) }));
      t.ok(await barred(back), `a factor that was set up since, ${isShown ? "shown" : "used"}`);
    }
  });

  await t.test(
    "a link that works no more tells nothing of a factor, and delays nobody",
    async (t) => {
      const who = await market.colleague(admin);
      const codeAt = await withTotp(who, password);
      const used = await linkFor(admin, who);
      const newer = await linkFor(admin, who);
      for (let i = 0; i < 8; i++) {
        const reply = await redeem(used, { secondFactor: { code: "000000" } });
        refused(t, reply, 400, "auth.invalid_link");
      }
      refused(
        t,
        await redeem(used, { secondFactor: { code: codeAt(0) } }),
        400,
        "auth.invalid_link",
      );
      refused(
        t,
        await redeem(newer, { secondFactor: { recoveryCode: "aaaa-aaaa-aaaa-aaaa" } }),
        401,
        "auth.invalid_second_factor",
      );
      const failed = (await auditsOf(market, who.id)).filter(({ type }) => /failed/.test(type));
      t.match(failed, [{ reason: "second_factor" }]);
      await must(redeem(newer, { secondFactor: { code: codeAt(0) } }));
    },
  );

  await t.test("who makes the link for oneself is barred too, who is invited is not", async (t) => {
    const self = await takenOver(admin, admin);
    t.match(await meOf(self), { passwordReset: { by: admin.id, barredUntil: /^2/ } });
    const invited = await must(
      market.as(self)("POST", membersOf(admin), {
        body: { name: "新同事", email: "invited.colleague@example.test" },
      }),
    );
    t.equal((await must(redeem(invited.token))).passwordReset, null);
  });
});

t.test("RESET_BAR_HOURS=0 bars nobody, and tells all the same", async (t) => {
  const lenient = await openMarket(t, { settings: { RESET_BAR_HOURS: "0" } });
  const admin = await lenient.person("enterprise");
  const who = await lenient.colleague(admin);
  const { token } = await must(
    lenient.as(admin)("POST", `${membersOf(admin)}/${who.id}/issue-link`),
  );
  const body = { token, password: fresh };
  const { passwordReset } = await must(lenient.as(null)("POST", "/v1/auth/redeem-link", { body }));
  t.match(passwordReset, { by: admin.id, barredUntil: null });
});

t.test("an amendment is not confirmed either", async (t) => {
  const seller = await market.person("university");
  const other = await market.colleague(seller);
  const made = await effectiveContract(market, { seller });
  const path = `/v1/contracts/${made.id}/amendments`;
  const body = { reason: "双方协商调整。", patch: { title: "轴承钢专利实施许可（修订）" } };
  const amendment = await must(market.as(seller)("POST", path, { body }));
  const posing = await takenOver(seller, other);
  const read = { revision: amendment.revision, contentSha256: amendment.contentSha256 };
  const reply = await market.as(posing)("POST", `${path}/${amendment.id}/confirm`, { body: read });
  refused(t, reply, 403, "auth.barred_after_reset");
  const { data } = await must(market.as(posing)("GET", path));
  t.notOk(data[0].allowedActions.includes("confirm"));
  const buyers = await market.as(made.buyer)("POST", `${path}/${amendment.id}/confirm`, {
    body: read,
  });
  t.equal(buyers.status, 200);
});
