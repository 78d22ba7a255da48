import { z } from "zod";
import { clock } from "../../lib/clock.ts";
import { AppError, type ErrorCode } from "../../lib/errors.ts";
import { version } from "../../lib/version.ts";
import type { App } from "../../plugins/contract.ts";
import { errorCatalogue } from "../../words.ts";

const tags = ["service"];
const access = { public: true } as const;

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

/** The first instant of the sixth month from now: a reader looks again in half a year at the latest. */
function expiryOfContact(): string {
  const now = clock.now();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 6)).toISOString();
}

export default async function serviceRoutes(app: App) {
  const { publicUrl } = app.config;

  app.get(
    "/",
    {
      config: { access, cacheSeconds: 300, sameForAll: true, withoutDatabase: true },
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
      config: { access, etag: "hash", cacheSeconds: 300, sameForAll: true, withoutDatabase: true },
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
        sameForAll: true,
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

  app.get(
    "/.well-known/security.txt",
    {
      config: {
        access,
        cacheSeconds: 300,
        withoutDatabase: true,
        errors: ["security_contact.not_found"],
      },
      schema: {
        operationId: "readSecurityContact",
        summary: "Where to report a security hole",
        description: "RFC 9116. 404 where the operator has named no contact.",
        tags,
        response: {
          200: {
            description: "The contact, until when it holds, and how to report.",
            content: { "text/plain": { schema: z.string() } },
          },
        },
      },
    },
    async (_request, reply) => {
      const { securityContact } = app.config;
      if (!securityContact) throw new AppError("security_contact.not_found" satisfies ErrorCode);
      const fields = {
        Contact: securityContact,
        Expires: expiryOfContact(),
        "Preferred-Languages": "zh, en",
        // Addresses of the web are https, or left out (RFC 9116 2.5.2, 2.5.7).
        ...(publicUrl.startsWith("https:") && {
          Canonical: `${publicUrl}/.well-known/security.txt`,
          Policy: `${publicUrl}/docs/reporting`,
        }),
      };
      const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
      return reply.type("text/plain; charset=utf-8").send(lines.join(""));
    },
  );
}
