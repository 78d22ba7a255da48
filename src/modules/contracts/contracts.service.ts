import { contracts } from "../../../db/schema/contracts.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow } from "../../database/rows.ts";
import type { Actor } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { canonicalJson } from "../../lib/canonical.ts";
import { AppError, type Fault } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import { toMoney } from "../../lib/wire.ts";
import { hasMatchEnded } from "../matches/matches.service.ts";
import { assertCodes, broughtIn, codesIn } from "../taxonomies/taxonomies.service.ts";
import { ContractContent } from "./content.schema.ts";
import { dealOf, deals, findDeal, toContract } from "./contracts.access.ts";
import {
  completeParties,
  type Inside,
  toColumns,
  toContent,
  toPartyRows,
} from "./contracts.content.ts";
import { contract, type Deal } from "./contracts.lifecycle.ts";
import {
  type Contract,
  ContractInput,
  type ContractSummary,
  type ListContractsQuery,
} from "./contracts.schema.ts";
import * as store from "./contracts.store.ts";
import { hasPart, type Links, linksOf, toLinks } from "./links.service.ts";

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
  const rows = await store.selectContracts(db, actor, query, readCursor(list, query));
  const page = toPage(
    list,
    query,
    rows,
    () => "",
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
  const ids = [...content.sellers, ...content.buyers].map((party) => party.organizationId);
  const wanted = ids.filter((id) => id !== null);
  const found = wanted.length > 0 ? await store.selectOrganizations(tx, wanted) : [];
  const inside = new Map(found.map((one) => [one.id, one]));
  return { content: completeParties(content, inside), inside };
}

const invalid = (faults: Fault[]) => new AppError("request.invalid", { faults });

/**
 * Drafts a contract, as one of its parties or as the broker of its match.
 * @throws AppError `request.invalid` (400), `contract.not_owner` (403) for somebody without a part in it,
 *   `contract.state_secret`, `contract.match_has_contract` (409)
 */
export async function createContract(
  tx: Executor,
  call: Call,
  input: ContractInput,
): Promise<Contract> {
  const { actor } = call;
  const { matchId: _, interestId: __, resultId: ___, needId: ____, ...given } = input;
  const { content } = await prepareContent(tx, given, null);
  const isParty = [...content.sellers, ...content.buyers].some(
    (party) => party.organizationId === actor.organizationId,
  );
  // Before anything that others' listings decide.
  if (!isParty && input.matchId === null) throw new AppError("contract.not_owner");
  const { links, faults } = await linksOf(tx, actor, input, null);
  if (!isParty && links.brokerId !== actor.id) throw new AppError("contract.not_owner");
  if (faults.length > 0) throw invalid(faults);
  const row = await insertRow(tx, contracts, {
    ...toColumns(content),
    ...links,
    id: newId(),
    organizationId: actor.organizationId,
    createdBy: actor.kind === "member" ? actor.id : null,
  });
  await store.replaceParties(tx, row.id, toPartyRows(row.id, content));
  const deal = await dealOf(tx, row);
  await deals.made(tx, call, deal);
  return toContract(tx, actor, deal);
}

/**
 * Changes a draft, or a contract that waits for its parties: what they have confirmed is void then, and
 * it is a draft again with the next revision.
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
  const { before } = await deals.lockAs(tx, call, id, ["owner", "party"]);
  const { status } = before.row;
  if (status !== "draft" && status !== "confirming") throw contract.refused(before, actor);
  const current = toContent(before.row, before.parties);
  const whole = { ...current, ...toLinks(before.row) };
  const input = parsePatched(ContractInput, whole, patch);
  const { matchId: _, interestId: __, resultId: ___, needId: ____, ...patched } = input;
  const { content } = await prepareContent(tx, patched, current);
  const { links, faults } = await linksOf(tx, actor, input, before.row);
  if (!hasPart(actor.organizationId, content, links)) throw new AppError("contract.not_owner");
  if (faults.length > 0) throw invalid(faults);
  const drafter = hasPart(before.row.organizationId, content, links)
    ? {}
    : await takeOver(tx, actor, before.row, links);
  const reopened =
    status === "confirming" ? { status: "draft" as const, ...(await reopen(tx, before)) } : {};
  await store.replaceParties(tx, id, toPartyRows(id, content));
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
    throw new AppError("contract.not_owner");
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
