// Asks a process again and again whether it is ready, in a thread of its own: the thread of the load is busy, and
// what it took to get a turn there would count as the market's. Plain JavaScript, because a worker thread under
// tsx cannot load TypeScript on Node 20.
import { once } from "node:events";
import { Agent, get } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

/** Milliseconds between an answer and the next question. */
const pause = 200;

// A connection of its own each time, as those who watch a service have.
const agent = new Agent({ keepAlive: false });
for (;;) {
  const from = performance.now();
  try {
    const request = get(`${workerData}/readyz`, { agent, signal: AbortSignal.timeout(20_000) });
    const [response] = await once(request, "response");
    response.resume();
  } catch {
    // One that is down does not answer: whether it should have is for the trial to say.
  }
  const to = performance.now();
  const { timeOrigin } = performance;
  parentPort?.postMessage({ from: timeOrigin + from, to: timeOrigin + to });
  await setTimeout(pause);
}
