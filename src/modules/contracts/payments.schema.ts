import { z } from "zod";
import { fault } from "../../lib/faults.ts";
import {
  civilDate,
  compareAmounts,
  externalIdFilter,
  externalIdOrNull,
  instant,
  Money,
  textOrNull,
  uuid,
} from "../../lib/wire.ts";
import { money } from "./content.schema.ts";

const text = z.string().nullable();

export const PaymentInput = z
  .strictObject({
    paidOn: civilDate.describe(
      "The day on which the money arrived; not in the future, nor before the contract was signed.",
    ),
    amount: Money.refine(({ amount }) => compareAmounts(amount, "0") > 0, fault("amount.positive")),
    voucherNumber: textOrNull(60),
    invoiceNumber: textOrNull(60),
    note: textOrNull(500),
    externalId: externalIdOrNull,
  })
  .meta({
    id: "PaymentInput",
    examples: [
      {
        paidOn: "2026-03-20",
        amount: { amount: "200000.00", currency: "CNY" },
        voucherNumber: "2026-0417",
      },
    ],
  });
export type PaymentInput = z.output<typeof PaymentInput>;

export const Payment = z
  .object({
    id: uuid,
    contractId: uuid,
    paidOn: z.string(),
    amount: money,
    voucherNumber: text,
    invoiceNumber: text,
    note: text,
    externalId: text
      .optional()
      .describe("What the organization that entered it calls it; only to that one."),
    organizationId: uuid.describe("Who entered it."),
    voidedAt: instant.nullable(),
    voidReason: text,
    version: z.int(),
    createdAt: instant,
  })
  .meta({ id: "Payment" });
export type Payment = z.output<typeof Payment>;

export const ListPaymentsQuery = z.strictObject({ externalId: externalIdFilter });
export type ListPaymentsQuery = z.output<typeof ListPaymentsQuery>;
