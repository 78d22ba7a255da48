/** Figures of a run as lines, as a committed file, and as the table of docs/reliability.md. */
import { tableOf } from "../figures.ts";
import type { Figures } from "./trial.ts";

export interface Report {
  commit: string;
  node: string;
  postgres: string;
  seconds: number;
  cases: (Figures & { what: string })[];
  skipped: string[];
}

const recoveryOf = ({ recovery }: Figures): string =>
  recovery === null ? "" : recovery === "never" ? "never" : `${recovery} s`;

const codesOf = ({ codes }: Figures): string =>
  Object.entries(codes)
    .map(([code, count]) => `${code} ${count}`)
    .join(", ");

/** One line of what came of a case, and what was wrong below it. */
export function tell(figures: Figures): string {
  const { name, acknowledged, lost, doubled, died, readyz, reads, notes, faults } = figures;
  const recovery = recoveryOf(figures);
  const line = [
    `${faults.length === 0 ? "ok    " : "FAILED"} ${name.padEnd(14)}`,
    `${acknowledged} acknowledged, ${lost} lost, ${doubled} doubled, ${died} died`,
    ...(recovery ? [`back in ${recovery}`] : []),
    `/readyz ${readyz} ms at most, reads p99 ${reads} ms`,
    ...notes,
    codesOf(figures),
  ];
  return [line.join("; "), ...faults.map((fault) => `         ${fault}`)].join("\n");
}

/** Names their place in the document. */
export const name = "npm run chaos -- --write";

/** The table, with where it comes from. */
export function toMarkdown({ commit, node, postgres, seconds, cases, skipped }: Report): string {
  const head = [
    ...["what happens", "acknowledged", "lost", "doubled", "answers", "writes back after"],
    ...["processes died", "slowest `/readyz`", "reads p99", "notes"],
  ];
  const rows = cases.map((figures) => [
    `\`${figures.name}\`: ${figures.what}`,
    ...[figures.acknowledged, figures.lost, figures.doubled, codesOf(figures)],
    ...[recoveryOf(figures), figures.died, `${figures.readyz} ms`, `${figures.reads} ms`],
    figures.notes.join("; "),
  ]);
  const source = `\`npm run chaos -- --seconds ${seconds}\` at commit \`${commit}\`, Node ${node}, PostgreSQL ${postgres}.`;
  return [source, "", tableOf(head, rows), ...skipped.map((one) => `\nNot tried: ${one}.`)].join(
    "\n",
  );
}
