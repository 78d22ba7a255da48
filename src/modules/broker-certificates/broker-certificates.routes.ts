import { pageOf } from "../../lib/pagination.ts";
import { IdParams, ReasonInput } from "../../lib/wire.ts";
import { actorOf } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import {
  BrokerCertificate,
  BrokerCertificateInput,
  ListBrokerCertificatesQuery,
} from "./broker-certificates.schema.ts";
import {
  applyForBrokerCertificate,
  listBrokerCertificates,
  moveBrokerCertificate,
  readBrokerCertificate,
} from "./broker-certificates.service.ts";

const tags = ["brokers"];
const readers = { roles: ["brokerage", "operator"] } as const;
const operator = { roles: ["operator"] } as const;
const step = { idempotency: "accepted", ifMatch: "honoured", etag: "version" } as const;
const refusals = ["broker_certificate.not_found", "broker_certificate.invalid_transition"] as const;

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
    (request) => listBrokerCertificates(db, actorOf(request), request.query),
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
      write(
        request,
        reply,
        (tx, context) => applyForBrokerCertificate(tx, context, actorOf(request), request.body),
        { status: 201, location: ({ id }) => `/v1/broker-certificates/${id}` },
      ),
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
    (request) => readBrokerCertificate(db, actorOf(request), request.params.id),
  );

  app.post(
    "/v1/broker-certificates/:id/withdraw",
    {
      config: {
        ...step,
        access: { roles: ["brokerage"] },
        errors: [...refusals, "broker_certificate.not_owner"],
      },
      schema: {
        operationId: "withdrawBrokerCertificate",
        summary: "Withdraw one's own application",
        description: "While the operator has not decided; afterwards a new one may be made.",
        tags,
        params: IdParams,
        response: { 200: BrokerCertificate },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        moveBrokerCertificate(tx, context, actorOf(request), request.params.id, "withdraw", null),
      ),
  );

  const moves = {
    certify: {
      summary: "Certify an applicant as a broker",
      description:
        "From now on in the directory `/v1/brokers`. An earlier certificate of the person, or of this number, is marked expired if its last day has passed; else it stands in the way.",
      errors: ["broker_certificate.already_in_force", "broker_certificate.validity_passed"],
    },
    reinstate: {
      summary: "Reinstate a suspended certificate",
      description: "Unless its last day has passed meanwhile.",
      errors: ["broker_certificate.validity_passed"],
    },
  } as const;
  for (const action of ["certify", "reinstate"] as const) {
    const { errors, ...words } = moves[action];
    app.post(
      `/v1/broker-certificates/:id/${action}`,
      {
        config: { ...step, access: operator, errors: [...refusals, ...errors] },
        schema: {
          operationId: `${action}BrokerCertificate`,
          ...words,
          tags,
          params: IdParams,
          response: { 200: BrokerCertificate },
        },
      },
      (request, reply) =>
        write(request, reply, (tx, context) =>
          moveBrokerCertificate(tx, context, actorOf(request), request.params.id, action, null),
        ),
    );
  }

  const reasoned = {
    reject: ["Reject an application", "The person reads the reason and may apply again."],
    suspend: ["Suspend a certificate", "The broker leaves the directory until reinstated."],
    revoke: ["Revoke a certificate", "For good; the person may apply with another one."],
  } as const;
  for (const action of ["reject", "suspend", "revoke"] as const) {
    app.post(
      `/v1/broker-certificates/:id/${action}`,
      {
        config: { ...step, access: operator, errors: refusals },
        schema: {
          operationId: `${action}BrokerCertificate`,
          summary: reasoned[action][0],
          description: reasoned[action][1],
          tags,
          params: IdParams,
          body: ReasonInput,
          response: { 200: BrokerCertificate },
        },
      },
      (request, reply) =>
        write(request, reply, (tx, context) =>
          moveBrokerCertificate(
            tx,
            context,
            actorOf(request),
            request.params.id,
            action,
            request.body.reason,
          ),
        ),
    );
  }
}
