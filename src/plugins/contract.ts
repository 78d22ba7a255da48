import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
  FastifyTypeProvider,
  preValidationHookHandler,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
  RouteOptions,
} from "fastify";
import fp from "fastify-plugin";
import { z } from "zod";
import { AppError, type ErrorCode, type Fault } from "../lib/errors.ts";
import { type Versioned, versionedOf } from "../lib/etag.ts";
import { faultsOf } from "../lib/faults.ts";
import type { RouteContract } from "../lib/http.ts";
import { idempotencyKeyFault } from "../lib/idempotency-key.ts";
import { makeSerializers } from "../lib/serializers.ts";
import { faultCodes, sentenceOf, statusOf } from "../words.ts";

/** Types of a handler come from the zod objects in its schema. */
export interface ZodTypeProvider extends FastifyTypeProvider {
  validator: this["schema"] extends z.ZodType ? z.output<this["schema"]> : unknown;
  serializer: this["schema"] extends z.ZodType ? z.input<this["schema"]> : unknown;
}

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

declare module "fastify" {
  interface FastifyContextConfig extends RouteContract {
    /** All codes the route may answer with: its own and the shared ones. Set by the contract plugin. */
    errorCodes?: ReadonlySet<ErrorCode>;
  }
  interface FastifySchema {
    operationId?: string;
    summary?: string;
    description?: string;
    tags?: readonly string[];
    hide?: boolean;
    security?: readonly Record<string, readonly string[]>[];
    consumes?: readonly string[];
  }
  interface FastifyInstance {
    /** Every registered route, for what spans them all: 405 answers, the access page, tests. */
    registeredRoutes: readonly RegisteredRoute[];
    /** Compiles the serializers of all replies; else each is compiled when it is first used. */
    compileSerializers: () => void;
  }
  interface FastifyReply {
    /** Version of the resource in the reply, for its ETag. */
    resourceVersion: Versioned | null;
  }
}

export interface RegisteredRoute {
  method: string;
  url: string;
  /** Matches the paths that belong to the route. */
  pattern: RegExp;
  config: RouteContract & { errorCodes?: ReadonlySet<ErrorCode> };
  schema: FastifySchema | undefined;
}

/** `/v1/needs/:id` as a pattern of paths. */
const patternOf = (url: string) =>
  new RegExp(`^${url.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/:\w+/g, "[^/]+")}$`);

/** Largest body that is read of who is not signed in, in bytes: no form of theirs holds a text. */
const strangersBodyLimit = 16 * 1024;

