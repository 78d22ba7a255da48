import { contracts } from "../../../db/schema/contracts.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow } from "../../database/rows.ts";
import type { Actor } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { canonicalJson } from "../../lib/canonical.ts";
import { readChangesCursor, toChangesPage } from "../../lib/changes.ts";
import { AppError, type Fault } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { type Page, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import { createOrReplace, type PutCall } from "../../lib/put.ts";
import { toMoney } from "../../lib/wire.ts";
import { hasMatchEnded } from "../matches/matches.service.ts";
import { assertCodes, broughtIn, codesIn } from "../taxonomies/taxonomies.service.ts";
import { ContractContent } from "./content.schema.ts";
import { dealOf, deals, findDeal, toContract } from "./contracts.access.ts";
import {
  completeParties,
  type Inside,
  isSameContent,
  storedConfidentiality,
  toColumns,
  toContent,
  toPartyRows,
} from "./contracts.content.ts";
import { contract, type Deal } from "./contracts.lifecycle.ts";
import {
  type Contract,
  ContractInput,
  type ContractSummary,
  ContractWhole,
  type ListContractsQuery,
} from "./contracts.schema.ts";
import * as store from "./contracts.store.ts";
import { callAnyContract, callContract } from "./external-ids.service.ts";
import { holdExternalId, keepExternalIdsOf, selectExternalId } from "./external-ids.store.ts";
import { areSameLinks, hasPart, type Links, linksOf, toLinks } from "./links.service.ts";
import { originOf, prefill, prefilledParties, wholeOf } from "./prefill.service.ts";

/** @throws AppError `contract.not_found` (404) for one that the caller may not see */
export const readContract = async (db: Executor, actor: Actor, id: string): Promise<Contract> =>
  toContract(db, actor, await findDeal(db, actor, id));

/** Whether the caller may read a contract, and so its files. */
export const isContractReader = async (db: Executor, actor: Actor, id: string): Promise<boolean> =>
  (await store.selectContract(db, actor, id)) !== undefined;

/** The caller's contracts, newest first. */
export async function listContracts(
  db: Executor,
  actor: Actor,
  query: ListContractsQuery,
): Promise<Page<ContractSummary>> {
  const list = `contracts ${actor.organizationId}`;
  const rows = await store.selectContracts(db, actor, query, readChangesCursor(list, query));
  const page = toChangesPage(
    list,
    query,
    rows,
    (row): ContractSummary => ({
      ...row,
      totalAmount: toMoney(row.totalAmount),
      technologyAmount: toMoney(row.technologyAmount),
    }),
  );
  if (query.include) page.total = totalOf(await store.countContracts(db, actor, query));
  return page;
}

/** Each revision that was put up for confirmation, as it was hashed. */
export async function listContractRevisions(db: Executor, actor: Actor, id: string) {
  await readContract(db, actor, id);
  const rows = await store.selectRevisions(db, id);
  return {
    data: rows.map(({ content, ...row }) => ({ ...row, content: canonicalJson(content) })),
  };
}

/** The parties that are organizations of the market. */
const partiesIn = ({ sellers, buyers }: Pick<ContractContent, "sellers" | "buyers">): string[] =>
  [...sellers, ...buyers].flatMap(({ organizationId }) => organizationId ?? []);

/** The content with its parties completed, its codes checked. */
export async function prepareContent(
  tx: Executor,
  content: ContractContent,
  before: ContractContent | null,
): Promise<{ content: ContractContent; inside: ReadonlyMap<string, Inside> }> {
  // First of all: nothing of a state secret is looked up, stored or told.
  toColumns(content);
  const codes = codesIn(ContractContent, content);
  await assertCodes(tx, before ? broughtIn(codes, codesIn(ContractContent, before)) : codes);
  const wanted = partiesIn(content);
  const found = wanted.length > 0 ? await store.selectOrganizations(tx, wanted) : [];
  const inside = new Map(found.map((one) => [one.id, one]));
  return { content: completeParties(content, inside), inside };
}

/** The refusal of who would have no part in it. */
const noPart = () =>
  new AppError("contract.not_owner", {
    detail: {
      en: "The caller's organization would be neither a seller nor a buyer in it, nor the caller the broker of its match.",
      zh: "您的机构既非合同卖方或买方，您也不是该合同所属对接的技术经纪人。",
    },
  });

const invalid = (faults: Fault[]) => new AppError("request.invalid", { faults });

/** What is agreed on, of what is given. */
const givenIn = ({
  externalId: _,
  matchId: __,
  interestId: ___,
  resultId: ____,
  needId: _____,
  ...content
}: ContractWhole): ContractContent => content;

/**
 * Drafts a contract, as one of its parties or as the broker of its match, with what is left out taken
 * from the match or interest that it comes of.
 * @throws AppError `request.invalid` (400), `contract.not_owner` (403) for somebody without a part in it,
 *   `contract.state_secret`, `contract.match_has_contract`, `contract.external_id_taken` (409)
 */
export async function createContract(
  tx: Executor,
  call: Call,
  input: ContractInput,
): Promise<Contract> {
  const { actor } = call;
  // First of all, as in `prepareContent`.
  storedConfidentiality(input);
  await assertCodes(tx, codesIn(ContractInput, input));
  const origin = await originOf(tx, actor, input);
  const { content: filled, links: wanted, prefilled } = prefill(input, origin);
  const isParty = [...filled.sellers, ...filled.buyers].some(
    (party) => party.organizationId === actor.organizationId,
  );
  // Before anything that others' listings decide.
  if (!isParty && input.matchId === null) throw noPart();
  const { title } = filled;
  const { content } = await prepareContent(tx, { ...filled, title: title ?? "" }, null);
  const parties = { sellers: content.sellers, buyers: content.buyers };
  const { links, faults } = await linksOf(
    tx,
    actor,
    { ...wanted, ...parties },
    null,
    origin?.match,
  );
  if (!isParty && links.brokerId !== actor.id) throw noPart();
  if (title === undefined) faults.unshift(bodyFault(["title"], "required"));
  if (faults.length > 0) throw invalid(faults);
  const row = await insertRow(tx, contracts, {
    ...toColumns(content),
    ...links,
    prefilled: [...prefilled, ...prefilledParties(filled, content)],
    id: newId(),
    organizationId: actor.organizationId,
    createdBy: actor.kind === "member" ? actor.id : null,
  });
  await store.replaceParties(tx, row.id, toPartyRows(row.id, content));
  await callContract(tx, call, row.id, input.externalId);
  const deal = await dealOf(tx, row);
  await deals.made(tx, call, deal);
  return toContract(tx, actor, deal);
}

/**
 * Changes a draft, or a contract that waits for its parties: what they have confirmed is void then, and
 * it is a draft again with the next revision. What the caller's organization calls it may change in every state.
 * @throws AppError `contract.invalid_transition` (409) once it is effective: then it is amended;
 *   `contract.not_owner` (403) when the caller, or the one who drafted it, would have no part in it
 */
export async function updateContract(
  tx: Executor,
  call: Call,
  id: string,
  patch: Record<string, unknown>,
): Promise<Contract> {
  const { actor } = call;
  if (Object.keys(patch).join() === "externalId") {
    const row = await callAnyContract(tx, call, id, patch.externalId as string | null);
    return toContract(tx, actor, await dealOf(tx, row));
  }
  const { before } = await deals.lockAs(tx, call, id, ["owner", "party"]);
  assertOpen(before, actor);
  const whole = {
    ...toContent(before.row, before.parties),
    ...toLinks(before.row),
    externalId: await selectExternalId(tx, id, actor.organizationId),
  };
  return revise(tx, call, before, parsePatched(ContractWhole, whole, patch));
}

/**
 * Creates the contract that the caller's organization calls so, or replaces what it holds by the rules of a
 * change; what changes nothing is none, whatever its state.
 * @throws AppError `request.invalid` for an input that names another id, `request.precondition_failed` (412),
 *   else as the two
 */
export const putContract = (
  tx: Executor,
  call: PutCall,
  externalId: string,
  input: ContractInput,
) =>
  createOrReplace(call, externalId, input, {
    find: () => holdExternalId(tx, call.actor.organizationId, externalId, true),
    create: (whole) => createContract(tx, call, whole),
    replace: async (id, given) => {
      const { before } = await deals.lockAs(tx, call, id, ["owner", "party"]);
      // First of all, as in `prepareContent`.
      storedConfidentiality(given);
      const current = toContent(before.row, before.parties);
      const whole = parsePatched(ContractWhole, wholeOf(given, before, current), {});
      const isSame = isSameContent(givenIn(whole), current) && areSameLinks(whole, before.row);
      if (isSame) return toContract(tx, call.actor, before);
      assertOpen(before, call.actor);
      return revise(tx, call, before, whole);
    },
  });

/** @throws AppError `contract.invalid_transition` (409) */
function assertOpen(deal: Deal, actor: Actor): void {
  const { status } = deal.row;
  if (status !== "draft" && status !== "confirming") throw contract.refused(deal, actor);
}

/** What a change makes of a contract that is not in force yet. */
async function revise(
  tx: Executor,
  call: Call,
  before: Deal,
  input: ContractWhole,
): Promise<Contract> {
  const { actor } = call;
  const { id, status } = before.row;
  const current = toContent(before.row, before.parties);
  const { content } = await prepareContent(tx, givenIn(input), current);
  const { links, faults } = await linksOf(tx, actor, input, before.row);
  if (!hasPart(actor.organizationId, content, links)) throw noPart();
  if (faults.length > 0) throw invalid(faults);
  const drafter = hasPart(before.row.organizationId, content, links)
    ? { organizationId: before.row.organizationId }
    : await takeOver(tx, actor, before.row, links);
  const reopened =
    status === "confirming" ? { status: "draft" as const, ...(await reopen(tx, before)) } : {};
  await store.replaceParties(tx, id, toPartyRows(id, content));
  await keepExternalIdsOf(tx, id, [
    ...partiesIn(content),
    drafter.organizationId,
    ...(links.brokerOrganizationId ? [links.brokerOrganizationId] : []),
  ]);
  await callContract(tx, call, id, input.externalId);
  const after = await deals.change(tx, call, before, {
    changes: { ...toColumns(content), ...links, ...drafter, ...reopened },
    facts: { parties: await store.selectParties(tx, id), said: [] },
    isRead: true,
  });
  return toContract(tx, actor, after);
}

/**
 * A broker's part in a contract ends with its match: whoever goes on without it drafts the contract now.
 * @throws AppError `contract.not_owner` (403): nobody else is changed out of what it drafted
 */
async function takeOver(tx: Executor, actor: Actor, row: store.ContractRow, links: Links) {
  const isBrokers = row.organizationId === row.brokerOrganizationId;
  const isLeft = links.matchId === null && row.matchId !== null;
  if (!isBrokers || !isLeft || !(await hasMatchEnded(tx, row.matchId ?? ""))) {
    const detail = {
      en: "Whose draft it is would have no part in it any more.",
      zh: "起草机构将不再是合同的一方。",
    };
    throw new AppError("contract.not_owner", { detail });
  }
  return {
    organizationId: actor.organizationId,
    createdBy: actor.kind === "member" ? actor.id : null,
  };
}

/** Back from confirmation: what was said is void, the next content is another revision. */
export async function reopen(tx: Executor, { row }: Deal) {
  await store.voidConfirmations(tx, row.id, "confirm", row.revision);
  return { revision: row.revision + 1, contentSha256: null, submittedAt: null };
}
