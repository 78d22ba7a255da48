/** A market without a mail server writes to nobody, and puts nothing by. */
import t from "tap";
import { mails } from "../../../db/schema/mails.ts";
import { openInterest } from "../../support/deals.ts";
import { openMarket, password } from "../../support/market.ts";
import { proposedMatch } from "../../support/matches.ts";
import { must } from "../../support/replies.ts";

const market = await openMarket(t);

t.test("everything works as without it", async (t) => {
  const admin = await market.person("enterprise");
  const path = `/v1/organizations/${admin.organizationId}/members`;
  const body = { name: "王强", email: "wang.qiang@example.test" };
  const invited = await must(market.as(admin)("POST", path, { body }));
  t.match(invited, { mailed: false, token: /^gml_/ });
  const again = await must(market.as(admin)("POST", `${path}/${invited.member.id}/issue-link`));
  t.match(again, { mailed: false, token: /^gml_/ });
  await openInterest(market);
  await proposedMatch(market);
  const change = { currentPassword: password, newPassword: "another pass phrase 2026" };
  await must(market.as(admin)("POST", "/v1/auth/change-password", { body: change }));
  t.equal(await market.database.db.$count(mails), 0);
  const own = await must(
    market.as(await market.colleague(admin))("GET", "/v1/me/mail-preferences"),
  );
  t.equal(own.isOn, false);
  t.notOk(market.app.jobs.some(({ name }) => name.startsWith("mail.")));
});
