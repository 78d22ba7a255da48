import fp from "fastify-plugin";
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
    app.decorate("files", folderStore(folder, neighbour));
  },
  { name: "files" },
);
