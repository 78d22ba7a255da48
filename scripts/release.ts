/**
 * Notes the migrations of the version in package.json in db/migrations/released.json: from then on none of
 * them may change, which a test holds. Exit codes: 0 noted, 1 when one of an earlier version has changed.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMigrations } from "../src/database/migrations.ts";
import { projectRoot } from "../src/lib/root.ts";
import { version } from "../src/lib/version.ts";
import { readOptions } from "./options.ts";

readOptions({
  name: "db:release",
  does: `Notes the migrations of the version in package.json in db/migrations/released.json: from then on
none of them may change, which a test holds. To be run after each new migration.`,
  exits: "0 noted, 1 a migration of an earlier version has changed",
});

const file = join(projectRoot, "db", "migrations", "released.json");
const released: Record<string, Record<string, string>> = JSON.parse(readFileSync(file, "utf8"));
const own = Object.fromEntries(readMigrations().map(({ name, hash }) => [name, hash]));
const changed = Object.entries(released)
  .filter(([other]) => other !== version)
  .flatMap(([, hashes]) => Object.entries(hashes))
  .filter(([name, hash]) => own[name] !== hash);
if (changed.length > 0) {
  console.error(`Released, and changed since: ${changed.map(([name]) => name).join(", ")}`);
  process.exit(1);
}
released[version] = own;
writeFileSync(file, `${JSON.stringify(released, null, 2)}\n`);
console.log(`${version}: ${Object.keys(own).length} migrations noted.`);
