/** Every lifecycle of the market, as the features define them. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";
import type { AnyStep, Resource, Subject } from "../../src/lifecycle/resource.ts";
import { runnable } from "../program.ts";

export type AnyResource = Resource<Subject & { row: never }>;

const isResource = (value: unknown): value is AnyResource =>
  typeof value === "object" && value !== null && "steps" in value && "noun" in value;

/** Its steps, by name. What a step is decided on does not matter to who reads it. */
export const stepsOf = ({ steps }: AnyResource): [name: string, step: AnyStep<Subject>][] =>
  Object.entries(steps as Record<string, never>);

/** Reads them from the features' folders, in the order of their names. */
export async function readLifecycles(): Promise<AnyResource[]> {
  const folder = join(projectRoot, "src/modules");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".lifecycle.ts"))
    .sort();
  const found: AnyResource[] = [];
  for (const file of files) {
    const exported: Record<string, unknown> = await import(runnable(`src/modules/${file}`));
    found.push(...Object.values(exported).filter(isResource));
  }
  return found;
}
