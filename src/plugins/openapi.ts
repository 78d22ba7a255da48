import { readFile } from "node:fs/promises";
import { join } from "node:path";
import swagger, { type FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifySchema } from "fastify";
import fp from "fastify-plugin";
import { z } from "zod";
import type { Access } from "../lib/access.ts";
import type { RouteContract } from "../lib/http.ts";
import { Components } from "../lib/json-schema.ts";
import { projectRoot } from "../lib/root.ts";
import { version } from "../lib/version.ts";
import { scopes, tags } from "../words.ts";

/** Where the committed documents say that the API is: a start without settings. */
const addressOfFiles = "http://127.0.0.1:3000";

/**
 * The documents as they are committed (`npm run openapi`; CI compares them with the routes). To make them of the
 * routes takes one to two seconds, in which a process would answer nobody.
 */
type DocumentFile = "openapi.json" | "openapi.yaml";

/** Header parameters that every route of a kind takes. */
const headerParameters = {
  "Accept-Language": {
    description:
      "`zh-CN` or `en`: the language of problem documents. Chinese when it names neither.",
    schema: { type: "string" },
  },
  "Idempotency-Key": {
    description:
      "Up to 255 characters. The same key again within 24 hours gets the first reply again.",
    schema: { type: "string", minLength: 1, maxLength: 255 },
  },
  "If-Match": {
    description:
      "The ETag of the version that the caller has seen: 412 when it was changed meanwhile.",
    schema: { type: "string" },
  },
  "If-None-Match": {
    description: "An ETag: 304 when the resource is still the same.",
    schema: { type: "string" },
  },
} as const;

/** What `If-None-Match` means to a change. */
const unwanted = "`*`: only create, 412 when there is one. An ETag: 412 when it is that version.";

/** Who may call a route, in a sentence. */
function describeAccess(access: Access): string {
  const who = access.public
    ? "anyone, signed in or not"
    : `${access.admin ? "an admin" : "a member"} of ${access.roles ? `an organization of kind ${access.roles.join(", ")}` : "any organization"}${access.verified ? " that is verified" : ""}`;
  const machines = access.scope ? `; machine clients with the scope \`${access.scope}\`` : "";
  return `Who may call: ${who}${machines}.`;
}

function securityOf({ access }: RouteContract) {
  const person = { person: [] as string[] };
  const client = access?.scope ? [{ client: [access.scope] }] : [];
  if (access?.public) return [{}, person, ...client];
  return [person, ...client];
}

/** One JSON Schema object a parameter, as @fastify/swagger wants the parts of a request. */
function parameters(schema: z.ZodType | undefined, components: Components) {
  return schema ? components.convert(schema, "input") : undefined;
}

/** The body of an upload, which no zod object reads: it is a stream. */
const upload = {
  type: "object",
  properties: { file: { type: "string", format: "binary" } },
  required: ["file"],
};

/** Whether a request may come without this body. */
const isOptional = (body: z.ZodType | undefined): boolean =>
  body?.safeParse(undefined).success ?? false;

/** What is served as it is committed: the lifecycles, drawn by a script, and how to report a hole. */
const pages = { "/docs/lifecycles": "docs/lifecycles.md", "/docs/reporting": "SECURITY.md" };

