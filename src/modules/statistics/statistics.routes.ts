import type { App } from "../../plugins/contract.ts";
import { definitions } from "./statistics.definitions.ts";
import { ContractVolume, ContractVolumeQuery, Definitions } from "./statistics.schema.ts";
import { readContractVolume } from "./volume.service.ts";

const tags = ["statistics"];

export default async function statisticsRoutes(app: App) {
  app.get(
    "/v1/statistics/contract-volume",
    {
      config: {
        access: { public: true, scope: "statistics:read" },
        errors: ["statistics.public_view", "statistics.as_of_unsealed"],
      },
      schema: {
        operationId: "readContractVolume",
        summary: "Contract volume 技术合同成交额",
        description:
          "Registered contracts by period and any of the dimensions. Registries and the operator see all of it; everybody else the public view: one dimension (no sub-types) by year or quarter, up to the last whole quarter. It holds a quarter as it was released when it ended (`releasedAt`); corrections come in releases of at least three contracts, or once a year. What has fewer than three sellers or three buyers, or one of them with more than 85 %, is hidden.",
        tags,
        querystring: ContractVolumeQuery,
        response: { 200: ContractVolume },
      },
    },
    (request) => readContractVolume(app.database.db, request.actor, request.query),
  );

  app.get(
    "/v1/statistics/definitions",
    {
      config: { access: { public: true }, etag: "hash", cacheSeconds: 300, sameForAll: true },
      schema: {
        operationId: "listDefinitions",
        summary: "What the figures mean",
        description: "Figures, date bases, flows and size bands, in Chinese and English.",
        tags,
        response: { 200: Definitions },
      },
    },
    async () => ({ data: [...definitions] }),
  );
}
