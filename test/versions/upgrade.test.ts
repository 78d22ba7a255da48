/**
 * Every released version's market, as `npm run keep-version` kept it, upgraded to this one: it says what
 * it said, its log is whole, and what was under way goes on.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { advance, assertKept, isFinished, newDeal } from "../../scripts/kill-test/deals.ts";
import { assertWhole } from "../../scripts/kill-test/whole.ts";
import { returningCast } from "../../scripts/tour/cast.ts";
import { runScript, untilReady } from "../../scripts/tour/process.ts";
import { type Kind, keptVersions, readProtocol, restore } from "../../scripts/versions/kept.ts";
import { openPlace } from "../../scripts/versions/place.ts";
import { answerOf, assertSame } from "../../scripts/versions/reads.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { version as thisVersion } from "../../src/lib/version.ts";

const serverUrl = process.env.TEST_DATABASE_URL || null;
const kind: Kind = serverUrl ? "server" : "embedded";

t.test("every version before this one is kept", async (t) => {
  const file = join(projectRoot, "db", "migrations", "released.json");
  const released = Object.keys(JSON.parse(readFileSync(file, "utf8")));
  const earlier = released.filter((name) => name !== thisVersion);
  t.same(
    earlier.filter((name) => !keptVersions().includes(name)),
    [],
    "npm run keep-version",
  );
});

for (const version of keptVersions()) {
  t.test(`a market of ${version}, ${kind}`, async (t) => {
    const place = await openPlace(serverUrl);
    t.teardown(place.remove);
    await restore(version, kind, place);
    const { reads, client, deals } = readProtocol(version, kind);
    if (serverUrl) runScript("migrate.ts", [], place.env);
    const market = place.launch();
    await untilReady(market);
    const cast = await returningCast(place.url, client);

    await t.test("says what it said", async (t) => {
      for (const { who, path, body } of reads) {
        const now = await answerOf(cast[who], path, place.url);
        t.doesNotThrow(() => assertSame(body, now, `${who}: ${path}`));
      }
    });
    await t.test("the log is whole, and the sums are right", async (t) => {
      const { ok } = await cast.operator.get("/v1/audit/verify?from=1");
      t.ok(ok);
      if (serverUrl) t.match(runScript("verify-log.ts", [], place.env), "The log is whole");
      t.ok(await assertWhole(cast));
    });
    await t.test("what was under way goes on, and new deals begin", async (t) => {
      for (const deal of [...deals, newDeal(100)]) {
        await assertKept(cast, deal);
        while (!isFinished(deal)) await advance(cast, deal);
        await assertKept(cast, deal);
      }
      t.ok(await assertWhole(cast));
    });
    await market.end("SIGTERM");
    t.equal(market.ended(), 0);
  });
}
