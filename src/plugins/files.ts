import fp from "fastify-plugin";
import { type FileStore, folderStore } from "../storage/files.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** Where the bytes of attachments lie. */
    files: FileStore;
  }
}

/** Makes the store of attachments known to routes and workers. */
export default fp<{ folder: string }>(
  async (app, { folder }) => {
    app.decorate("files", folderStore(folder));
  },
  { name: "files" },
);
