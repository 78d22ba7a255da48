/** How the demo market's deals came about, through the services that a request would reach. */

import { contracts } from "../../db/schema/contracts.ts";
import { interests } from "../../db/schema/interests.ts";
import { matches } from "../../db/schema/matches.ts";
import { registrationOffices } from "../../db/schema/registration-offices.ts";
import { registrations } from "../../db/schema/registrations.ts";
import type { Executor } from "../database/connect.ts";
import { today } from "../lib/clock.ts";
import { addDays } from "../lib/working-days.ts";
import { amendContract, confirmAmendment } from "../modules/contracts/amendments.service.ts";
import { ContractInput } from "../modules/contracts/contracts.schema.ts";
import { createContract, readContract } from "../modules/contracts/contracts.service.ts";
import { recordPayment } from "../modules/contracts/payments.service.ts";
import {
  cancelContract,
  confirmContract,
  submitContract,
} from "../modules/contracts/signing.service.ts";
import { InterestInput } from "../modules/interests/interests.schema.ts";
import {
  acceptInterest,
  createInterest,
  declineInterest,
  withdrawInterest,
} from "../modules/interests/interests.service.ts";
import { addMatchNote } from "../modules/matches/matches.notes.ts";
import { proposeMatch } from "../modules/matches/matches.proposals.ts";
import { MatchInput, MatchNoteInput } from "../modules/matches/matches.schema.ts";
import {
  acceptMatch,
  declineMatch,
  failMatch,
  negotiateMatch,
  withdrawMatch,
} from "../modules/matches/matches.service.ts";
import { createRegistrationOffice } from "../modules/registration-offices/registration-offices.service.ts";
import {
  amendRegistration,
  cancelRegistration,
  revokeRegistration,
} from "../modules/registrations/corrections.service.ts";
import {
  refuseRegistration,
  registerContract,
} from "../modules/registrations/decisions.service.ts";
import {
  acceptRegistration,
  beginExpertReview,
  fileContract,
  requestSupplement,
  withdrawRegistration,
} from "../modules/registrations/registrations.service.ts";
import { demoContracts, demoInterests, demoMatches } from "./deals.ts";
import type { Happening, Stage } from "./demo.ts";
import type { ContractStep, Day, DemoContract, DemoInterest, DemoMatch } from "./types.ts";

/** Days before the day of loading on which the registration office opened. */
export const officeOpened = 770;

/** The city's registration office. */
export async function openOffice(stage: Stage, tx: Executor): Promise<void> {
  const { id } = await createRegistrationOffice(tx, stage.contextOf("operator"), {
    organizationId: stage.actorOf("registry").organizationId,
    code: "410701",
    name: "新乡市技术合同登记处（演示）",
    // Parties elsewhere register with their own offices, which are not here; the province stands in.
    regionCodes: ["410000", "110000"],
  });
  stage.note(registrationOffices, id);
}

/** Everything that happened between the parties. */
export function dealHistory(stage: Stage, day: Day): Happening[] {
  const made = new Map<string, string>();
  return [
    ...demoInterests.flatMap((entry) => interestHistory(stage, entry)),
    ...demoMatches.flatMap((entry) => matchHistory(stage, entry, made)),
    ...demoContracts(day).flatMap((entry) => contractHistory(stage, entry, made)),
  ];
}

/** The listing whose title begins so. */
function listingOf({ listings }: Stage, title: string): string {
  for (const [known, id] of listings) if (known.startsWith(title)) return id;
  throw new Error(`no listing of the demo market is called ${title}`);
}

function interestHistory(stage: Stage, entry: DemoInterest): Happening[] {
  const { asker, result, need, message, questions } = entry;
  const title = result ?? need ?? "";
  let id = "";
  const ask = async (tx: Executor) => {
    const listing = { noun: result ? "result" : "need", id: listingOf(stage, title) } as const;
    const input = InterestInput.parse({ message, questions });
    ({ id } = await createInterest(tx, stage.contextOf(asker), listing, input));
    stage.note(interests, id);
  };
  // Every result that is asked about here is the university's or the institute's.
  const owner = title.startsWith("花生") ? "institute" : "university";
  const take = async (tx: Executor, step: DemoInterest["steps"][number]) => {
    const call = stage.contextOf(step.action === "withdraw" ? asker : owner);
    if (step.action === "withdraw") return withdrawInterest(tx, call, id);
    if (step.action === "decline") return declineInterest(tx, call, id, step);
    const answers = questions.map((_, index) => ({ index, answer: step.note }));
    return acceptInterest(tx, call, id, { note: step.note, answers });
  };
  return [{ daysAgo: entry.asked, run: ask }, ...stepsOf(entry.steps, take)];
}

/** Steps as happenings. */
const stepsOf = <S extends { daysAgo: number }>(
  steps: readonly S[],
  take: (tx: Executor, step: S) => Promise<unknown>,
): Happening[] =>
  steps.map((step) => ({
    daysAgo: step.daysAgo,
    run: async (tx) => {
      await take(tx, step);
    },
  }));

