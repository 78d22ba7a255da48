/**
 * Fuzzes every operation of the OpenAPI document (`test/contract/fuzz.test.ts`) for as long as is wanted, from
 * another seed each time. Exit codes are those of the test: 0 nothing was found.
 */
import { spawnSync } from "node:child_process";
import { projectRoot } from "../src/lib/root.ts";
import { readOptions } from "./options.ts";

const { options } = readOptions({
  name: "fuzz",
  does: `Sends every operation requests as the OpenAPI document describes them, nearly so, and hostile ones, from
every role, to a market of its own: no 5xx, nothing undocumented, nothing of others, nothing too costly.`,
  options: {
    seconds: { count: 120, what: "how long" },
    seed: { count: Math.floor(Math.random() * 2 ** 31), what: "where to begin; drawn when absent" },
  },
  exits: "0 nothing was found, 1 something was, which is shown",
});

const env = {
  ...process.env,
  FUZZ_SECONDS: String(options.seconds),
  FUZZ_SEED: String(options.seed),
};
// Tap ends a file that takes longer than others may: an hour of this one was over after four minutes.
const timeout = `--timeout=${options.seconds + 300}`;
const command = ["test", "--", timeout, "dist-test/test/contract/fuzz.test.js"];
const { status } = spawnSync("npm", command, { cwd: projectRoot, env, stdio: "inherit" });
process.exitCode = status ?? 1;
