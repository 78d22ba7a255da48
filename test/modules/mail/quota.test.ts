/** How many letters with a link an organization has sent in the market's name. */
import t from "tap";
import { mails } from "../../../db/schema/mails.ts";
import { openMarket } from "../../support/market.ts";
import { must, refused, statusesOf } from "../../support/replies.ts";
import { openMailServer } from "../../support/smtp.ts";
import { stopClock } from "../../support/time.ts";

stopClock(t);
const server = await openMailServer(t);
const market = await openMarket(t, {
  settings: {
    SMTP_URL: server.url,
    MAIL_FROM: "Grand Market <market@example.test>",
    RATE_LIMITS: "mails=3/3",
  },
});

t.test("so many an hour, of all its admins, and of each organization by itself", async (t) => {
  const [admin, other] = [await market.person("enterprise"), await market.person("university")];
  const invite = (by: typeof admin, name: string) =>
    market.as(by)("POST", `/v1/organizations/${by.organizationId}/members`, {
      body: { name: "王强", email: `${name}@example.test` },
    });
  const replies = await Promise.all(["a", "b", "c", "d"].map((name) => invite(admin, name)));
  t.same(statusesOf(replies), [201, 201, 201, 429]);
  const { id } = (await must(market.as(admin)("GET", "/v1/me"))).member ?? admin;
  const link = await market.as(admin)(
    "POST",
    `/v1/organizations/${admin.organizationId}/members/${id}/issue-link`,
  );
  refused(t, link, 429, "request.rate_limited");
  t.equal((await invite(other, "e")).status, 201);
  t.equal(await market.database.db.$count(mails), 4);
});
