/**
 * Compares openapi/openapi.json with the document of the last release, openapi/released.json, and fails when a
 * client of that would break and the changelog does not say so.
 */
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";
import { readOptions } from "../options.ts";
import { breaksBetween, compareNamed, type Document } from "./breaks.ts";

const { options } = readOptions({
  name: "openapi:breaking",
  does: `Compares openapi/openapi.json with the document of the last release, openapi/released.json, and tells what would
break a client of that. Mend it, or name it in the newest section of CHANGELOG.md with a word why: "- breaking: \`...\`",
what this prints; with * for any text a line names several, and says how many: "- breaking: \`* removed\` (3)".`,
  options: {
    keep: { what: "keeps openapi/openapi.json as that of the last release; once for each" },
  },
  exits: "0 nothing breaks that the changelog does not name, 1 something does",
});

const at = (name: string) => join(projectRoot, name);
const read = (name: string): Document => JSON.parse(readFileSync(at(name), "utf8"));

if (options.keep) {
  copyFileSync(at("openapi/openapi.json"), at("openapi/released.json"));
  console.log("openapi/released.json is this version's document now.");
} else {
  const breaks = breaksBetween(read("openapi/released.json"), read("openapi/openapi.json"));
  const { unnamed, wrong } = compareNamed(breaks, readFileSync(at("CHANGELOG.md"), "utf8"));
  for (const line of unnamed) console.error(`- breaking: \`${line}\``);
  if (unnamed.length > 0) {
    console.error(
      `${unnamed.length} would break clients of the last release, and the changelog does not name them.`,
    );
  }
  for (const line of wrong) console.error(`In the changelog, ${line}.`);
  if (unnamed.length + wrong.length > 0) process.exitCode = 1;
  else console.log(`${breaks.length} breaks since the last release, all named in the changelog.`);
}
