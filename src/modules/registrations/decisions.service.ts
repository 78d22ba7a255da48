/** The decision on a case: a number, or a refusal. */
import { nowInstant, today } from "../../lib/clock.ts";
import { random } from "../../lib/ids.ts";
import { paymentsOf } from "../contracts/filing.service.ts";
import { cases } from "./registrations.access.ts";
import * as store from "./registrations.store.ts";

/** Year, office and serial: sixteen digits, gap-free for each office and year. */
const numberOf = (year: number, officeCode: string, serial: number): string =>
  `${year}${officeCode}${String(serial).padStart(6, "0")}`;

/** 72 random bits, short enough to type. */
const newCheckCode = (): string => random.bytes(9).toString("base64url");

/** The second reviewer registers the contract: it gets its number, is counted, and appears in the feed. */
export const registerContract = cases.handle("registerContract", async ({ tx, actor, before }) => {
  const { row, contract } = before;
  const registeredOn = today();
  const numberYear = Number(registeredOn.slice(0, 4));
  const [payments, serial] = await Promise.all([
    contract ? paymentsOf(tx, contract.row.id) : [],
    // The last row that others wait for: from here on nothing is waited for but the commit.
    store.nextSerial(tx, row.officeCode, numberYear),
  ]);
  const changes = {
    number: numberOf(numberYear, row.officeCode, serial),
    numberYear,
    serial,
    secondReviewerId: actor.id,
    registeredAt: nowInstant(),
    registeredOn,
    decidedAt: nowInstant(),
    checkCode: newCheckCode(),
  };
  return { changes, facts: { payments } };
});

/** Before acceptance any registrar refuses a case, afterwards the second reviewer. */
export const refuseRegistration = cases.handle(
  "refuseRegistration",
  ({ actor, before, input: { grounds, note } }) => ({
    changes: {
      grounds,
      decisionNote: note,
      decidedAt: nowInstant(),
      secondReviewerId: before.row.status === "accepted" ? actor.id : null,
    },
    reason: note,
  }),
);
