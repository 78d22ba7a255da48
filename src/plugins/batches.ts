/** Many of a kind in one request: each item with an outcome of its own, or all or nothing. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Executor } from "../database/connect.ts";
import { apart } from "../database/transact.ts";
import type { Call } from "../lib/call.ts";
import { AppError, type ErrorDetails, type Fault } from "../lib/errors.ts";
import { faultsOf } from "../lib/faults.ts";
import { uuid } from "../lib/wire.ts";
import { statusOf } from "../words.ts";
import { ItemProblem } from "./contract.ts";
import { refusalIn, refusalOf } from "./problems.ts";
import { write } from "./writes.ts";

/** Items of one request at most. */
const mostItems = 100;

/** Largest body of a batch of whole listings, in bytes: a hundred long ones. */
export const batchBodyLimit = 4 * 1024 * 1024;

/** An item that does not fit its schema: it is refused by itself. What was given tells requests of one key apart. */
class Misfit {
  readonly given: unknown;
  readonly details: ErrorDetails;

  constructor(given: unknown, details: ErrorDetails) {
    this.given = given;
    this.details = details;
  }
}

/**
 * The body of a batch. Its items are parsed one by one: what is wrong with one is no matter of the others.
 * @param id what it is called in the OpenAPI document
 */
export function batchOf<T extends z.ZodType>(item: T, id: string, example: z.input<T>) {
  const misfit = ({ error, input }: z.core.$ZodCatchCtx): never =>
    new Misfit(input, faultsOf(error as z.ZodError, "body")) as never;
  return z
    .strictObject({
      items: z.array(item.catch(misfit)).min(1).max(mostItems),
      atomic: z
        .boolean()
        .default(false)
        .describe("All or nothing: when one is refused, nothing is done (409 `batch.refused`)."),
    })
    .meta({ id, examples: [{ items: [example], atomic: true }] });
}

/** The example of a schema that has one. */
export const exampleOf = <T extends z.ZodType>(schema: T): z.input<T> =>
  (schema.meta()?.examples as z.input<T>[] | undefined)?.[0] as z.input<T>;

/** What became of each item. */
export const BatchOutcome = z
  .object({
    succeeded: z.int().describe("How many were done."),
    refused: z.int().describe("How many were not."),
    items: z.array(
      z.object({
        index: z.int().describe("Its place in the request, from 0."),
        status: z.int().describe("The status that it would have got as a request of its own."),
        id: uuid.optional().describe("Absent where none was made."),
        reference: z.string().optional(),
        version: z.int().optional().describe("Its version now."),
        currentStatus: z.string().optional().describe("Its status now."),
        problem: ItemProblem.optional().describe("Why it was refused."),
      }),
    ),
  })
  .meta({
    id: "BatchOutcome",
    description: "What became of each item of a batch, in their order.",
  });
type BatchOutcome = z.output<typeof BatchOutcome>;
type ItemOutcome = BatchOutcome["items"][number];

/** What is told of an item that was done. */
interface Done {
  id: string;
  version: number;
  status: string;
  reference?: string;
}

interface BatchOptions<Item> {
  /** What each item alone would be answered with. */
  status: number;
  /** Of those that are there already: they are locked in the order of their ids, as by everybody. */
  idOf?: (item: Item) => string;
}

type Work<Item> = (item: Item) => Promise<Done>;

/** A fault of an item, with its place in the whole body. */
const inBody = (index: number, fault: Fault): Fault => ({
  ...fault,
  ...(fault.pointer !== undefined && { pointer: `/items/${index}${fault.pointer}` }),
});

/**
 * A refusal with the places of its faults in the whole body.
 * @param isGiven the item is what the faults are about; else they are about the resource that it names, but for
 *   those of the request
 */
function placed(index: number, { code, details }: AppError, isGiven: boolean): AppError {
  const { faults } = details;
  if (!faults || (!isGiven && code !== "request.invalid")) return new AppError(code, details);
  return new AppError(code, { ...details, faults: faults.map((one) => inBody(index, one)) });
}

/**
 * Does something with each item, one after the other in one transaction: an Idempotency-Key is for all of
 * them. It counts for as many requests as it has items.
 * @param begin what comes before all of them; gives what does it with one. What that throws undoes what it
 *   wrote for this one alone
 */
export function writeBatch<Item>(
  request: FastifyRequest,
  reply: FastifyReply,
  { items, atomic }: { items: readonly (Item | Misfit)[]; atomic: boolean },
  { status, idOf }: BatchOptions<Item>,
  begin: (tx: Executor, call: Call) => Promise<Work<Item>> | Work<Item>,
): Promise<BatchOutcome> {
  const { itemErrors = [], errorCodes } = request.routeOptions.config;
  const { server } = request;
  // One was counted when it came.
  server.limit(reply, "writes", { caller: request.caller.id }, items.length - 1);
  const misfits = items.flatMap((item, index) =>
    item instanceof Misfit ? (item.details.faults ?? []).map((one) => inBody(index, one)) : [],
  );
  if (atomic && misfits.length > 0) throw new AppError("request.invalid", { faults: misfits });

  async function outcomeOf(tx: Executor, work: Work<Item>, index: number): Promise<ItemOutcome> {
    const item = items[index] as Item | Misfit;
    const given = item instanceof Misfit ? undefined : idOf?.(item);
    try {
      if (item instanceof Misfit) throw new AppError("request.invalid", item.details);
      const { id, reference, version, status: now } = await apart(tx, () => work(item));
      return { index, status, id, ...(reference && { reference }), version, currentStatus: now };
    } catch (thrown) {
      const refusal = refusalIn(thrown);
      // What is no matter of the item ends the whole: it is tried again, or answered as any request.
      if (!refusal || statusOf(refusal.code) >= 500) throw thrown;
      const { code } = refusal;
      if (!itemErrors.includes(code) && !errorCodes?.has(code))
        throw new Error(`undeclared ${code}`);
      const problem = refusalOf(server.config.publicUrl, request, placed(index, refusal, !idOf));
      return { index, status: statusOf(code), ...(given && { id: given }), problem };
    }
  }

  return write(
    request,
    reply,
    async (tx, call) => {
      const outcomes: ItemOutcome[] = [];
      const work = await begin(tx, call);
      const ids = items.map((item) => (item instanceof Misfit ? "" : (idOf?.(item) ?? "")));
      const order = [...items.keys()].sort((one, two) => compare(ids[one], ids[two]));
      for (const index of order) outcomes[index] = await outcomeOf(tx, work, index);
      const refused = outcomes.filter(({ problem }) => problem);
      if (atomic && refused.length > 0) {
        const members = { items: refused.map(({ index, problem }) => ({ index, problem })) };
        throw new AppError("batch.refused", { members });
      }
      return {
        succeeded: outcomes.length - refused.length,
        refused: refused.length,
        items: outcomes,
      };
    },
    { status: 207 },
  );
}

const compare = (one = "", two = ""): number => (one === two ? 0 : one < two ? -1 : 1);
