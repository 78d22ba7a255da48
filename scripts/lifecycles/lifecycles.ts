/**
 * Writes docs/lifecycles.md from the definitions of the lifecycles. With --check it writes nothing and
 * exits 1 when the committed file differs; with --triggers it prints SQL for a migration instead.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";
import { reactions } from "../../src/reactions.ts";
import { type Description, readOptions, refuseCall } from "../options.ts";
import { lifecyclesPage } from "./page.ts";
import { readLifecycles } from "./read.ts";
import { triggerSql } from "./triggers.ts";

const description = {
  name: "lifecycles",
  does: `Writes docs/lifecycles.md: each resource's statuses and steps, drawn from its definition. To be run after
every change of a step. With --triggers it prints what a migration needs when statuses have gained or lost a step.`,
  options: {
    check: { what: "writes nothing, and fails when the committed file differs" },
    triggers: {
      what: "prints the trigger of one resource, by its noun, such as broker_certificate",
      value: "RESOURCE",
    },
  },
  exits: "0 written, printed or the same, 1 the committed file differs",
} satisfies Description;
const { options } = readOptions(description);

const lifecycles = await readLifecycles();
if (options.triggers !== undefined) {
  const definition = lifecycles.find(({ noun }) => noun === options.triggers);
  if (!definition) {
    const nouns = lifecycles.map(({ noun }) => noun).join(", ");
    refuseCall(description, `--triggers: one of ${nouns}, not ${options.triggers}.`);
  }
  process.stdout.write(triggerSql(definition));
} else {
  const path = join(projectRoot, "docs/lifecycles.md");
  const page = lifecyclesPage(lifecycles, reactions);
  if (!options.check) writeFileSync(path, page);
  else if (readFileSync(path, "utf8") !== page) {
    console.error("docs/lifecycles.md is not what the definitions say: run npm run lifecycles");
    process.exitCode = 1;
  }
}
