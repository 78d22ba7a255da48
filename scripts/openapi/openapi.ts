/**
 * Writes what is generated from the routes: openapi/openapi.json, the same as YAML, and openapi/access.md (who may do
 * what, and where it is written). With --check it writes nothing and exits 1 when a committed file differs.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { connect } from "../../src/database/connect.ts";
import { clock } from "../../src/lib/clock.ts";
import { newId } from "../../src/lib/ids.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { createKeyFile, readKeyFile } from "../../src/lib/signing-keys.ts";
import { readOptions } from "../options.ts";
import { accessPage } from "./access.ts";

const { options } = readOptions({
  name: "openapi",
  does: `Writes what is generated from the routes: openapi/openapi.json, openapi/openapi.yaml, and openapi/access.md, which
tells who may do what and where it is written. To be run after every change of a route or a schema.`,
  options: { check: { what: "writes nothing, and fails when a committed file differs" } },
  exits: "0 written or the same, 1 a committed file differs",
});

const keyFile = join(tmpdir(), `keys-${newId()}.json`);
createKeyFile(keyFile, clock.now());
const keys = readKeyFile(keyFile);
rmSync(keyFile);
// Nothing is asked of it: a pool connects on its first query.
const database = connect({});
const app = await buildApp(readConfig({}), { database, keys });
await app.ready();

const files = {
  "openapi.json": `${JSON.stringify(app.swagger(), null, 2)}\n`,
  "openapi.yaml": app.swagger({ yaml: true }),
  "access.md": accessPage(app.registeredRoutes),
};
for (const [name, text] of Object.entries(files)) {
  const path = join(projectRoot, "openapi", name);
  if (!options.check) writeFileSync(path, text);
  else if (readFileSync(path, "utf8") !== text) {
    console.error(`openapi/${name} is not what the routes say: run npm run openapi`);
    process.exitCode = 1;
  }
}
await app.close();
await database.close();