function matchHistory(stage: Stage, entry: DemoMatch, made: Map<string, string>): Happening[] {
  const { broker, result, need, proposal } = entry;
  let id = "";
  const propose = async (tx: Executor) => {
    const [resultId, needId] = [listingOf(stage, result), listingOf(stage, need)];
    const input = MatchInput.parse({ resultId, needId, proposal });
    ({ id } = await proposeMatch(tx, stage.contextOf(broker), input));
    stage.note(matches, id);
    made.set(`${result} ${need}`, id);
  };
  const take = async (tx: Executor, step: DemoMatch["steps"][number]) => {
    const call = stage.contextOf("by" in step ? step.by : broker);
    switch (step.action) {
      case "accept":
        return acceptMatch(tx, call, id, { note: null });
      case "decline":
        return declineMatch(tx, call, id, step);
      case "fail":
        return failMatch(tx, call, id, step);
      case "note": {
        const heldAt = `${today()}T01:00:00.000Z`;
        const input = MatchNoteInput.parse({ kind: step.kind, heldAt, text: step.text });
        return addMatchNote(tx, call, id, input);
      }
      case "negotiate":
        return negotiateMatch(tx, call, id);
      case "withdraw":
        return withdrawMatch(tx, call, id);
    }
  };
  return [{ daysAgo: entry.proposed, run: propose }, ...stepsOf(entry.steps, take)];
}

/** What kind of body each seller or buyer is. */
const natures: Readonly<Record<string, string>> = { university: "022", institute: "021" };

function contractHistory(
  stage: Stage,
  entry: DemoContract,
  made: ReadonlyMap<string, string>,
): Happening[] {
  const { seller, buyer, match } = entry;
  const parties = [seller, buyer];
  let id = "";
  let registrationId = "";
  const side = (name: string) => [
    { organizationId: stage.actorOf(name).organizationId, natureCode: natures[name] ?? "150" },
  ];
  const draft = async (tx: Executor) => {
    const input = ContractInput.parse({
      ...entry.content,
      matchId: match ? made.get(match) : null,
      sellers: side(seller),
      buyers: side(buyer),
    });
    ({ id } = await createContract(tx, stage.contextOf(seller), input));
    stage.note(contracts, id);
  };
  const call = stage.contextOf;
  /** All parties in turn. */
  const all = async (say: (who: string) => Promise<unknown>) => {
    for (const who of parties) await say(who);
  };
  /** The two registrars in turn. */
  const both = async (say: (who: string) => Promise<unknown>) => {
    for (const who of ["registry", "registry2"]) await say(who);
  };

  const amend = async (tx: Executor, total: string) => {
    const money = { amount: total, currency: "CNY" };
    const patch = { totalAmount: money, technologyAmount: money, deductions: [] };
    const reason = "双方追加实施内容。";
    const amendment = await amendContract(tx, call(seller), id, { reason, patch });
    await all((who) =>
      confirmAmendment(tx, call(who), { id, amendmentId: amendment.id }, amendment),
    );
    const contractRevision = amendment.revision;
    await amendRegistration(tx, call(seller), registrationId, { contractRevision });
    await both((who) => amendRegistration(tx, call(who), registrationId, {}));
  };

  const take = async (tx: Executor, step: ContractStep): Promise<unknown> => {
    switch (step.action) {
      case "submit":
        return submitContract(tx, call(seller), id);
      case "confirm": {
        const read = await submitted(tx, stage, seller, id);
        return all((who) => confirmContract(tx, call(who), id, read));
      }
      case "cancel": {
        const isDraft = entry.steps.every(({ action }) => action !== "confirm");
        const say = (who: string) =>
          cancelContract(tx, call(who), id, { reason: "双方协商解除。" });
        return isDraft ? say(buyer) : all(say);
      }
      case "file": {
        const filed = await fileContract(tx, call(seller), id);
        registrationId = filed.id;
        return stage.note(registrations, registrationId);
      }
      case "accept":
        return acceptRegistration(tx, call("registry"), registrationId);
      case "request-supplement":
        return requestSupplement(tx, call("registry"), registrationId, {
          note: step.note,
          grounds: ["incomplete_material"],
          deadline: addDays(today(), 20),
        });
      case "expert-review":
        return beginExpertReview(tx, call("registry"), registrationId);
      case "register":
        return registerContract(tx, call("registry2"), registrationId);
      case "refuse": {
        const grounds = ["not_technology_contract"];
        const input = { grounds, note: step.note };
        return refuseRegistration(tx, call("registry2"), registrationId, input);
      }
      case "withdraw":
        return withdrawRegistration(tx, call(seller), registrationId);
      case "cancel-registration":
        await cancelRegistration(tx, call(seller), registrationId, { note: "合同已协议解除。" });
        return cancelRegistration(tx, call("registry"), registrationId, { note: null });
      case "revoke": {
        const input = { ground: "false_material", note: step.note };
        return both((who) => revokeRegistration(tx, call(who), registrationId, input));
      }
      case "pay":
        return recordPayment(tx, call(seller), id, {
          paidOn: today(),
          amount: { amount: step.amount, currency: "CNY" },
          voucherNumber: null,
          invoiceNumber: null,
          note: null,
          externalId: null,
        });
      case "amend":
        return amend(tx, step.total);
    }
  };
  return [{ daysAgo: entry.drafted, run: draft }, ...stepsOf(entry.steps, take)];
}

/** What the parties read before they confirm. */
async function submitted(tx: Executor, stage: Stage, who: string, id: string) {
  const { revision, contentSha256 } = await readContract(tx, stage.actorOf(who), id);
  if (contentSha256 === null) throw new Error("only what was submitted is confirmed");
  return { revision, contentSha256 };
}
