/** The certificate of a registration: whether a number is in force, and what its check code opens. */
import { timingSafeEqual } from "node:crypto";
import { contractTypes } from "../../../db/taxonomies/contract-types.ts";
import type { Executor } from "../../database/connect.ts";
import type { Certificate } from "./registrations.schema.ts";
import * as store from "./registrations.store.ts";

/** Compares without telling by the time it takes how much of it was right. */
function isSame(given: string, stored: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(stored)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const yuan = (amount: string) => ({ amount, currency: "CNY" });

/**
 * The certificate of a number: with its check code all of it. Without, only whether the number is in force: numbers
 * count up, so that more could be gathered of all of them, and one that ended is told from one that was never
 * given by nothing.
 */
export async function readCertificate(
  db: Executor,
  number: string,
  code: string | undefined,
): Promise<Certificate> {
  const [found] = await store.selectByNumber(db, number);
  const open = { valid: found?.registration.status === "registered" };
  if (!found || !code) return open;
  const { registration, officeName } = found;
  const { status, revision, registeredOn, checkCode, facts } = registration;
  if (!registeredOn || !checkCode || !isSame(code, checkCode)) return open;
  const type = contractTypes.items.find((item) => item.code === facts.type);
  return {
    ...open,
    number,
    officeName,
    registeredOn,
    status,
    revision,
    contractReference: facts.contractReference,
    // The holder of the paper may show it around.
    title: facts.confidentiality === "trade_secret" ? null : facts.title,
    type: facts.type,
    typeName: { zh: type?.zh ?? facts.type, en: type?.en ?? facts.type },
    seller: facts.seller.name,
    buyer: facts.buyer.name,
    signedOn: facts.signedOn,
    totalAmount: yuan(facts.totalAmount),
    technologyAmount: yuan(facts.technologyAmount),
    amountStatus: facts.amountStatus,
  };
}
