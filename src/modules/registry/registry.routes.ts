import { z } from "zod";
import type { App } from "../../plugins/contract.ts";
import { ControlQuery, FeedControl, PullQuery, RegistryPage } from "./registry.schema.ts";
import { type Pulled, pullContracts, readFeedControl } from "./registry.service.ts";

const tags = ["registry"];
const access = { roles: ["registry", "operator"], scope: "registrations:read" } as const;
const ndjson = "application/x-ndjson";

/** The reply's text: the entries are JSON already. */
const toJson = ({ entries, next, hasMore, control }: Pulled): string =>
  `{"data":[${entries.join(",")}],"page":${JSON.stringify({ next, hasMore })},"control":${JSON.stringify(control)}}`;

/** An entry a line; the last line holds the sums. */
const toLines = ({ entries, control }: Pulled): string =>
  [...entries, JSON.stringify({ control }), ""].join("\n");

export default async function registryRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/registry/contracts",
    {
      config: { access, bucket: "exports" },
      schema: {
        operationId: "pullContracts",
        summary: "Pull registered contracts and every later change of them",
        description:
          "In commit order without gaps: ask again with `after` = `page.next`. A contract that is amended, cancelled or revoked appears again. With `Accept: application/x-ndjson` an entry a line, the control totals on the last one. An office pulls its own, the operator all, without what trade secrets say.",
        tags,
        querystring: PullQuery,
        response: {
          200: {
            description: "A page of the feed.",
            content: {
              "application/json": { schema: RegistryPage },
              [ndjson]: { schema: z.string() },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const pulled = await pullContracts(db, request.caller, request.query);
      if (pulled.hasMore) {
        const { limit } = request.query;
        const next = `/v1/registry/contracts?after=${pulled.next}&limit=${limit}`;
        reply.header("link", `<${next}>; rel="next"`);
      }
      const wantsLines = request.headers.accept?.includes(ndjson) ?? false;
      reply.type(wantsLines ? ndjson : "application/json; charset=utf-8");
      // Text that is the declared object already: no serializer reads a thousand entries again.
      reply.send((wantsLines ? toLines(pulled) : toJson(pulled)) as never);
      return reply;
    },
  );

  app.get(
    "/v1/registry/contracts/control",
    {
      config: { access },
      schema: {
        operationId: "readFeedControl",
        summary: "Control totals of a range of the feed",
        description: "For both sides to compare what was pulled.",
        tags,
        querystring: ControlQuery,
        response: { 200: FeedControl },
      },
    },
    (request) => readFeedControl(db, request.caller, request.query),
  );
}
