/**
 * A process of its own that is measured: this API, the floor or the limit. Compiled, so that no loader is
 * measured along. It speaks with the bench over its IPC channel; what it logs goes to standard output.
 */
import type { Answer, Job, Memory, Question, Role } from "./cases.ts";

const role = process.argv[2] as Role;
const answer = (given: Answer) => process.send?.(given);

let most = 0;
const look = (): number => {
  const { rss } = process.memoryUsage();
  most = Math.max(most, rss);
  return rss;
};

function memory(): Memory {
  const rss = look();
  const { user, system } = process.cpuUsage();
  const seen = { rss, most, cpu: (user + system) / 1000 };
  most = rss;
  return seen;
}

async function open(job: Job) {
  if (role === "floor") return (await import("./floor.ts")).openFloor(job);
  if (role === "limit") return (await import("./limit.ts")).openLimit(job);
  return (await import("./api.ts")).openApi(job);
}

async function start(job: Job): Promise<void> {
  if (role === "capture") {
    answer({ capture: await (await import("./api.ts")).capture(job) });
    process.disconnect();
    return;
  }
  const target = await open(job);
  await target.app.listen({ host: "127.0.0.1", port: 0 });
  const address = target.app.server.address();
  setInterval(look, 100).unref();
  process.on("message", async (question: Question) => {
    if (!("ask" in question)) return;
    if (question.ask === "memory") answer({ memory: memory() });
    else if (question.ask === "token" && "token" in target) answer({ token: target.token() });
    else if (question.ask === "stop") {
      await target.close();
      process.disconnect();
    }
  });
  answer({ ready: { port: typeof address === "object" && address ? address.port : 0 } });
}

// A bench that was killed leaves nothing behind.
process.once("disconnect", () => process.exit());

process.once("message", (question: Question) => {
  if (!("start" in question)) return;
  start(question.start).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
