/** The version after this one, as far as a database sees it: this program with one migration more. */
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";

export interface Program {
  root: string;
  remove: () => void;
}

/** @param statements of the additional migration */
export function nextProgram(statements: readonly string[]): Program {
  const root = temporaryFolder("next");
  for (const part of ["src", "db", "scripts", "package.json", "tsconfig.json"]) {
    cpSync(join(projectRoot, part), join(root, part), { recursive: true });
  }
  symlinkSync(join(projectRoot, "node_modules"), join(root, "node_modules"));
  const migrations = join(root, "db", "migrations");
  const tag = "9999_next";
  const sql = statements.join("\n--> statement-breakpoint\n");
  writeFileSync(join(migrations, `${tag}.sql`), sql);
  const file = join(migrations, "meta", "_journal.json");
  const journal = JSON.parse(readFileSync(file, "utf8"));
  const { idx, version, when, breakpoints } = journal.entries.at(-1);
  journal.entries.push({ idx: idx + 1, version, when: when + 1, tag, breakpoints });
  writeFileSync(file, JSON.stringify(journal, null, 2));
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}