/** The OpenAPI 3.1 document, made from the routes: /openapi.json, /openapi.yaml, and /docs to read it. */
export default fp<{ publicUrl: string }>(
  async (app, { publicUrl }) => {
    const components = new Components();
    /** Operations that do without a body. */
    const bodiless = new Set<string>();

    const transform: NonNullable<FastifyDynamicSwaggerOptions["transform"]> = ({
      schema,
      url,
      route,
    }) => {
      if (schema?.hide || !schema) return { schema: schema as FastifySchema, url };
      const config: RouteContract = route.config ?? {};
      const { params, querystring, body, response, ...words } = schema as Record<string, unknown>;
      const convertedResponse = Object.fromEntries(
        Object.entries((response ?? {}) as Record<string, Record<string, unknown>>).map(
          ([status, declared]) => [status, convertResponse(declared, components)],
        ),
      );
      const method = String(route.method);
      const headers = Object.entries(headerParameters).filter(([name]) => {
        if (name === "Idempotency-Key") return config.idempotency === "accepted";
        if (name === "If-Match") return config.ifMatch !== undefined;
        if (name === "If-None-Match")
          return config.etag !== undefined && ["GET", "PUT"].includes(method);
        return true;
      });
      if (isOptional(body as z.ZodType | undefined)) bodiless.add(String(words.operationId));
      const isPatch = route.method === "PATCH";
      const converted = {
        ...words,
        ...(isPatch ? { consumes: ["application/merge-patch+json", "application/json"] } : {}),
        description: [words.description, config.access && describeAccess(config.access)]
          .filter(Boolean)
          .join("\n\n"),
        security: securityOf(config),
        params: parameters(params as z.ZodType, components),
        querystring: parameters(querystring as z.ZodType, components),
        headers: {
          type: "object",
          properties: Object.fromEntries(
            headers.map(([name, { description, schema }]) => [
              name,
              {
                ...schema,
                description: name === "If-None-Match" && method === "PUT" ? unwanted : description,
              },
            ]),
          ),
          required: config.ifMatch === "required" ? ["If-Match"] : [],
        },
        body: body
          ? components.convert(body as z.ZodType, "input")
          : schema.consumes?.includes("multipart/form-data")
            ? upload
            : undefined,
        response: convertedResponse,
      };
      for (const part of ["params", "querystring", "body"] as const) {
        if (converted[part] === undefined) delete converted[part];
      }
      return { schema: converted as FastifySchema, url };
    };

    await app.register(swagger, {
      openapi: {
        openapi: "3.1.1",
        info: {
          title: "Grand Market",
          version,
          summary: "The API of a city's science and technology grand market 科技大市场.",
          description: [
            "Universities publish results, enterprises post technology needs, the operator reviews both and certifies technology brokers.",
            "",
            "Every failure is a problem document (RFC 9457) with a stable `code`; `title` and `detail` are in Chinese or English by `Accept-Language`.",
            "Lists are keyset-paged with opaque cursors. Changes carry `If-Match`, creations may carry `Idempotency-Key`.",
          ].join("\n"),
          contact: { name: "The market's operator", url: publicUrl },
          license: { name: "Apache-2.0", identifier: "Apache-2.0" },
        },
        servers: [{ url: publicUrl }],
        externalDocs: {
          description: "Lifecycles: who may take which step, from where to where.",
          url: `${publicUrl}/docs/lifecycles`,
        },
        tags: [...tags],
        components: {
          securitySchemes: {
            person: {
              type: "http",
              scheme: "bearer",
              bearerFormat: "JWT",
              description: "A person's access token, from POST /v1/auth/login.",
            },
            client: {
              type: "oauth2",
              description: "A machine client of an organization.",
              flows: {
                clientCredentials: {
                  tokenUrl: `${publicUrl}/oauth/token`,
                  scopes: Object.fromEntries(
                    scopes.map((s) => [
                      s,
                      `${s.split(":")[1]} the organization's ${s.split(":")[0]}`,
                    ]),
                  ),
                },
              },
            },
          },
        },
      },
      hideUntagged: false,
      transform,
      transformObject: (document) => {
        const openapi = ("openapiObject" in document ? document.openapiObject : {}) as Record<
          string,
          unknown
        >;
        const built = openapi.components as Record<string, unknown>;
        // @fastify/swagger writes the root as `//`.
        const paths = Object.entries((openapi.paths ?? {}) as object).map(([path, item]) => [
          path.replace("//", "/"),
          item,
        ]);
        // @fastify/swagger takes every body to be required.
        for (const operation of paths.flatMap(([, item]) => Object.values(item as object))) {
          if (bodiless.has(operation.operationId)) operation.requestBody.required = false;
        }
        const named = [...components.schemas].sort(([a], [b]) => (a < b ? -1 : 1));
        return {
          ...openapi,
          paths: Object.fromEntries(paths),
          components: { ...built, schemas: Object.fromEntries(named) },
        } as never;
      },
    });

    const texts = new Map<DocumentFile, string>();
    /** Read once; of another address than the file was made for. */
    async function textOf(file: DocumentFile): Promise<string> {
      const known = texts.get(file);
      if (known) return known;
      const committed = await readFile(join(projectRoot, "openapi", file), "utf8");
      const text = committed.replaceAll(addressOfFiles, publicUrl);
      texts.set(file, text);
      return text;
    }
    // The page of the docs loads the same document, and nobody has it made anew. No redirect: the page's policy
    // would make it one to https, which a market on one machine does not speak.
    const formats = { json: "openapi.json", yaml: "openapi.yaml" } as const;
    app.addHook("onRoute", (route) => {
      const [, format] = /^\/docs\/(json|yaml)$/.exec(route.url) ?? [];
      if (!format) return;
      const file = formats[format as keyof typeof formats];
      route.handler = async (_request, reply) =>
        reply.type(`application/${format}; charset=utf-8`).send(await textOf(file));
    });

    await app.register(swaggerUi, {
      routePrefix: "/docs",
      // Without the bar on top, which would load any document of the web.
      uiConfig: { layout: "BaseLayout", docExpansion: "none", deepLinking: true },
      theme: { title: "Grand Market 科技大市场" },
      staticCSP: true,
    });

    // Beside the docs, as text.
    for (const [path, file] of Object.entries(pages)) {
      app.get(
        path,
        { config: { withoutDatabase: true }, schema: { hide: true } },
        async (_request, reply) => {
          const page = await readFile(join(projectRoot, file), "utf8");
          return reply.type("text/markdown; charset=utf-8").send(page);
        },
      );
    }

    const document = {
      description: "The OpenAPI 3.1 document of this API.",
      tags: ["service"],
      response: { 200: { description: "The document.", content: {} } },
    };
    app.get(
      "/openapi.json",
      {
        config: {
          access: { public: true },
          etag: "hash",
          cacheSeconds: 300,
          sameForAll: true,
          withoutDatabase: true,
        },
        schema: {
          ...document,
          operationId: "getOpenapiJson",
          summary: "The API's description, as JSON",
          response: {
            200: {
              description: "The document.",
              content: { "application/json": { schema: z.looseObject({}) } },
            },
          },
        },
      },
      async (_request, reply) => {
        return reply.type("application/json; charset=utf-8").send(await textOf("openapi.json"));
      },
    );
    app.get(
      "/openapi.yaml",
      {
        config: {
          access: { public: true },
          etag: "hash",
          cacheSeconds: 300,
          sameForAll: true,
          withoutDatabase: true,
        },
        schema: {
          ...document,
          operationId: "getOpenapiYaml",
          summary: "The API's description, as YAML",
          response: {
            200: {
              description: "The document.",
              content: { "application/yaml": { schema: z.string() } },
            },
          },
        },
      },
      async (_request, reply) => {
        return reply.type("application/yaml; charset=utf-8").send(await textOf("openapi.yaml"));
      },
    );
  },
  { name: "openapi", dependencies: ["contract"] },
);

function convertResponse(declared: Record<string, unknown>, components: Components) {
  const content = Object.entries((declared.content ?? {}) as Record<string, { schema: z.ZodType }>);
  if (content.length === 0) return { description: declared.description, type: "null" };
  return {
    ...declared,
    content: Object.fromEntries(
      content.map(([type, { schema }]) => [type, { schema: components.convert(schema, "output") }]),
    ),
  };
}
