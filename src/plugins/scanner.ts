import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { AppError } from "../lib/errors.ts";
import { loggable } from "../lib/loggable.ts";
import { clamd } from "../storage/scanner.ts";

declare module "fastify" {
  interface FastifyInstance {
    /**
     * Has a file that came in looked at for malware, where there is a scanner.
     * @throws AppError `attachment.infected` (400), `request.too_large` (413) where the scanner takes less
     *   than the market, `attachment.not_scanned` (503) when it is away: nothing is taken unseen
     */
    scanFile: (request: FastifyRequest, file: { path: string; sha256: string }) => Promise<void>;
  }
}

/** Milliseconds between two looks whether it is there. */
const lookEvery = 10_000;

/** Milliseconds of a request's time that are left for all but the scan. */
const spare = 5_000;

/** Scans files by clamd; /readyz says `degraded` while it is away. */
export default fp<{ address: string | null; handlerSeconds: number }>(
  async (app, { address, handlerSeconds }) => {
    if (address === null) {
      app.decorate("scanFile", async () => {});
      return;
    }
    const scanner = clamd(address, Math.max(handlerSeconds * 1000 - spare, 1_000));
    let isAway = false;
    function tell(error: unknown | null): void {
      if (isAway === (error !== null)) return;
      isAway = error !== null;
      if (isAway) app.log.error({ error: loggable(error) }, "the scanner of files does not answer");
      else app.log.info("the scanner of files answers again");
    }
    app.addReadinessCheck({ name: "scanner", degraded: () => isAway });

    app.decorate("scanFile", async (request, { path, sha256 }) => {
      let found: Awaited<ReturnType<typeof scanner.scan>>;
      try {
        found = await scanner.scan(path);
      } catch (error) {
        tell(error);
        throw new AppError("attachment.not_scanned", { headers: { "retry-after": "30" } });
      }
      tell(null);
      if (found === null) return;
      if (found === "too large") {
        request.log.error("the scanner takes no file of this size: raise its StreamMaxLength");
        const detail = {
          en: "The scanner of files takes none of this size.",
          zh: "文件超出安全扫描服务可处理的大小。",
        };
        throw new AppError("request.too_large", { detail });
      }
      const { signature } = found;
      const organization = request.actor?.organizationId;
      request.log.warn({ signature, sha256, organization }, "an infected file was refused");
      throw new AppError("attachment.infected", {
        detail: { en: `It found ${signature}.`, zh: `检出：${signature}。` },
      });
    });

    const look = () => scanner.ping().then(() => tell(null), tell);
    let timer: NodeJS.Timeout | undefined;
    app.addHook("onReady", async () => {
      // The start does not wait for it.
      look();
      timer = setInterval(look, lookEvery).unref();
    });
    app.addHook("onClose", async () => clearInterval(timer));
  },
  { name: "scanner", dependencies: ["health"] },
);
