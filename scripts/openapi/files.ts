/** Where the source says the name of an operation: grep finds it there. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";

export interface Source {
  /** From the project's root. */
  path: string;
  text: string;
}

/** The program without the demo market, which only calls it. */
export const readSources = (): Source[] =>
  readdirSync(join(projectRoot, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.startsWith("demo/"))
    .sort()
    .map((name) => ({
      path: `src/${name}`,
      text: readFileSync(join(projectRoot, "src", name), "utf8"),
    }));

/** The step of a lifecycle, by its key; or the route, by its operationId. */
export function isDeclaredIn({ path, text }: Source, operationId: string): boolean {
  if (path.endsWith(".lifecycle.ts")) return new RegExp(`^ +${operationId}: `, "m").test(text);
  return (
    /\.routes\.ts$|^src\/plugins\//.test(path) && new RegExp(`(?<!\\.)"${operationId}"`).test(text)
  );
}

/** The verb that a step's or route's handler is: a step's under its name, or a function that is called so. */
export const isHandledIn = ({ path, text }: Source, operationId: string): boolean =>
  !path.endsWith(".store.ts") &&
  (new RegExp(`\\.handle\\(\\s*"${operationId}"`).test(text) ||
    new RegExp(`^export (const|function|async function) ${operationId}\\b`, "m").test(text));

/** The files of an operation: where it is declared, then where it is handled, if that is not the route itself. */
export function filesOf(sources: readonly Source[], operationId: string): string[] {
  const declared = sources.filter((source) => isDeclaredIn(source, operationId));
  const handled = sources.filter((source) => isHandledIn(source, operationId));
  return [...new Set([...declared, ...handled].map(({ path }) => path))];
}
