import { z } from "zod";
import { IdParams, ReasonInput, uuid } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { ListPaymentsQuery, Payment, PaymentInput } from "./payments.schema.ts";
import { listPayments, recordPayment, voidPayment } from "./payments.service.ts";

const tags = ["contracts"];
const parties = ["university", "enterprise", "brokerage"] as const;

export default async function paymentRoutes(app: App) {
  app.get(
    "/v1/contracts/:id/payments",
    {
      config: { access: { scope: "contracts:read" }, errors: ["contract.not_found"] },
      schema: {
        operationId: "listPayments",
        summary: "Payments received under a contract",
        description: "By day, voided ones too.",
        tags,
        params: IdParams,
        querystring: ListPaymentsQuery,
        response: { 200: z.object({ data: z.array(Payment) }) },
      },
    },
    ({ caller, params, query }) => listPayments(app.database.db, caller, params.id, query),
  );

  app.post(
    "/v1/contracts/:id/payments",
    {
      config: {
        access: { roles: parties, scope: "contracts:write", verified: true },
        idempotency: "accepted",
        ifMatch: "honoured",
        errors: [
          "contract.not_found",
          "contract.not_owner",
          "contract.not_in_force",
          "payment.voucher_taken",
          "payment.external_id_taken",
        ],
      },
      schema: {
        operationId: "recordPayment",
        summary: "Record a payment",
        description: "Money that has arrived, not what was agreed. By a party, or its own system.",
        tags,
        params: IdParams,
        body: PaymentInput,
        response: { 201: Payment },
      },
    },
    (request, reply) =>
      write(
        request,
        reply,
        (tx, call) => recordPayment(tx, call, request.params.id, request.body),
        { status: 201, location: ({ contractId }) => `/v1/contracts/${contractId}/payments` },
      ),
  );

  app.post(
    "/v1/contracts/:id/payments/:paymentId/void",
    {
      config: {
        access: { roles: parties, verified: true },
        idempotency: "accepted",
        errors: [
          "contract.not_found",
          "contract.not_owner",
          "payment.not_found",
          "payment.invalid_transition",
        ],
      },
      schema: {
        operationId: "voidPayment",
        summary: "Void a wrong entry",
        description: "It leaves the figures and stays to be read.",
        tags,
        params: z.strictObject({ id: uuid, paymentId: uuid }),
        body: ReasonInput,
        response: { 200: Payment },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => {
        const { id, paymentId } = request.params;
        return voidPayment(tx, call, id, paymentId, request.body.reason);
      }),
  );
}
