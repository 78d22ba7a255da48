import type { registrations, StoredFacts } from "../../../db/schema/registrations.ts";
import type { Executor } from "../../database/connect.ts";
import { today } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";
import { compareAmounts } from "../../lib/wire.ts";
import { addDays } from "../../lib/working-days.ts";
import type { Change } from "../../lifecycle/reactions.ts";
import type { Subject } from "../../lifecycle/resource.ts";
import * as store from "./statistics.store.ts";

/** A registered contract as it is counted. */
export interface Counted {
  registrationId: string;
  officeOrganizationId: string;
  origin: "here" | "imported";
  registeredOn: string;
  facts: StoredFacts;
}

/** Money that arrived, as it is counted. */
interface Paid {
  id: string;
  paidOn: string;
  amount: string;
}

/** Size bands by total amount in yuan, lower bound inclusive (domain: report tables). */
export const sizeBands = [
  ["lt_10k", "0"],
  ["10k_100k", "10000"],
  ["100k_1m", "100000"],
  ["1m_10m", "1000000"],
  ["10m_100m", "10000000"],
  ["gte_100m", "100000000"],
] as const;

const sizeBandOf = (amount: string): string =>
  sizeBands.findLast(([, from]) => compareAmounts(amount, from) >= 0)?.[0] ?? "lt_10k";

/** GB/T 2260 of a party in mainland China, else its country. */
const placeOf = ({ regionCode, countryCode }: StoredFacts["seller"]): string =>
  countryCode === "CN" ? (regionCode ?? "") : countryCode;

function toEntry(auditRecordId: string, sign: 1 | -1, counted: Counted): store.VolumeEntry {
  const { facts, registrationId, officeOrganizationId, origin, registeredOn } = counted;
  return {
    id: newId(),
    auditRecordId,
    kind: "contract",
    sign,
    registrationId,
    officeOrganizationId,
    origin,
    registeredOn,
    signedOn: facts.signedOn,
    type: facts.type,
    subtype: facts.subtype,
    field: facts.fieldCode,
    intellectualProperty: facts.intellectualPropertyType,
    planSource: facts.planSourceCode,
    industry: facts.industryCode,
    sellerNature: facts.seller.natureCode,
    buyerNature: facts.buyer.natureCode,
    sellerRegion: placeOf(facts.seller),
    buyerRegion: placeOf(facts.buyer),
    sizeBand: sizeBandOf(facts.totalAmount),
    totalAmount: facts.totalAmount,
    technologyAmount: facts.technologyAmount,
  };
}

/**
 * Counts a registration, or takes it away again, with the change itself.
 * @param auditRecordId the record of the change: its place in the log is the moment of the correction
 */
export const recordVolume = (
  tx: Executor,
  auditRecordId: string,
  changes: readonly { sign: 1 | -1; counted: Counted }[],
): Promise<void> =>
  store.insertEntries(
    tx,
    changes.map(({ sign, counted }) => toEntry(auditRecordId, sign, counted)),
  );

/** Counts payments under a registered contract, or takes them away again. */
export const recordPayments = (
  tx: Executor,
  auditRecordId: string,
  sign: 1 | -1,
  counted: Counted,
  payments: readonly Paid[],
): Promise<void> =>
  store.insertEntries(
    tx,
    payments.map(({ id, paidOn, amount }) => ({
      ...toEntry(auditRecordId, sign, counted),
      kind: "payment" as const,
      paymentId: id,
      paidOn,
      totalAmount: amount,
      technologyAmount: "0.00",
    })),
  );

/** The same for one payment of a contract, if it is registered now; else its registration will count it. */
export async function recordPaymentOf(
  tx: Executor,
  auditRecordId: string,
  contractId: string,
  sign: 1 | -1,
  payment: Paid,
): Promise<void> {
  const registration = await store.selectRegistered(tx, contractId);
  if (!registration) return;
  await recordPayments(tx, auditRecordId, sign, countedOf(registration), [payment]);
}

/**
 * A registration as it is counted.
 * @throws Error for one that never was registered: a bug of the caller
 */
export function countedOf(row: typeof registrations.$inferSelect): Counted {
  if (!row.registeredOn) throw new Error("only what was registered is counted");
  const { id: registrationId, officeOrganizationId, origin, registeredOn, facts } = row;
  return { registrationId, officeOrganizationId, origin, registeredOn, facts };
}

/** A registration, and what was paid under its contract. */
interface Registered extends Subject {
  row: typeof registrations.$inferSelect;
  payments: readonly Paid[];
}

/** A registration comes into the register, changes there, or leaves it: what was counted is counted again. */
export async function recountRegistration(change: Change<Registered>): Promise<void> {
  const { tx, before, after, auditRecordId } = change;
  for (const [sign, one] of [
    [-1, before],
    [1, after],
  ] as const) {
    if (one?.row.status !== "registered") continue;
    const counted = countedOf(one.row);
    await recordVolume(tx, auditRecordId, [{ sign, counted }]);
    await recordPayments(tx, auditRecordId, sign, counted, after.payments);
  }
}

/**
 * Adds what was sealed at these positions of the log to the running sums.
 * @returns whether it changes a quarter that is over, so that a release of it may be due
 */
export async function sumSealed(
  tx: Executor,
  { from, to }: { from: number; to: number },
): Promise<boolean> {
  const month = await store.addToSums(tx, from, to);
  return month !== null && month <= lastClosedDay();
}

/** The last day of the last quarter that is over, in Asia/Shanghai. */
export function lastClosedDay(): string {
  const [year = 0, month = 1] = today().split("-").map(Number);
  const first = Math.floor((month - 1) / 3) * 3 + 1;
  return addDays(`${year}-${String(first).padStart(2, "0")}-01`, -1);
}

/** How many of the running sums differ from what the sealed entries add up to; 0 when all is well. */
export async function countWrongSums(db: Executor): Promise<number> {
  return store.countWrongSums(db, (await sealedState(db)).position);
}

/** How far the log is sealed; the row is there since the migration. */
export async function sealedState(db: Executor) {
  const sealed = await store.selectSealed(db);
  if (!sealed) throw new Error("the sealer has its row since the migration");
  return sealed;
}
