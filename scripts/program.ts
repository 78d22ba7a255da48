/** Files of this program as this process runs them: the sources, loaded by tsx, or what was compiled from them. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(import.meta.url);
const isSource = here.endsWith(".ts");

/** Where a source file is for this process. @param file "src/server.ts" */
export const runnable = (file: string): string =>
  join(dirname(dirname(here)), isSource ? file : file.replace(/\.ts$/, ".js"));

/** What Node is told so that it can load such files. */
export const nodeOptions: readonly string[] = [isSource ? "--import=tsx" : "--enable-source-maps"];

/** A command before Node: without the loaders that the runner of tests gives to whatever is spawned. */
export const bare: readonly string[] = ["env", "-u", "NODE_OPTIONS"];

/** What Node is given to run a source file as this process would. */
export const argumentsFor = (file: string): string[] => [...nodeOptions, runnable(file)];
