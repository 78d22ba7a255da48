import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { brokerCertificate } from "./broker-certificates.lifecycle.ts";
import {
  BrokerCertificate,
  BrokerCertificateInput,
  ListBrokerCertificatesQuery,
} from "./broker-certificates.schema.ts";
import * as verbs from "./broker-certificates.service.ts";
import {
  applyForBrokerCertificate,
  listBrokerCertificates,
  readBrokerCertificate,
} from "./broker-certificates.service.ts";

const tags = ["brokers"];
const readers = { roles: ["brokerage", "operator"] } as const;

export default async function brokerCertificateRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/broker-certificates",
    {
      config: { access: readers },
      schema: {
        operationId: "listBrokerCertificates",
        summary: "Broker certificates that the caller may see",
        description:
          "A person's own, in every state; for an admin those of the brokerage; for the operator all.",
        tags,
        querystring: ListBrokerCertificatesQuery,
        response: { 200: pageOf(BrokerCertificate) },
      },
    },
    (request) => listBrokerCertificates(db, request.caller, request.query),
  );

  app.post(
    "/v1/broker-certificates",
    {
      config: {
        access: { roles: ["brokerage"], verified: true },
        idempotency: "accepted",
        etag: "version",
        errors: ["broker_certificate.already_applied"],
      },
      schema: {
        operationId: "applyForBrokerCertificate",
        summary: "Apply as a technology broker",
        description:
          "For oneself, with the certificate that an issuer gave. A renewal is a new application. The operator certifies or rejects it.",
        tags,
        body: BrokerCertificateInput,
        response: { 201: BrokerCertificate },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => applyForBrokerCertificate(tx, call, request.body), {
        status: 201,
        location: ({ id }) => `/v1/broker-certificates/${id}`,
      }),
  );

  app.get(
    "/v1/broker-certificates/:id",
    {
      config: { access: readers, etag: "version", errors: ["broker_certificate.not_found"] },
      schema: {
        operationId: "readBrokerCertificate",
        summary: "One broker certificate",
        description: "For its person, an admin of the brokerage and the operator.",
        tags,
        params: IdParams,
        response: { 200: BrokerCertificate },
      },
    },
    (request) => readBrokerCertificate(db, request.caller, request.params.id),
  );

  registerSteps(app, brokerCertificate, verbs);
}
