/** The certificate of a registration: what anybody may check, and what its check code opens. */
import { timingSafeEqual } from "node:crypto";
import { contractTypes } from "../../../db/taxonomies/contract-types.ts";
import type { Executor } from "../../database/connect.ts";
import { AppError } from "../../lib/errors.ts";
import type { Certificate } from "./registrations.schema.ts";
import * as store from "./registrations.store.ts";

/** Compares without telling by the time it takes how much of it was right. */
function isSame(given: string, stored: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(stored)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const yuan = (amount: string) => ({ amount, currency: "CNY" });

/**
 * The certificate of a number: with its check code all of it, without only number, office, day and status.
 * @throws AppError `registration.not_found` (404) for a number that was never given
 */
export async function readCertificate(
  db: Executor,
  number: string,
  code: string | undefined,
): Promise<Certificate> {
  const [found] = await store.selectByNumber(db, number);
  const registeredOn = found?.registration.registeredOn;
  if (!found || !registeredOn) throw new AppError("registration.not_found");
  const { registration, officeName } = found;
  const { status, revision, checkCode, facts } = registration;
  const open = { number, officeName, registeredOn, status };
  if (!code || !checkCode || !isSame(code, checkCode)) return open;
  const type = contractTypes.items.find((item) => item.code === facts.type);
  return {
    ...open,
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
