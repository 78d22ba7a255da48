/** A priority queue: the cheapest first, as a binary heap in an array. */

/** Adds `item` to `heap`, in logarithmic time. */
export function pushCheap<T extends { cost: number }>(heap: T[], item: T): void {
  let at = heap.length;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (!parent || parent.cost <= item.cost) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = item;
}

/** Takes the cheapest out of `heap`, in logarithmic time; undefined of an empty one. */
export function popCheapest<T extends { cost: number }>(heap: T[]): T | undefined {
  const [cheapest] = heap;
  const last = heap.pop();
  if (!last || heap.length === 0) return last;
  let at = 0;
  for (;;) {
    const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
    const isRight = right !== undefined && left !== undefined && right.cost < left.cost;
    const child = isRight ? right : left;
    if (!child || child.cost >= last.cost) break;
    heap[at] = child;
    at = 2 * at + (isRight ? 2 : 1);
  }
  heap[at] = last;
  return cheapest;
}
