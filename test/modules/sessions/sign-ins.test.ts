/** One's own sign-ins: seen with where they came from, and ended one by one or all but this one. */
import { and, eq, isNull } from "drizzle-orm";
import t from "tap";
import { sessions } from "../../../db/schema/sessions.ts";
import { instantIn } from "../../../src/lib/clock.ts";
import { newId } from "../../../src/lib/ids.ts";
import { auditsOf } from "../../support/log.ts";
import { type Caller, openMarket, password } from "../../support/market.ts";
import { must, refused } from "../../support/replies.ts";
import { later } from "../../support/time.ts";

const market = await openMarket(t);
const path = "/v1/me/sign-ins";

async function signIn(who: Caller, userAgent: string, remoteAddress = "127.0.0.1") {
  const response = await market.app.inject({
    method: "POST",
    url: "/v1/auth/login",
    headers: { "user-agent": userAgent },
    remoteAddress,
    payload: { email: who.email, password },
  });
  const { accessToken, refreshToken } = response.json();
  return { caller: { ...who, token: accessToken } as Caller, refreshToken: refreshToken as string };
}
const refresh = (refreshToken: string) =>
  market.as(null)("POST", "/v1/auth/refresh", { body: { refreshToken } });

t.test("are listed with where they came from, to their person alone", async (t) => {
  const who = await market.person("enterprise");
  const { caller } = await signIn(who, "Office\u202e PC/1.0", "192.0.2.7");
  const { data } = await must(market.as(caller)("GET", path));
  t.equal(data.length, 2, "that of the test and this one");
  t.match(data[0], {
    isCurrent: true,
    address: "192.0.2.7",
    userAgent: "Office PC/1.0",
    secondFactor: null,
  });
  t.equal(data[1].isCurrent, false);
  const other = await market.colleague(who, { isAdmin: true });
  const theirs = await must(market.as(other)("GET", path));
  t.equal(theirs.data.length, 1);
  refused(t, await market.as(other)("DELETE", `${path}/${data[0].id}`), 404, "sign_in.not_found");
  const client = await market.client(who, ["organization:read"]);
  refused(t, await market.as(client)("GET", path), 403, "auth.person_required");
  t.notMatch(JSON.stringify(await auditsOf(market, who.id)), /Office/);
});

t.test("one is ended, with its tokens", async (t) => {
  const who = await market.person("enterprise");
  const lost = await signIn(who, "lost telephone");
  const { data } = await must(market.as(who)("GET", path));
  t.equal((await market.as(who)("DELETE", `${path}/${data[0].id}`)).status, 204);
  t.equal((await market.as(lost.caller)("GET", "/v1/me")).status, 401);
  refused(t, await refresh(lost.refreshToken), 401, "auth.invalid_refresh_token");
  refused(t, await market.as(who)("DELETE", `${path}/${data[0].id}`), 404, "sign_in.not_found");
  t.match(await auditsOf(market, data[0].id), [{ type: "session.revoke", reason: "sign_out" }]);
});

t.test("all others are ended at once", async (t) => {
  const who = await market.person("enterprise");
  const [one, two] = [await signIn(who, "one"), await signIn(who, "two")];
  t.equal((await market.as(two.caller)("DELETE", path)).status, 204);
  t.equal((await market.as(one.caller)("GET", "/v1/me")).status, 401);
  t.equal((await market.as(who)("GET", "/v1/me")).status, 401);
  const { data } = await must(market.as(two.caller)("GET", path));
  t.match(data, [{ isCurrent: true, userAgent: "two" }]);
  const renewed = await must(refresh(two.refreshToken));
  t.ok(renewed.accessToken);
  const after = await must(market.as(two.caller)("GET", path));
  t.ok(after.data[0].usedAt >= data[0].usedAt);
});

t.test("all others, however many there are", async (t) => {
  const who = await market.person("enterprise");
  const expiresAt = instantIn(3_600);
  const many = Array.from({ length: 250 }, () => ({ id: newId(), memberId: who.id, expiresAt }));
  await market.database.db.insert(sessions).values(many);
  const oldest = many[0]?.id ?? "";
  const { caller } = await signIn(who, "the newest");
  t.equal(
    (await market.as(caller)("DELETE", `${path}/${oldest}`)).status,
    204,
    "not listed, but ended",
  );
  t.equal((await market.as(caller)("DELETE", path)).status, 204);
  const own = eq(sessions.memberId, who.id);
  const open = await market.database.db
    .select()
    .from(sessions)
    .where(and(own, isNull(sessions.revokedAt)));
  t.equal(open.length, 1);
});

t.test("one that is not used ends before its time", async (t) => {
  const idle = await openMarket(t, { settings: { SESSION_DAYS: "30", SESSION_IDLE_DAYS: "7" } });
  const who = await idle.person("enterprise");
  const signIn = () =>
    must(idle.as(null)("POST", "/v1/auth/login", { body: { email: who.email, password } }));
  const renew = (refreshToken: string) =>
    idle.as(null)("POST", "/v1/auth/refresh", { body: { refreshToken } });
  const days = (count: number) => count * 24 * 3_600;
  const [left, used] = [await signIn(), await signIn()];
  const renewed = await later(days(6), () => must(renew(used.refreshToken)));
  const late = await later(days(7) + 1, () => renew(left.refreshToken));
  refused(t, late, 401, "auth.invalid_refresh_token");
  const again = await later(days(12), () => must(renew(renewed.refreshToken)));
  const { data } = await later(days(12), async () => {
    const caller = { ...who, token: again.accessToken };
    return must(idle.as(caller)("GET", path));
  });
  t.equal(data.length, 1, "the other one is over");
  let last = again.refreshToken;
  for (const day of [18, 24, 29]) {
    last = (await later(days(day), () => must(renew(last)))).refreshToken;
  }
  const end = await later(days(30) + 1, () => renew(last));
  refused(t, end, 401, "auth.invalid_refresh_token");
});
