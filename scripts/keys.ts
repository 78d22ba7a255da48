/**
 * The file of the token signing keys: `npm run keys -- create FILE`, `npm run keys -- rotate FILE`.
 * Restart the service after a rotation, one process after the other.
 */
import { clock } from "../src/lib/clock.ts";
import { createKeyFile, rotateKeyFile } from "../src/lib/signing-keys.ts";
import { type Description, readOptions, refuseCall } from "./options.ts";

const description: Description = {
  name: "keys",
  given: "create FILE | rotate FILE",
  does: `Makes the file of the keys that sign tokens, or moves it on to the next key, which clients know from
the JWKS already. After a rotation the processes are restarted, one after the other.`,
  exits: "0 done, 1 not done",
};
const { given } = readOptions(description);

const [command, file, ...others] = given;
const commands: Record<string, typeof createKeyFile> = {
  create: createKeyFile,
  rotate: rotateKeyFile,
};
const run = commands[command ?? ""];
if (!run || !file || others.length > 0) {
  refuseCall(description, "Say create or rotate, and one file.");
}
try {
  run(file, clock.now());
  console.log(`${file}: done.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