/** What can be wrong with one field, each code with its words. */
const FaultCode = z.enum(faultCodes).meta({
  id: "FaultCode",
  description: `Stable, never translated; later versions may add some.\n\n${faultCodes
    .map((code) => {
      const { zh, en } = sentenceOf({ code });
      return `- \`${code}\`: ${en} (${zh})`;
    })
    .join("\n")}`,
});

/** RFC 9457, of any failure. */
const Failure = z.object({
  type: z.url().describe("Address of a page that explains the code."),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  instance: z.string().describe("Path of the request."),
  code: z.string().describe("Stable, never translated."),
  requestId: z.string(),
  errors: z
    .array(
      z.object({
        pointer: z.string().optional().describe("RFC 6901 pointer into the body."),
        parameter: z.string().optional(),
        header: z.string().optional(),
        code: FaultCode,
        detail: z.string(),
      }),
    )
    .optional()
    .describe("The faults of the input, at most 50 of them."),
  moreErrors: z.int().optional().describe("How many more faults there are."),
  currentStatus: z.string().optional(),
  allowedActions: z.array(z.string()).optional(),
  requiredRoles: z.array(z.string()).optional(),
  requiredScope: z.string().optional(),
  outcome: z
    .literal("unknown")
    .optional()
    .describe(
      "Whether the change is stored is not known: the connection to the database was lost while it was committed, or it took too long. The same request with the same Idempotency-Key finds out.",
    ),
});

/** Why one item of a batch was refused. */
export const ItemProblem = Failure.omit({ instance: true, requestId: true, outcome: true }).meta({
  id: "ItemProblem",
  description: "Why one item was refused, as a request of its own would have been.",
});

/** RFC 9457, as every failure is sent. */
export const Problem = Failure.extend({
  items: z
    .array(z.object({ index: z.int(), problem: ItemProblem }))
    .optional()
    .describe("The items of a batch that stand in the way of all, by their places from 0."),
}).meta({ id: "Problem", description: "A failure (RFC 9457)." });

export const problemType = "application/problem+json";

/** RFC 6749 5.2: the one endpoint that speaks OAuth has its own error object. */
export const OAuthError = z
  .object({ error: z.string(), error_description: z.string().optional() })
  .meta({ id: "OAuthError" });

type Part = "params" | "querystring" | "body";
const parts: readonly [Part, "params" | "query" | "body"][] = [
  ["params", "params"],
  ["querystring", "query"],
  ["body", "body"],
];

/** The refusals that a route of this shape shares with all others. */
function sharedErrors(route: RouteOptions): ErrorCode[] {
  const { access, ifMatch, idempotency, vital } = route.config ?? {};
  const codes: ErrorCode[] = [
    "server.internal",
    "server.overloaded",
    "server.unavailable",
    "storage.full",
    "request.malformed_url",
    "request.malformed_http",
  ];
  if (!vital) codes.push("request.rate_limited");
  if (!route.config?.ownAuthorization && !vital) codes.push("auth.invalid_token");
  if (access && !access.public) codes.push("auth.required");
  if (access && !access.public && !access.withoutSecondFactor) {
    codes.push("auth.second_factor_needed");
  }
  if (access?.roles) codes.push("auth.forbidden_role");
  if (access?.admin) codes.push("auth.admin_required");
  if (access?.scope) codes.push("auth.insufficient_scope");
  else if (access && !access.public) codes.push("auth.person_required");
  if (access?.verified) codes.push("organization.not_verified");
  const changes = route.method !== "GET" && route.method !== "HEAD";
  if (changes && !access?.public && !access?.whileSuspended) codes.push("organization.suspended");
  codes.push("request.invalid");
  // A body is read before it is known whether the route wants one.
  if (changes) {
    codes.push("request.malformed_json", "request.not_utf8", "request.too_large");
    codes.push("request.unsupported_media_type", "request.timeout");
  }
  if (ifMatch) codes.push("request.precondition_failed");
  if (ifMatch === "required") codes.push("request.precondition_required");
  if (idempotency === "accepted") {
    codes.push("idempotency.key_reused", "idempotency.in_progress");
  }
  if (idempotency === "refused") codes.push("request.idempotency_key_not_accepted");
  return codes;
}

/** One response object of the route, in the shape that Fastify and the OpenAPI document share. */
interface DeclaredResponse {
  description: string;
  content?: Record<string, { schema: z.ZodType }>;
  headers?: Record<string, unknown>;
}

const titles: Record<number, string> = {
  200: "Done.",
  201: "Created.",
  202: "Taken in.",
  204: "Done, nothing to say.",
  207: "Each item with an outcome of its own.",
  304: "Not changed.",
};

function declareResponses(route: RouteOptions): void {
  const { schema, config } = route;
  const given = (schema?.response ?? {}) as Record<string, z.ZodType | DeclaredResponse>;
  const responses: Record<string, DeclaredResponse> = {};
  for (const [status, reply] of Object.entries(given)) {
    if (!(reply instanceof z.ZodType)) responses[status] = reply;
    else if (reply instanceof z.ZodNull)
      responses[status] = { description: titles[Number(status)] ?? "" };
    else {
      responses[status] = {
        description: reply.description ?? titles[Number(status)] ?? "",
        content: { "application/json": { schema: reply } },
      };
    }
  }
  if (config?.etag && route.method === "GET")
    responses["304"] = { description: "Not changed since the version in If-None-Match." };
  const codes = new Set([...sharedErrors(route), ...(config?.errors ?? [])]);
  route.config = { ...config, errorCodes: codes };
  const statuses = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const status = statusOf(code);
    statuses.set(status, [...(statuses.get(status) ?? []), code]);
  }
  for (const [status, list] of statuses) {
    const declared = responses[status];
    responses[status] = {
      description: `${list.map((code) => `\`${code}\``).join(", ")}`,
      content: { ...declared?.content, [problemType]: { schema: Problem } },
    };
  }
  if (schema) schema.response = responses;
}

/** Whether the route said that it may answer with this code. */
export function isDeclaredError(request: FastifyRequest, code: ErrorCode): boolean {
  const codes = request.routeOptions.config.errorCodes;
  return !codes || codes.has(code) || statusOf(code) >= 500;
}

/** Media types of the bodies that a route reads. The parsers know more of them: each is for some routes. */
function mediaTypesOf({ method, schema }: RouteOptions): readonly string[] {
  if (schema?.consumes) return schema.consumes;
  const json = "application/json";
  return method === "PATCH" ? ["application/merge-patch+json", json] : [json];
}

/** The refusal of a body of another type, which names those that are read. */
const unreadable = (mediaTypes: readonly string[]): AppError =>
  new AppError("request.unsupported_media_type", {
    detail: {
      en: `It reads ${mediaTypes.join(" or ")}.`,
      zh: `该操作接受的类型：${mediaTypes.join("、")}。`,
    },
  });

/** The same for a request whose type no parser knows. */
export const unreadableBy = ({ routeOptions }: FastifyRequest): AppError =>
  unreadable(mediaTypesOf(routeOptions as RouteOptions));

/** A hook that parses all parts of a request together, so that every fault is named at once. */
function validatorOf(
  schema: Partial<Record<Part, z.ZodType>>,
  mediaTypes: readonly string[],
  takesKey: boolean,
): preValidationHookHandler {
  // What a route does not declare it does not take: an unknown parameter is a 400, so is a body.
  const nothing = z.strictObject({});
  const undeclared = { params: undefined, querystring: nothing, body: nothing.nullish() };
  const declared = parts.flatMap(([part, property]) => {
    const zod = schema[part] ?? undeclared[part];
    return zod ? [{ part, property, zod }] : [];
  });
  return (request, _reply, done) => {
    const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
    if (type !== undefined && request.body !== undefined && !mediaTypes.includes(type)) {
      return done(unreadable(mediaTypes));
    }
    const faults: Fault[] = [];
    let more = 0;
    const keyFault = takesKey ? idempotencyKeyFault(request.headers) : null;
    if (keyFault) faults.push(keyFault);
    for (const { part, property, zod } of declared) {
      const parsed = zod.safeParse(request[property] ?? undefined, { reportInput: true });
      // The handler's types come from the same schema; Fastify's own type for the property is `unknown`.
      if (parsed.success) (request as Record<typeof property, unknown>)[property] = parsed.data;
      else {
        const found = faultsOf(parsed.error, part);
        faults.push(...found.faults);
        more += found.more;
      }
    }
    done(faults.length > 0 ? new AppError("request.invalid", { faults, more }) : undefined);
  };
}

function assertComplete(route: RouteOptions): void {
  const { schema, config } = route;
  const missing = [
    !schema?.operationId && "operationId",
    !schema?.summary && "summary",
    !schema?.tags?.length && "tags",
    !schema?.response && "response",
    !config?.access && "config.access",
    route.method === "POST" &&
      !config?.idempotency &&
      !config?.ownAuthorization &&
      "config.idempotency",
    route.method === "PATCH" && !config?.ifMatch && "config.ifMatch",
  ].filter(Boolean);
  if (missing.length > 0) {
    throw new Error(`${String(route.method)} ${route.url} declares no ${missing.join(", ")}`);
  }
}

/**
 * Holds every route to its contract: refuses to boot one that leaves something undeclared, parses
 * each part of a request with its zod object and names all faults at once, and sends only what the
 * reply's schema holds, through a serializer compiled once for each schema.
 */
export default fp<{ checkReplies: boolean }>(
  async (app, { checkReplies }) => {
    const validators = new WeakMap<object, preValidationHookHandler>();

    const registered: RegisteredRoute[] = [];
    app.decorate("registeredRoutes", registered);

    app.addHook("onRoute", (route) => {
      const { url, schema: declared } = route;
      // The docs pages are their plugin's own; every other route has a contract.
      const isDocs = declared?.hide && url.startsWith("/docs");
      if (!isDocs) declare(route);
      for (const method of [route.method].flat()) {
        registered.push({
          method,
          url,
          pattern: patternOf(url),
          config: route.config ?? {},
          schema: declared,
        });
      }
    });

    function declare(route: RouteOptions): void {
      assertComplete(route);
      if (route.config?.access?.public) route.bodyLimit ??= strangersBodyLimit;
      const schema = route.schema as object;
      // Fastify derives a HEAD route from each GET with the same schema object: declare that once.
      if (!validators.has(schema)) {
        declareResponses(route);
        const zods = schema as Partial<Record<Part, z.ZodType>>;
        validators.set(
          schema,
          validatorOf(zods, mediaTypesOf(route), route.config?.idempotency === "accepted"),
        );
      }
      const validator = validators.get(schema);
      const hooks = [route.preValidation ?? []].flat();
      if (validator && !hooks.includes(validator)) route.preValidation = [...hooks, validator];
    }

    // That hook validates; Fastify itself would stop at the first bad part.
    app.setValidatorCompiler(() => (data) => ({ value: data }));

    const serializers = makeSerializers({ checkReplies });
    // A reply without content has no schema.
    app.setSerializerCompiler(({ schema, url, method, httpStatus }) =>
      schema instanceof z.ZodType
        ? serializers.of(schema, `${method} ${url} ${httpStatus}`)
        : () => "",
    );
    app.decorate("compileSerializers", serializers.compileAll);

    app.decorateReply("resourceVersion", null);
    // An undeclared status or content type would be sent with JSON.stringify, unfiltered.
    app.addHook("preSerialization", (request, reply, payload, done) => {
      reply.resourceVersion = versionedOf(payload) ?? reply.resourceVersion;
      // Fastify types the error of this callback as null; it takes one like every other hook.
      done(undeclared(request, reply, payload) as null, payload);
    });
  },
  { name: "contract" },
);

/** What is wrong with sending this reply, if its status or content type was not declared. */
function undeclared(request: FastifyRequest, reply: FastifyReply, payload: unknown): Error | null {
  const { schema } = request.routeOptions;
  // Unknown addresses have no route; their problem documents are built by the problems plugin alone.
  if (!schema || schema.hide) return null;
  const responses = schema.response as Record<string, DeclaredResponse>;
  const declared = responses[reply.statusCode];
  const type = String(reply.getHeader("content-type") ?? "application/json").split(";")[0] ?? "";
  if (declared?.content?.[type]) return null;
  // A reply without content has no type to declare.
  if (declared && !declared.content && payload === null) return null;
  return new Error(
    `${schema.operationId} did not declare ${reply.statusCode} with ${type}: nothing is sent unfiltered`,
  );
}
