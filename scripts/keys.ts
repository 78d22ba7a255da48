/**
 * The file of the token signing keys: `npm run keys -- create FILE`, `npm run keys -- rotate FILE`.
 * Restart the service after a rotation, one process after the other.
 */
import { clock } from "../src/lib/clock.ts";
import { createKeyFile, rotateKeyFile } from "../src/lib/signing-keys.ts";

const [command, file] = process.argv.slice(2);
const commands: Record<string, typeof createKeyFile> = {
  create: createKeyFile,
  rotate: rotateKeyFile,
};
const run = commands[command ?? ""];
if (!run || !file) {
  console.error("Usage: npm run keys -- create FILE | rotate FILE");
  process.exit(2);
}
try {
  run(file, clock.now());
  console.log(`${file}: done.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
