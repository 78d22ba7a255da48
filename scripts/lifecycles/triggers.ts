/** The trigger by which the database itself holds a lifecycle, as a migration writes it. */
import { getTableName } from "drizzle-orm";
import { statusPairs } from "../../src/lifecycle/resource.ts";
import type { AnyResource } from "./read.ts";

/** Quoted, in lines that can be read. */
function wrapped(pairs: readonly string[], width = 100): string {
  const lines = [""];
  for (const [i, pair] of pairs.entries()) {
    const word = `'${pair}'${i === pairs.length - 1 ? "" : ","}`;
    const line = lines.at(-1) ?? "";
    if (line && `  ${line} ${word}`.length > width) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines.map((line) => `  ${line}`).join("\n");
}

/** Lets through its steps alone; to be put into a migration after a step has come or gone. */
export function triggerSql(definition: AnyResource): string {
  const table = getTableName(definition.table);
  const trigger = `${table}_lifecycle`;
  return `drop trigger if exists ${trigger} on ${table};
--> statement-breakpoint
create trigger ${trigger} before update of status on ${table}
for each row when (old.status is distinct from new.status) execute function assert_transition(
${wrapped(statusPairs(definition))});
`;
}
