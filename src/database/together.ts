import DataLoader from "dataloader";

/** Statements under way at a time: while the database works on them, what the next one asks for gathers. */
const underWay = 2;

/** Keys of one statement at most. */
const mostKeys = 100;

/**
 * Reads what is wanted at the same moment by one statement: ten callers who each ask for a row cost one
 * round trip. A statement goes out after all that it reads for was asked, so nobody sees less than was
 * stored by then; nothing is kept.
 * @param read what is found for each key, in their order; an error for a key is that one's alone
 */
export function together<Found>(
  read: (keys: readonly string[]) => Promise<ArrayLike<Found | Error>>,
): (key: string) => Promise<Found> {
  let running = 0;
  const waiting: (() => void)[] = [];
  const loader = new DataLoader<string, Found>(
    async (keys) => {
      running += 1;
      try {
        return await read(keys);
      } finally {
        running -= 1;
        waiting.shift()?.();
      }
    },
    {
      cache: false,
      maxBatchSize: mostKeys,
      batchScheduleFn: (send) => {
        if (running < underWay) process.nextTick(send);
        else waiting.push(send);
      },
    },
  );
  return (key) => loader.load(key);
}
