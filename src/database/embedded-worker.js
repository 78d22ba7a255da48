// Plain JavaScript, because a worker thread under tsx cannot load TypeScript on Node 20.

import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";

if (!parentPort) throw new Error("runs as a worker thread only");
const port = parentPort;
const db = await PGlite.create({ dataDir: workerData.folder });
// A statement that fails is answered; when the engine itself fails (no memory, no room for its log), its
// memory cannot be trusted and the socket server would wait for ever: this thread ends, another is started.
const run = db.execProtocolRawStream.bind(db);
db.execProtocolRawStream = async (...given) => {
  try {
    return await run(...given);
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
    throw error;
  }
};
const server = new PGLiteSocketServer({ db, ...workerData.listen });
await server.start();
port.once("message", async () => {
  await server.stop();
  await db.close();
  port.postMessage("closed");
  port.close();
});
port.postMessage({ listening: server.getServerConn() });
