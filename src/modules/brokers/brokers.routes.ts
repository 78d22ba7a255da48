import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import { Broker, ListBrokersQuery } from "./brokers.schema.ts";
import { listBrokers, readBroker } from "./brokers.service.ts";

const tags = ["brokers"];

export default async function brokerRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/brokers",
    {
      config: { access: { public: true }, cacheSeconds: 30, sameForAll: true },
      schema: {
        operationId: "listBrokers",
        summary: "The directory of technology brokers",
        description:
          "People with a valid certificate, active in a verified brokerage; with `q` by name and field. Without their contact.",
        tags,
        querystring: ListBrokersQuery,
        response: { 200: pageOf(Broker) },
      },
    },
    (request) => listBrokers(db, request.query),
  );

  app.get(
    "/v1/brokers/:id",
    {
      config: {
        access: { public: true },
        // Made of a person, a certificate and an organization: no one version counts its changes.
        etag: "hash",
        cacheSeconds: 30,
        sameForAll: true,
        errors: ["broker.not_found"],
      },
      schema: {
        operationId: "readBroker",
        summary: "One technology broker",
        description: "By the person's id. Somebody who is no broker today is not found.",
        tags,
        params: IdParams,
        response: { 200: Broker },
      },
    },
    (request) => readBroker(db, request.params.id),
  );
}
