import fp from "fastify-plugin";
import { loggable } from "../lib/loggable.ts";
import { type FileStore, folderStore } from "../storage/files.ts";
import type { Neighbour } from "../storage/space.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** Where the bytes of attachments lie. */
    files: FileStore;
  }
}

/** Makes the store of attachments known to routes and workers. */
export default fp<{ folder: string; neighbour: Neighbour | null }>(
  async (app, { folder, neighbour }) => {
    const files = folderStore(folder, neighbour);
    app.decorate("files", files);
    app.addHook("onReady", async () => {
      await files.closeToOthers().catch((error: unknown) => {
        // Such as a disk of the network that knows no modes.
        app.log.warn({ error: loggable(error) }, "the files' folder stays open to others");
      });
    });
  },
  { name: "files" },
);
