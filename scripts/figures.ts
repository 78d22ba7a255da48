/** Figures of a run: where they were taken, as a committed file, and as tables in the documents that show them. */
import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { clock } from "../src/lib/clock.ts";
import { projectRoot } from "../src/lib/root.ts";

const git = (...given: string[]) =>
  execFileSync("git", given, { cwd: projectRoot, encoding: "utf8" }).trim();

/** The commit that is tried, marked when the folder holds something else. */
export function commit(): string {
  try {
    const changed = git("status", "--porcelain", "--", "src", "db", "scripts") !== "";
    return `${git("rev-parse", "--short=10", "HEAD")}${changed ? " with changes" : ""}`;
  } catch {
    return "unknown";
  }
}

/** Where and when figures were taken. */
export interface Origin {
  commit: string;
  date: string;
  machine: string;
  node: string;
  postgres: string;
}

export function originOf(postgres: string): Origin {
  const [first] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return {
    commit: commit(),
    date: clock.now().toISOString().slice(0, 10),
    machine: `${cpus().length} cores (${first?.model.trim() ?? "unknown"}), ${memory} GB`,
    node: process.versions.node,
    postgres,
  };
}

/** The same in a sentence. */
export const toldOrigin = ({ commit: of, date, machine, node, postgres }: Origin): string =>
  `at commit \`${of}\` on ${date}, Node ${node}, PostgreSQL ${postgres}, ${machine}`;

export const beginOf = (name: string) => `<!-- figures: ${name} -->`;
export const end = "<!-- end of figures -->";

const cell = (text: string | number) => String(text).replaceAll("|", "\\|");

/** A table in Markdown. */
export const tableOf = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map(cell).join(" | ")} |`)
    .join("\n");

/** Where the figures of this name stand. @throws Error when the document has no place for them */
function placeOf(document: string, name: string): [number, number] {
  const begin = document.indexOf(beginOf(name));
  const from = begin + beginOf(name).length;
  const to = document.indexOf(end, from);
  if (begin < 0 || to < 0) throw new Error(`the document has no place for the figures of ${name}`);
  return [from, to];
}

export const figuresIn = (document: string, name: string): string =>
  document.slice(...placeOf(document, name)).trim();

/** The document with these figures exchanged. */
export function withFigures(document: string, name: string, text: string): string {
  const [from, to] = placeOf(document, name);
  return `${document.slice(0, from)}\n${text}\n${document.slice(to)}`;
}
