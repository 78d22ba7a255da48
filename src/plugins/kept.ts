import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { LRUCache } from "lru-cache";
import { selectMoment } from "../database/moment.ts";
import { together } from "../database/together.ts";
import type { Marked, OpenReply } from "../lib/http.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** Answers with what is kept under a key, as long as that is what would be made now. */
    keptReply: <T>(
      request: FastifyRequest,
      reply: FastifyReply,
      key: string,
      open: OpenReply<T>,
    ) => Promise<T>;
  }
  interface FastifyReply {
    /** As what this reply will be kept. */
    keepAs: { key: string; mark: string } | null;
  }
}

interface Kept {
  mark: string;
  /** When it was last found to be so; null when it was only made. */
  moment: string | null;
  body: Buffer;
  headers: Record<string, string>;
}

/** Bytes of replies that are kept; those that were asked for longest ago go first. */
const keptBytes = 32 * 1024 * 1024;
/** About what a kept reply takes beside its text. */
const overhead = 600;

const type = "application/json; charset=utf-8";
/** What belongs to the text and is made with it. */
const headersOfText = ["etag", "link"] as const;

/**
 * Keeps replies to callers who are not signed in, written out, with a mark of what they were made of. Each
 * request asks the database whether anything was stored since, all those of one moment by one statement; if
 * so for the reply's mark, which costs a fraction of making it. None is ever older than the database, whoever
 * changed it. What a signed-in caller is shown is never kept.
 */
export default fp(
  async (app) => {
    const kept = new LRUCache<string, Kept>({
      maxSize: keptBytes,
      sizeCalculation: ({ body }, key) => body.byteLength + key.length + overhead,
    });
    app.decorateReply("keepAs", null);

    const momentNow = together<string>(async (asked) => {
      const moment = await selectMoment(app.database.db);
      return asked.map(() => moment);
    });

    /** Whether a reply is what would be made now. */
    async function isSo(known: Kept, markOf: () => Promise<Marked | null>): Promise<boolean> {
      if (known.moment !== null && known.moment === (await momentNow(""))) return true;
      const now = await markOf();
      if (now?.mark !== known.mark) return false;
      known.moment = now.moment;
      return true;
    }

    app.decorate("keptReply", async (request, reply, key, { markOf, make }) => {
      if (request.actor !== null) throw new Error("what a signed-in caller is shown is not kept");
      const known = kept.get(key);
      if (known && (await isSo(known, markOf))) {
        // It is on its way as it was written; Fastify takes a returned reply for "sent".
        return reply.headers(known.headers).type(type).send(known.body) as never;
      }
      const { mark, body } = await make();
      reply.keepAs = { key, mark };
      return body;
    });

    app.addHook("onRoute", (route) => {
      if (route.method !== "GET" || !route.config?.cacheSeconds) return;
      // Last of all: the text and its headers are as they leave.
      route.onSend = [route.onSend ?? []].flat();
      route.onSend.push((_request, reply, payload, done) => {
        if (reply.keepAs !== null && reply.statusCode === 200 && typeof payload === "string") {
          const { key, mark } = reply.keepAs;
          const body = Buffer.from(payload);
          const headers: Kept["headers"] = {};
          for (const name of headersOfText) {
            const value = reply.getHeader(name);
            if (value !== undefined) headers[name] = String(value);
          }
          kept.set(key, { mark, moment: null, body, headers });
          // Sent as it is kept: the text would be put into bytes a second time.
          return done(null, body);
        }
        done(null, payload);
      });
    });
  },
  { name: "kept", dependencies: ["conditional", "authentication", "database"] },
);
