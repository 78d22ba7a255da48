/**
 * Work that takes milliseconds and longer, such as cutting text into terms, in a thread of its own: the
 * event loop that serves callers goes on meanwhile. The thread is started for the first piece of work and
 * ends when none has come for a while, with all the memory that it took.
 */
import { Piscina } from "piscina";
import { ThreadDied } from "./outages.ts";

/** Milliseconds without work after which the thread ends. */
const idle = 10_000;

/** Milliseconds after which a piece of work is taken for one that never ends. */
const longest = 120_000;

/** The thread gets what callers and the database leave of the processor. */
const niceness = 10;

/** Megabytes of its heap, the dictionary not counted: a thread that wants more dies, not the process. */
const heapMegabytes = 256;

let pool: Piscina | undefined;
const listeners = new Set<(error: unknown) => void>();

function tellDeath(error: unknown): void {
  for (const listener of listeners) listener(error);
}

function openPool(): Piscina {
  const opened = new Piscina({
    filename: new URL("./thread.js", import.meta.url).href,
    name: "run",
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: idle,
    niceIncrement: niceness,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    recordTiming: false,
  });
  // One that dies while it has nothing to do.
  opened.on("error", tellDeath);
  return opened;
}

/**
 * Hears of each thread that died. Whose work it had gets a `ThreadDied`; the next work starts another.
 * @returns a function that ends this
 */
export function onThreadDeath(listener: (error: unknown) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * A function as one that runs in the thread.
 * @param module `import.meta.url` of the module that exports it
 * @param work pure: arguments and result are copied (structured clone)
 */
export function threaded<Given extends unknown[], Result>(
  module: string,
  work: (...given: Given) => Result,
): (...given: Given) => Promise<Result> {
  return async (...given) => {
    pool ??= openPool();
    const task = { module, name: work.name, given };
    let answer: { value: Result } | { error: unknown };
    try {
      answer = await pool.run(task, { signal: AbortSignal.timeout(longest) });
    } catch (error) {
      tellDeath(error);
      throw new ThreadDied("the thread that had the work died", { cause: error });
    }
    if ("error" in answer) throw answer.error;
    return answer.value;
  };
}
