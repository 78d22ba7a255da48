/** The routes of a resource's steps, made from its lifecycle. */
import { z } from "zod";
import type { Executor } from "../database/connect.ts";
import type { Call } from "../lib/call.ts";
import type { ErrorCode } from "../lib/errors.ts";
import { IdParams } from "../lib/wire.ts";
import type { App } from "../plugins/contract.ts";
import { DryRun, DryRunQuery, dryRun, write } from "../plugins/writes.ts";
import {
  type AnyStep,
  accessOf,
  type CallerStep,
  guardsOf,
  type InputOf,
  isCallers,
  isForOneOfMany,
  otherwiseOf,
  type Resource,
  type RoutedSteps,
  type Subject,
} from "./resource.ts";
import type { Verb } from "./stored.ts";

/** A handler for each step, by its operationId. */
export type Handlers<Steps, Key> = {
  [K in keyof RoutedSteps<Steps>]: Verb<Key, InputOf<RoutedSteps<Steps>[K]>, object>;
};

/** What a route may answer with: the resource's refusals, those of its guards, the handler's own. */
export function errorsOf<S extends Subject>(
  definition: Resource<S, Record<string, AnyStep<S>>>,
  step: CallerStep<S>,
): ErrorCode[] {
  const { noun } = definition;
  const codes: ErrorCode[] = [
    `${noun}.not_found`,
    ...(isForOneOfMany(step) ? [otherwiseOf(definition, step)] : []),
    `${noun}.invalid_transition`,
    ...guardsOf(definition, step).map(({ code }) => code),
    ...(step.errors ?? []),
  ];
  return [...new Set(codes)];
}

/**
 * Registers `POST <path>/<action>` for each step that callers take here.
 * @param handlers the verbs, by operationId; each step has one
 * @param keyOf what names one of them, of its path parameters; their `id` when absent
 */
export function registerSteps<S extends Subject, Steps extends Record<string, AnyStep<S>>>(
  app: App,
  definition: Resource<S, Steps>,
  handlers: Handlers<Steps, string>,
): void;
export function registerSteps<S extends Subject, Steps extends Record<string, AnyStep<S>>, Key>(
  app: App,
  definition: Resource<S, Steps>,
  handlers: Handlers<Steps, Key>,
  keyOf: (params: never) => Key,
): void;
export function registerSteps<S extends Subject, Steps extends Record<string, AnyStep<S>>, Key>(
  app: App,
  definition: Resource<S, Steps>,
  handlers: Handlers<Steps, Key>,
  keyOf: (params: never) => Key = ({ id }: { id: Key }) => id,
): void {
  const { path, tag, params = IdParams, changesAccess } = definition;
  for (const [operationId, step] of Object.entries<AnyStep<S>>(definition.steps)) {
    if (!isCallers(step) || step.elsewhere) continue;
    const verb = handlers[operationId as keyof Handlers<Steps, Key>] as Verb<Key, unknown, object>;
    const { action, summary, description, body, reply: schema = definition.reply } = step;
    app.post(
      `${path}/${action}`,
      {
        config: {
          access: accessOf(step),
          idempotency: step.idempotency ?? "accepted",
          ifMatch: step.ifMatch ?? "honoured",
          ...(!step.reply && { etag: "version" as const }),
          ...(changesAccess && { changesAccess }),
          errors: errorsOf(definition, step),
        },
        schema: {
          operationId,
          summary,
          description,
          tags: [tag],
          params,
          ...(step.dryRun && { querystring: DryRunQuery }),
          ...(body && { body }),
          response: { 200: step.dryRun ? z.union([schema, DryRun]) : schema },
        },
      },
      (request, reply) => {
        const key = keyOf(request.params as never);
        const take = (tx: Executor, call: Call) => verb(tx, call, key, request.body);
        // Only a step that offers it has the parameter in its schema.
        const isDry = (request.query as { dryRun?: boolean }).dryRun === true;
        return isDry ? dryRun(request, take) : write(request, reply, take);
      },
    );
  }
}
