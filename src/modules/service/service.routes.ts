import { z } from "zod";
import { AppError, type ErrorCode, errorCatalogue } from "../../lib/errors.ts";
import { version } from "../../lib/version.ts";
import type { App } from "../../plugins/contract.ts";

const tags = ["service"];
const access = { public: true } as const;

const State = z.object({ status: z.enum(["ok", "unavailable"]) }).meta({ id: "State" });

const Readiness = z
  .object({
    status: z
      .enum(["ok", "degraded", "unavailable"])
      .describe("`degraded`: calls are answered, and the operator is to look at something."),
    checks: z.object({
      database: z.boolean(),
      migrations: z
        .boolean()
        .describe(
          "The schema is the one this program was written for, or a newer one, which only adds.",
        ),
      draining: z.boolean().describe("The process is about to stop and takes no new work."),
    }),
    degraded: z.array(z.string()).describe("What the operator is to look at, by name."),
  })
  .meta({ id: "Readiness" });

const Version = z.object({ version: z.string(), node: z.string() }).meta({ id: "Version" });

const Links = z
  .object({
    name: z.string(),
    version: z.string(),
    links: z.record(z.string(), z.url()),
  })
  .meta({ id: "Links" });

const ProblemKind = z
  .object({
    code: z.string(),
    status: z.int(),
    title: z.object({ en: z.string(), zh: z.string() }),
  })
  .meta({ id: "ProblemKind" });

const ProblemParams = z.strictObject({ code: z.string().max(100) });

export default async function serviceRoutes(app: App) {
  const { publicUrl } = app.config;

  app.get(
    "/",
    {
      config: { access, cacheSeconds: 300, withoutDatabase: true },
      schema: {
        operationId: "readLinks",
        summary: "Where everything is",
        description: "Links to the documentation, the OpenAPI document and the main collections.",
        tags,
        response: { 200: Links },
      },
    },
    async () => {
      const paths = {
        documentation: "/docs",
        openapi: "/openapi.json",
        openapiYaml: "/openapi.yaml",
        results: "/v1/results",
        needs: "/v1/needs",
        brokers: "/v1/brokers",
        interests: "/v1/interests",
        matches: "/v1/matches",
        contracts: "/v1/contracts",
        registrations: "/v1/registrations",
        contractVolume: "/v1/statistics/contract-volume",
        organizations: "/v1/organizations",
        taxonomies: "/v1/taxonomies",
        problems: "/problems",
        health: "/readyz",
      };
      const links = Object.entries(paths).map(([name, path]) => [name, `${publicUrl}${path}`]);
      return { name: "Grand Market 科技大市场", version, links: Object.fromEntries(links) };
    },
  );

  app.get(
    "/livez",
    {
      config: { access, vital: true },
      schema: {
        operationId: "readLiveness",
        summary: "Is the process alive",
        description: "Never touches the database.",
        tags,
        response: { 200: State },
      },
    },
    async () => ({ status: "ok" as const }),
  );

  app.get(
    "/readyz",
    {
      config: { access, vital: true },
      schema: {
        operationId: "readReadiness",
        summary: "May requests be sent here",
        description:
          "Database answering, schema migrated, not about to stop. Known from looking every half second: the answer waits for nobody.",
        tags,
        response: {
          200: Readiness,
          503: {
            description: "Not ready.",
            content: { "application/json": { schema: Readiness } },
          },
        },
      },
    },
    async (_request, reply) => {
      const readiness = app.readiness();
      return reply.code(readiness.status === "unavailable" ? 503 : 200).send(readiness);
    },
  );

  app.get(
    "/version",
    {
      config: { access, vital: true },
      schema: {
        operationId: "readVersion",
        summary: "Which version runs here",
        description: "The program's and Node's.",
        tags,
        response: { 200: Version },
      },
    },
    async () => ({ version, node: process.version }),
  );

  app.get(
    "/metrics",
    {
      config: { access, vital: true },
      schema: {
        operationId: "readMetrics",
        summary: "Measurements for Prometheus",
        description:
          "By route template, without ids or names. Keep it inside: let the proxy answer 404 outside.",
        tags,
        response: {
          200: { description: "Text format.", content: { "text/plain": { schema: z.string() } } },
        },
      },
    },
    async (_request, reply) => {
      const text = await app.metrics.metrics();
      return reply.type("text/plain; version=0.0.4; charset=utf-8").send(text);
    },
  );

  /** The codes that some route may answer with, and those for what never becomes a request of a route. */
  const usedCodes = () =>
    new Set<string>([
      "request.not_found",
      "request.method_not_allowed",
      "request.headers_too_large",
      ...app.registeredRoutes.flatMap(({ config }) => [...(config.errorCodes ?? [])]),
    ]);

  const kindOf = (code: string) => {
    const kind = errorCatalogue.get(code);
    if (!kind) throw new AppError("problem.not_found" satisfies ErrorCode);
    return { code, status: kind.status, title: { en: kind.en, zh: kind.zh } };
  };

  app.get(
    "/problems",
    {
      config: { access, etag: "hash", cacheSeconds: 300, withoutDatabase: true },
      schema: {
        operationId: "listProblems",
        summary: "Every way in which a request can fail",
        description: "The codes of all problem documents.",
        tags,
        response: { 200: z.object({ data: z.array(ProblemKind) }) },
      },
    },
    async () => ({ data: [...usedCodes()].sort().map(kindOf) }),
  );

  app.get(
    "/problems/:code",
    {
      config: {
        access,
        etag: "hash",
        cacheSeconds: 300,
        withoutDatabase: true,
        errors: ["problem.not_found"],
      },
      schema: {
        operationId: "readProblem",
        summary: "One way in which a request can fail",
        description: "What the `type` of a problem document points to.",
        tags,
        params: ProblemParams,
        response: { 200: ProblemKind },
      },
    },
    async ({ params }) => kindOf(params.code),
  );
}
