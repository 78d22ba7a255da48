import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../lib/root.ts";

export interface Migration {
  /** Its file, such as `0003_deals_and_log`. */
  name: string;
  /** When drizzle-kit made it, in ms: how the database's own list (`drizzle.__drizzle_migrations`) names it. */
  when: number;
  /** SHA-256 of the file, which is what the list keeps of it. */
  hash: string;
  /** The hash under which a checkout with CRLF line ends may have been noted. */
  hashWithCrlf: string;
  statements: string[];
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** @param text of a migration's file, with whatever line ends the checkout gave it */
function parse(name: string, when: number, text: string): Migration {
  const plain = text.replaceAll("\r\n", "\n");
  return {
    name,
    when,
    hash: sha256(plain),
    hashWithCrlf: sha256(plain.replaceAll("\n", "\r\n")),
    statements: plain.split("--> statement-breakpoint"),
  };
}

/** The migrations of a folder that drizzle-kit keeps, in the order in which they are applied. */
export function readMigrations(
  folder: string = join(projectRoot, "db", "migrations"),
): readonly Migration[] {
  const journal: { entries: { tag: string; when: number }[] } = JSON.parse(
    readFileSync(join(folder, "meta", "_journal.json"), "utf8"),
  );
  return journal.entries.map(({ tag, when }) =>
    parse(tag, when, readFileSync(join(folder, `${tag}.sql`), "utf8")),
  );
}
