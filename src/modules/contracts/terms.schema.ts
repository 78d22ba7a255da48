/** The parts of what is agreed: rights, money, prices and commissions, as they are written and shown. */
import { z } from "zod";
import { fault } from "../../lib/faults.ts";
import { checkRightNumber, normalizeRight } from "../../lib/rights.ts";
import { civilDate, line, Money, taxonomyCode } from "../../lib/wire.ts";

export const Right = z
  .strictObject({
    typeCode: taxonomyCode("intellectual-property-types"),
    country: z
      .string()
      .regex(/^[A-Z]{2}$/)
      .default("CN"),
    number: line(60).nullable().default(null),
    title: line(200).nullable().default(null),
  })
  .superRefine(checkRightNumber)
  .overwrite(normalizeRight)
  .meta({ id: "ContractRight", description: "Chinese patent numbers by their check digit." });

export const Deduction = z
  .strictObject({
    kind: taxonomyCode("deduction-kinds"),
    amount: Money,
    note: line(200).nullable().default(null),
  })
  .meta({ id: "Deduction", description: "A part of the total that is not technology." });

export const Instalment = z
  .strictObject({
    dueOn: civilDate.nullable().default(null),
    condition: line(300).nullable().default(null),
    amount: Money,
  })
  .refine(
    ({ dueOn, condition }) => (dueOn === null) !== (condition === null),
    fault("instalment.shape"),
  )
  .meta({ id: "Instalment", description: "Due on a day, or once something has happened." });

export const ForeignAmount = z
  .strictObject({
    currency: z
      .string()
      .regex(/^(?!CNY)[A-Z]{3}$/)
      .describe("ISO 4217."),
    amount: Money.shape.amount,
    rate: z
      .string()
      .refine(
        (text) => /^(0|[1-9]\d{0,5})(\.\d{1,8})?$/.test(text) && Number(text) > 0,
        fault("rate.invalid"),
      )
      .describe("Yuan for one unit."),
    rateDate: civilDate.describe("The day of the rate."),
  })
  .meta({ id: "ForeignAmount", description: "From which the total amount was worked out." });

export const Pricing = z
  .strictObject({
    method: taxonomyCode("pricing-methods"),
    notice: z
      .strictObject({ from: civilDate, to: civilDate, reference: line(120) })
      .nullable()
      .default(null)
      .describe("The public notice of a negotiated price, at least 15 days."),
  })
  .meta({ id: "Pricing" });

export const Commission = z
  .strictObject({
    basis: taxonomyCode("commission-bases"),
    rate: z
      .string()
      .regex(/^(100(\.0{1,2})?|\d{1,2}(\.\d{1,2})?)$/)
      .refine((text) => Number(text) > 0, fault("share.invalid"))
      .nullable()
      .default(null)
      .describe("Percent of the basis."),
    fixed: Money.nullable().default(null),
    cap: Money.nullable().default(null),
    payer: taxonomyCode("commission-payers"),
  })
  .refine(
    ({ basis, rate, fixed }) =>
      (basis === "fixed") === (fixed !== null) && (basis === "fixed") === (rate === null),
    fault("commission.shape"),
  )
  .meta({ id: "Commission", description: "What the broker is owed (Civil Code art. 963)." });
