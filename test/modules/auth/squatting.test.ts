/** An e-mail that anybody said was theirs, in an organization that nobody has verified. */
import { eq } from "drizzle-orm";
import t from "tap";
import { members } from "../../../db/schema/members.ts";
import { auditsOf } from "../../support/log.ts";
import { type Caller, openMarket, password } from "../../support/market.ts";
import { must, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;

const invite = (by: Caller, email: string) =>
  market.as(by)("POST", `/v1/organizations/${by.organizationId}/members`, {
    body: { name: "李薇", email },
  });
const login = (email: string) =>
  market.as(null)("POST", "/v1/auth/login", { body: { email, password } });

t.test("the invitation of a verified organization goes before it", async (t) => {
  const squatter = await market.person("enterprise", { status: "pending" });
  const admin = await market.person("university");
  const { token, member } = await must(invite(admin, squatter.email.toUpperCase()));
  t.equal(member.email, squatter.email);
  t.equal((await market.as(squatter)("GET", "/v1/me")).status, 401, "signed out at once");
  refused(t, await login(squatter.email), 401, "auth.invalid_credentials");
  const [row] = await db.select().from(members).where(eq(members.id, squatter.id));
  t.match(row, { status: "suspended", email: `${squatter.id}@released.invalid` });
  const [, released] = await auditsOf(market, squatter.id);
  const record = released ?? (await auditsOf(market, squatter.id))[0];
  t.match(record, { type: "member.release_email", actorId: admin.id, reason: "invitation" });
  t.notMatch(JSON.stringify(record), new RegExp(squatter.email), "addresses are personal");
  const body = { token, password };
  await must(market.as(null)("POST", "/v1/auth/redeem-link", { body }));
  const { accessToken } = await must(login(squatter.email));
  const me = await must(market.as({ ...admin, token: accessToken })("GET", "/v1/me"));
  t.equal(me.organization.id, admin.organizationId);
});

t.test("an invitation in such an organization too, whose link still names somebody", async (t) => {
  const pending = await market.person("enterprise", { status: "pending" });
  const held = await must(invite(pending, "li.wei.held@example.test"));
  const admin = await market.person("university");
  t.equal((await invite(admin, "li.wei.held@example.test")).status, 201);
  const body = { token: held.token, password };
  const reply = await market.as(null)("POST", "/v1/auth/redeem-link", { body });
  refused(t, reply, 400, "auth.invalid_link");
});

t.test("nobody else goes before anybody", async (t) => {
  const pending = await market.person("enterprise", { status: "pending" });
  const rival = await market.person("enterprise", { status: "pending" });
  refused(t, await invite(rival, pending.email), 409, "member.email_taken");
  const admin = await market.person("university");
  for (const status of ["verified", "suspended", "closed"] as const) {
    const known = await market.person("enterprise", { status });
    refused(t, await invite(admin, known.email), 409, "member.email_taken");
  }
  t.equal((await login(pending.email)).status, 200);
});

t.test("of two that invite at the same moment one has it", async (t) => {
  const squatter = await market.person("enterprise", { status: "pending" });
  const admins = [await market.person("university"), await market.person("university")];
  const replies = await Promise.all(admins.map((admin) => invite(admin, squatter.email)));
  t.same(replies.map(({ status }) => status).sort(), [201, 409]);
});
