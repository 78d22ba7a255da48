/** The tour leaves a contract in a market's statistics: it plays on the demo market only. */
import t from "tap";
import { auditRecords } from "../../db/schema/audit.ts";
import { organizations } from "../../db/schema/organizations.ts";
import { demoCast } from "../../scripts/tour/cast.ts";
import { openMarket } from "../support/market.ts";

t.test("any other market is refused, and nothing happens there", async (t) => {
  const market = await openMarket(t);
  await market.person("operator");
  const url = await market.app.listen({ host: "127.0.0.1", port: 0 });
  await t.rejects(demoCast(url), { message: /is not the demo market.*--self/ });
  t.equal(await market.database.db.$count(organizations), 1);
  const records = await market.database.db.select({ type: auditRecords.type }).from(auditRecords);
  t.same(records, [{ type: "member.sign_in_failed" }], "but that it tried to sign in");
});

t.test("where nobody answers, it says what to start", async (t) => {
  await t.rejects(demoCast("http://127.0.0.1:9"), { message: /npm start/ });
});
