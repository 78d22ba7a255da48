// Plain JavaScript, because a worker thread under tsx cannot load TypeScript on Node 20.

import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { endWhenBroken, startParams } from "./embedded-engine.js";

if (!parentPort) throw new Error("runs as a worker thread only");
const port = parentPort;

/** Opens the database, or says why not: what PGlite throws may be no error at all. */
async function open() {
  try {
    return await PGlite.create({ dataDir: workerData.folder, startParams });
  } catch (error) {
    const { message, errno } = Object(error);
    port.postMessage({ failed: String(message ?? (errno ? `errno ${errno}` : "it gave up")) });
    port.close();
    return null;
  }
}

const db = await open();
if (db && !workerData.listen) {
  await db.close();
  port.postMessage({ made: true });
  port.close();
} else if (db) {
  endWhenBroken(db);
  const server = new PGLiteSocketServer({ db, ...workerData.listen });
  await server.start();
  port.on("message", async (message) => {
    if (message.held) {
      // Between two statements: nothing is written until it is woken (`hold.ts`).
      port.postMessage("held");
      Atomics.wait(message.held, 0, 1, message.longest);
      Atomics.store(message.held, 0, 0);
      return;
    }
    await server.stop();
    await db.close();
    port.postMessage("closed");
    port.close();
  });
  port.postMessage({ listening: server.getServerConn() });
}
