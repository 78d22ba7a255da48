import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import {
  Taxonomy,
  TaxonomyItem,
  TaxonomyItemInput,
  TaxonomyItemParams,
  TaxonomyItemPatch,
  TaxonomyList,
  TaxonomyParams,
} from "./taxonomies.schema.ts";
import {
  createTaxonomyItem,
  listTaxonomies,
  readTaxonomy,
  updateTaxonomyItem,
} from "./taxonomies.service.ts";

const tags = ["taxonomies"];

export default async function taxonomyRoutes(app: App) {
  app.get(
    "/v1/taxonomies",
    {
      config: { access: { public: true }, etag: "hash", cacheSeconds: 300, sameForAll: true },
      schema: {
        operationId: "listTaxonomies",
        summary: "Every code list",
        description: "Their names, sources and how certain each is; the items are under each name.",
        tags,
        response: { 200: TaxonomyList },
      },
    },
    async () => listTaxonomies(),
  );

  app.get(
    "/v1/taxonomies/:name",
    {
      config: {
        access: { public: true },
        etag: "hash",
        cacheSeconds: 300,
        sameForAll: true,
        errors: ["taxonomy.not_found"],
      },
      schema: {
        operationId: "readTaxonomy",
        summary: "A code list with its items",
        description: "All items, with labels in Chinese and English; parents before children.",
        tags,
        params: TaxonomyParams,
        response: { 200: Taxonomy },
      },
    },
    ({ params }) => readTaxonomy(app.database.db, params.name),
  );

  app.post(
    "/v1/taxonomies/:name/items",
    {
      config: {
        access: { roles: ["operator"] },
        idempotency: "accepted",
        errors: ["taxonomy.not_found", "taxonomy.closed", "taxonomy_item.code_taken"],
      },
      schema: {
        operationId: "createTaxonomyItem",
        summary: "Add an item that a list lacks",
        description:
          "For lists of which only a part is certain, such as second-level technology fields.",
        tags,
        params: TaxonomyParams,
        body: TaxonomyItemInput,
        response: { 201: TaxonomyItem },
      },
    },
    (request, reply) =>
      write(
        request,
        reply,
        (tx, call) => createTaxonomyItem(tx, call, request.params.name, request.body),
        { status: 201, location: () => `/v1/taxonomies/${request.params.name}` },
      ),
  );

  app.patch(
    "/v1/taxonomies/:name/items/:code",
    {
      config: {
        access: { roles: ["operator"] },
        ifMatch: "required",
        etag: "version",
        errors: ["taxonomy.not_found", "taxonomy_item.not_found", "taxonomy_item.built_in"],
      },
      schema: {
        operationId: "updateTaxonomyItem",
        summary: "Relabel or retire an item that the operator added",
        description:
          "The item's `version`, with a dash and anything behind it, is the tag for If-Match.",
        tags,
        params: TaxonomyItemParams,
        body: TaxonomyItemPatch,
        response: { 200: TaxonomyItem },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) =>
        updateTaxonomyItem(tx, call, request.params.name, request.params.code, request.body),
      ),
  );
}
