/** The routes that take a resource's steps with many of them at once, made from its lifecycle. */
import { z } from "zod";
import type { Executor } from "../database/connect.ts";
import type { Call } from "../lib/call.ts";
import { uuid } from "../lib/wire.ts";
import { BatchOutcome, batchOf, writeBatch } from "../plugins/batches.ts";
import type { App } from "../plugins/contract.ts";
import {
  type AnyStep,
  accessOf,
  type CallerStep,
  type Resource,
  type RoutedSteps,
  type Subject,
} from "./resource.ts";
import { errorsOf, type Handlers } from "./routes.ts";

/** One of those that a step is taken with. */
const target = {
  id: uuid,
  version: z
    .int()
    .min(1)
    .optional()
    .describe("It is refused (412) when it is not this version any more."),
};

const exampleId = "019bd6a3-4c52-7a31-9d0e-3f1f0c7c1e52";

type Target = z.output<z.ZodObject<typeof target>>;

interface Taken extends Record<string, unknown> {
  id: string;
  version: number;
  status: string;
}

/**
 * Registers `POST <collection>/batch/<action>` for some steps of a resource.
 * @param handlers the verbs, by operationId of the step
 * @param operationIds of the batches, by that of the step
 */
export function registerBatches<S extends Subject, Steps extends Record<string, AnyStep<S>>>(
  app: App,
  definition: Resource<S, Steps>,
  handlers: Handlers<Steps, string>,
  operationIds: { readonly [K in keyof RoutedSteps<Steps>]?: string },
): void {
  const { path, tag } = definition;
  for (const [name, operationId] of Object.entries<string | undefined>(operationIds)) {
    const step = definition.steps[name] as CallerStep<S>;
    const take = handlers[name as keyof typeof handlers] as unknown as (
      tx: Executor,
      call: Call,
      id: string,
      input?: unknown,
    ) => Promise<Taken>;
    const [initial, rest] = [name.slice(0, 1).toUpperCase(), `${name.slice(1)}Batch`];
    const input = step.body as z.ZodObject | undefined;
    const Item = z.strictObject({ ...target, ...input?.shape });
    const refusals = [...errorsOf(definition, step), "request.precondition_failed"] as const;
    app.post(
      `${path.replace("/:id", "")}/batch/${step.action}`,
      {
        config: {
          access: accessOf(step),
          idempotency: "accepted",
          errors: ["batch.refused"],
          itemErrors: refusals,
        },
        schema: {
          operationId: operationId ?? "",
          summary: `${step.summary}: many at once`,
          description: `${step.description} Each item has an outcome of its own, refused as \`POST ${path.replace(":id", "{id}")}/${step.action}\` would: ${refusals.map((code) => `\`${code}\``).join(", ")}. With \`atomic\` all or none is done. It counts for as many requests as it has items.`,
          tags: [tag],
          body: batchOf(Item, `${initial}${rest}Input`, { id: exampleId, version: 3 }),
          response: { 207: BatchOutcome },
        },
      },
      (request, reply) =>
        writeBatch(
          request,
          reply,
          request.body as unknown as Parameters<typeof writeBatch<Target>>[2],
          { status: 200, idOf: ({ id }) => id },
          (tx, call) =>
            ({ id, version, ...rest }) => {
              const expected = version === undefined ? null : [{ version, mark: null }];
              return take(tx, { ...call, expected }, id, input ? rest : undefined);
            },
        ),
    );
  }
}
