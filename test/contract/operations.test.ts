/** docs/operations.md knows every figure that this program gives. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { projectRoot } from "../../src/lib/root.ts";
import { openMarket } from "../support/market.ts";

t.test("every metric of the market's own is in docs/operations.md, and no other", async (t) => {
  const market = await openMarket(t);
  const { text } = await market.as(null)("GET", "/metrics");
  const given = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name ?? "");
  // Node's own figures are documented by prom-client.
  const own = given.filter((name) => !/^(nodejs|process)_/.test(name));
  t.ok(own.length > 10);
  const page = readFileSync(join(projectRoot, "docs/operations.md"), "utf8");
  for (const name of own) t.match(page, new RegExp(`\\b${name}(?![a-z_])`), name);
  const shape =
    /\b(?:audit|job|clock|attachments|storage|database|http)_[a-z_]+_(?:seconds|total|parked|waiting|depth|bytes|row)\b/g;
  for (const [name] of page.matchAll(shape)) t.ok(own.includes(name), `${name} is told of`);
});
