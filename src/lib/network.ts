/**
 * A table with its sums as a flow network, and what must be hidden in it so that no hidden figure can be
 * told from the open ones.
 *
 * A node is an equation: what flows in flows out again. An edge is a figure, part of one equation at either
 * end. Hidden figures can change together along a cycle of hidden edges, and only so: one of them has a single
 * solution if it lies on no cycle. Who knows besides that each figure is at least one cannot lessen a figure
 * of one: then the cycle may follow such an edge only along its direction, as in the residual graph of a flow.
 * D. Gusfield, A Graph Theoretic Approach to Statistical Data Security, SIAM J. Comput. 17(3), 1988.
 */
import { popCheapest, pushCheap } from "./heap.ts";

export interface Node {
  readonly edges: Edge[];
}

export interface Edge {
  readonly from: Node;
  readonly to: Node;
  /** The figure: at least one. */
  readonly count: number;
  hidden: boolean;
}

/** An edge of a way, and whether its figure grows when something more flows along the way. */
export interface Step {
  edge: Edge;
  grows: boolean;
}

/**
 * How a way may follow edges: `along` and `against` as figures of one or more may change when more flows
 * from its start to its goal, or from its goal to its start; `freely` as amounts may.
 */
export type Sense = "along" | "against" | "freely";

/** Nodes that are one for a search: hidden cycles tie them together. */
export type Groups = Map<Node, Node[]>;

interface Way {
  cost: number;
  at: Node[];
  last: { step: Step; before: Way } | null;
}

export const newNode = (): Node => ({ edges: [] });

/** Puts an edge between its nodes. */
export function connect<T extends Edge>(edge: T): T {
  edge.from.edges.push(edge);
  edge.to.edges.push(edge);
  return edge;
}

/** The nodes that are one with `node`, itself among them. */
export function groupOf(groups: Groups, node: Node): Node[] {
  const found = groups.get(node) ?? [node];
  groups.set(node, found);
  return found;
}

/** Makes all nodes of a cycle one. */
export function join(groups: Groups, cycle: readonly Step[]): void {
  const nodes = cycle.flatMap(({ edge }) => [edge.from, edge.to]);
  const parts = [...new Set(nodes.map((node) => groupOf(groups, node)))];
  const [largest = [], ...others] = parts.sort((a, b) => b.length - a.length);
  // Grown in place: to copy the largest each time would cost the square of its size.
  for (const node of others.flat()) {
    largest.push(node);
    groups.set(node, largest);
  }
}

/**
 * The way from `start` to `goal` that costs the least: a hidden edge nothing, any other its count. Edges
 * within a group are not named, they are free.
 * @param isBarred edges that the way must not use
 */
export function cheapestWay(
  start: Node,
  goal: Node,
  sense: Sense,
  groups: Groups,
  isBarred: (edge: Edge) => boolean = () => false,
): { cost: number; steps: Step[] } | null {
  const end = groupOf(groups, goal);
  const heap: Way[] = [];
  const best = new Map<Node[], number>();
  const reach = (way: Way) => {
    if (way.cost >= (best.get(way.at) ?? Number.POSITIVE_INFINITY)) return;
    best.set(way.at, way.cost);
    pushCheap(heap, way);
  };
  reach({ cost: 0, at: groupOf(groups, start), last: null });
  for (let way = popCheapest(heap); way; way = popCheapest(heap)) {
    if (way.at === end) return { cost: way.cost, steps: stepsOf(way) };
    if (way.cost > (best.get(way.at) ?? 0)) continue;
    for (const node of way.at) {
      for (const edge of node.edges) {
        const leaves = edge.from === node;
        const grows = leaves === (sense !== "against");
        if (isBarred(edge) || (sense !== "freely" && !grows && edge.count === 1)) continue;
        const cost = way.cost + (edge.hidden ? 0 : edge.count);
        const at = groupOf(groups, leaves ? edge.to : edge.from);
        reach({ cost, at, last: { step: { edge, grows }, before: way } });
      }
    }
  }
  return null;
}

/** Hides all of a way or cycle. */
export function hide(steps: readonly Step[]): void {
  for (const { edge } of steps) edge.hidden = true;
}

function stepsOf(end: Way): Step[] {
  const steps: Step[] = [];
  for (let way = end; way.last; way = way.last.before) steps.push(way.last.step);
  return steps;
}

/**
 * The cheapest cycle through `edge`, whose figure can change when all of the cycle is hidden.
 * @param isBounded whether figures are known to be at least one
 * @param isBarred edges that the cycle must not use
 */
export function cheapestCycle(
  edge: Edge,
  isBounded: boolean,
  groups: Groups,
  isBarred: (edge: Edge) => boolean = () => false,
): Step[] | null {
  const { from, to, count } = edge;
  // From the smaller end: at the other one may be thousands of edges.
  const size = (node: Node) => groupOf(groups, node).length + node.edges.length;
  const isSwapped = size(from) < size(to);
  const [start, goal] = isSwapped ? [from, to] : [to, from];
  const [more, less]: [Sense, Sense] = isSwapped ? ["against", "along"] : ["along", "against"];
  const isNoPart = (one: Edge) => one === edge || isBarred(one);
  const up = cheapestWay(start, goal, isBounded ? more : "freely", groups, isNoPart);
  const down = isBounded && count > 1 ? cheapestWay(start, goal, less, groups, isNoPart) : null;
  if (down && (!up || down.cost < up.cost)) return [...down.steps, { edge, grows: false }];
  return up && [...up.steps, { edge, grows: true }];
}
