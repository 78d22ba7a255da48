import { contracts } from "../../../db/schema/contracts.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import type { Actor } from "../../lib/access.ts";
import { canonicalJson } from "../../lib/canonical.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError, type Fault } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { nextStatus, transitionRefused } from "../../lib/lifecycle.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import { toMoney } from "../../lib/wire.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { findAcceptedInterest } from "../interests/interests.service.ts";
import {
  hasMatchEnded,
  lockMatchForContract,
  lockMatchOfContract,
} from "../matches/matches.service.ts";
import { assertCodes, broughtIn } from "../taxonomies/taxonomies.service.ts";
import { afterCancellation, afterConfirmation, noPending, say } from "./confirmations.service.ts";
import {
  actionsOf,
  type Loaded,
  lockAs,
  record,
  refusedNow,
  standingOf,
} from "./contracts.access.ts";
import { contractFaults } from "./contracts.completeness.ts";
import {
  codesOf,
  completeParties,
  hashContent,
  type Inside,
  toColumns,
  toContent,
  toPartyRows,
} from "./contracts.content.ts";
import { contractLifecycle } from "./contracts.lifecycle.ts";
import {
  type ConfirmInput,
  type Contract,
  type ContractContent,
  ContractInput,
  type ContractLinks,
  type ContractSummary,
  type ListContractsQuery,
} from "./contracts.schema.ts";
import * as store from "./contracts.store.ts";

/** A contract on the wire, with what its parties have said of this revision. */
export async function toContract(db: Executor, actor: Actor, loaded: Loaded): Promise<Contract> {
  const { row, parties } = loaded;
  const confirmations = await store.selectConfirmations(db, row.id, row.revision);
  const standing = standingOf(actor, loaded);
  // The operator looks after the market: it needs to reach nobody about a contract.
  const insider = actor.role !== "operator";
  const content = toContent(row, parties);
  const open = (party: Contract["sellers"][number]) =>
    insider ? party : { ...party, contact: null, legalRepresentative: null, address: null };
  const named = (side: "sellers" | "buyers") =>
    content[side].map((party) => open({ ...party, name: party.name ?? "" }));
  return {
    ...row,
    ...content,
    confidentiality: row.confidentiality,
    sellers: named("sellers"),
    buyers: named("buyers"),
    paidAmount: { amount: await store.sumPayments(db, row.id), currency: "CNY" },
    confirmations: confirmations.map(({ createdAt, ...said }) => ({ ...said, at: createdAt })),
    pending: pendingOf(row, confirmations),
    allowedActions: actionsOf(loaded, standing, {
      isSaid: confirmations.length > 0,
      isAmended:
        row.status === "effective" && (await store.selectOpenAmendment(db, row.id)) !== undefined,
    }),
  };
}

function pendingOf(
  row: store.ContractRow,
  confirmations: readonly store.ConfirmationRow[],
): Contract["pending"] {
  const action = row.status === "confirming" ? "confirm" : row.pendingAction;
  const [first] = confirmations.filter((said) => said.action === action);
  if (!action || !first) return null;
  const { organizationId, createdAt, revision } = first;
  return { action, by: organizationId, since: createdAt, revision };
}

/** @throws AppError `contract.not_found` (404) for one that the caller may not see */
export async function readContract(db: Executor, actor: Actor, id: string): Promise<Contract> {
  const row = await store.selectContract(db, actor, id);
  if (!row) throw new AppError("contract.not_found");
  return toContract(db, actor, { row, parties: await store.selectParties(db, id) });
}

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
  const codes = codesOf(content);
  await assertCodes(tx, before ? broughtIn(codes, codesOf(before)) : codes);
  const ids = [...content.sellers, ...content.buyers].map((party) => party.organizationId);
  const wanted = ids.filter((id) => id !== null);
  const found = wanted.length > 0 ? await store.selectOrganizations(tx, wanted) : [];
  const inside = new Map(found.map((one) => [one.id, one]));
  return { content: completeParties(content, inside), inside };
}

interface Links extends ContractLinks {
  brokerId: string | null;
  brokerOrganizationId: string | null;
}

const toLinks = ({ matchId, interestId, resultId, needId }: ContractLinks): ContractLinks => ({
  matchId,
  interestId,
  resultId,
  needId,
});

/** A link that does not fit the parties. */
const unfit = (name: string): Fault => bodyFault([name], "link.unfit");

/**
 * Match, interest and listings that a contract names, checked against its parties: when it is drafted,
 * and again whenever either may have changed.
 * @param stored the match that the contract has already: whoever has a part in the contract keeps it
 * @throws AppError `match.not_found` (404), `match.invalid_transition` (409)
 */
async function linksOf(
  tx: Executor,
  actor: Actor,
  input: ContractLinks & Pick<ContractContent, "sellers" | "buyers">,
  stored: string | null,
): Promise<{ links: Links; faults: Fault[] }> {
  const { matchId } = input;
  const match =
    matchId &&
    (matchId === stored
      ? await lockMatchOfContract(tx, matchId)
      : await lockMatchForContract(tx, actor, matchId));
  const links: Links = {
    matchId,
    interestId: input.interestId,
    resultId: match ? match.resultId : input.resultId,
    needId: match ? match.needId : input.needId,
    brokerId: match ? match.brokerId : null,
    brokerOrganizationId: match ? match.brokerOrganizationId : null,
  };
  const faults: Fault[] = [];
  const sellers = new Set(input.sellers.map((party) => party.organizationId));
  const buyers = new Set(input.buyers.map((party) => party.organizationId));
  if (match) {
    const fits = sellers.has(match.resultOrganizationId) && buyers.has(match.needOrganizationId);
    if (!fits) faults.push(unfit("matchId"));
  } else {
    const owners = await store.selectListingOwners(tx, links);
    // A listing that there is not has no owner, and an outside party has no organisation.
    const isOf = (owner: string | null, side: Set<string | null>) =>
      owner !== null && side.has(owner);
    if (links.resultId && !isOf(owners.result, sellers)) faults.push(unfit("resultId"));
    if (links.needId && !isOf(owners.need, buyers)) faults.push(unfit("needId"));
  }
  if (links.interestId) {
    const interest = await findAcceptedInterest(tx, links.interestId);
    const isParty = (id: string) => sellers.has(id) || buyers.has(id);
    const fits =
      interest && isParty(interest.ownerOrganizationId) && isParty(interest.askerOrganizationId);
    if (!fits) faults.push(unfit("interestId"));
  }
  return { links, faults };
}

const invalid = (faults: Fault[]) => new AppError("request.invalid", { faults });

/** Whether an organisation has a part in a content: it is a party, or the brokerage of its match. */
const hasPart = (
  organizationId: string,
  { sellers, buyers }: Pick<ContractContent, "sellers" | "buyers">,
  { brokerOrganizationId }: Links,
): boolean =>
  brokerOrganizationId === organizationId ||
  [...sellers, ...buyers].some((party) => party.organizationId === organizationId);

/**
 * Drafts a contract, as one of its parties or as the broker of its match.
 * @throws AppError `request.invalid` (400), `contract.not_owner` (403) for somebody without a part in it,
 *   `contract.state_secret`, `contract.match_has_contract` (409)
 */
export async function createContract(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  input: ContractInput,
): Promise<Contract> {
  const { matchId: _, interestId: __, resultId: ___, needId: ____, ...given } = input;
  const { content } = await prepareContent(tx, given, null);
  const { links, faults } = await linksOf(tx, actor, input, null);
  if (faults.length > 0) throw invalid(faults);
  const isParty = [...content.sellers, ...content.buyers].some(
    (party) => party.organizationId === actor.organizationId,
  );
  if (!isParty && links.brokerId !== actor.id) throw new AppError("contract.not_owner");
  const [row] = await tx
    .insert(contracts)
    .values({
      ...toColumns(content),
      ...links,
      id: newId(),
      organizationId: actor.organizationId,
      createdBy: actor.kind === "member" ? actor.id : null,
    })
    .returning();
  if (!row) throw new Error("insert returned no row");
  await store.replaceParties(tx, row.id, toPartyRows(row.id, content));
  const after = { row, parties: await store.selectParties(tx, row.id) };
  await record(tx, context, "create", null, after);
  return toContract(tx, actor, after);
}

/**
 * Changes a draft, or a contract that waits for its parties: what they have confirmed is void then, and
 * it is a draft again with the next revision.
 * @throws AppError `contract.invalid_transition` (409) once it is effective: then it is amended;
 *   `contract.not_owner` (403) when the caller, or whoever drafted it, would have no part in it
 */
export async function updateContract(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  patch: Record<string, unknown>,
): Promise<Contract> {
  const before = await lockAs(tx, context, actor, id, ["owner", "party"]);
  const { status } = before.row;
  if (status !== "draft" && status !== "confirming") {
    throw transitionRefused(contractLifecycle, status, "party");
  }
  const current = toContent(before.row, before.parties);
  const whole = { ...current, ...toLinks(before.row) };
  const input = parsePatched(ContractInput, whole, patch);
  const { matchId: _, interestId: __, resultId: ___, needId: ____, ...patched } = input;
  const { content } = await prepareContent(tx, patched, current);
  const { links, faults } = await linksOf(tx, actor, input, before.row.matchId);
  if (faults.length > 0) throw invalid(faults);
  if (!hasPart(actor.organizationId, content, links)) throw new AppError("contract.not_owner");
  const drafter = hasPart(before.row.organizationId, content, links)
    ? {}
    : await takeOver(tx, actor, before.row, links);
  const reopened = status === "confirming" ? await reopen(tx, before) : {};
  const columns = { ...toColumns(content), ...links, ...drafter };
  const row = await updateRow(tx, contracts, before.row, { ...columns, ...reopened });
  await store.replaceParties(tx, id, toPartyRows(id, content));
  const after = { row, parties: await store.selectParties(tx, id) };
  await record(tx, context, "update", before, after);
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
async function reopen(tx: Executor, { row }: Loaded) {
  await store.voidConfirmations(tx, row.id, "confirm", row.revision);
  const status = "draft" as const;
  return { status, revision: row.revision + 1, contentSha256: null, submittedAt: null };
}

/** The content of a draft as it would be put up, and what it lacks; its links may have moved meanwhile. */
async function assess(tx: Executor, actor: Actor, { row, parties }: Loaded) {
  const current = toContent(row, parties);
  const { content, inside } = await prepareContent(tx, current, current);
  const universities = [...inside.values()].filter((own) => own.kind === "university");
  const { links, faults } = await linksOf(tx, actor, { ...row, ...content }, row.matchId);
  if (!hasPart(row.organizationId, content, links)) throw new AppError("contract.not_owner");
  faults.push(...contractFaults(content, new Set(universities.map((own) => own.id))));
  const files = await store.selectContentFiles(tx, row.id);
  const hashed = hashContent(content, { ...row, ...links }, files);
  return { faults, hashed, links, whole: content };
}

/**
 * Puts a draft up for its parties to confirm.
 * @throws AppError `contract.incomplete` (409) with a pointer to everything that is missing,
 *   `match.invalid_transition` (409) when the match that it comes of has ended
 */
export async function submitContract(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
): Promise<Contract> {
  const before = await lockAs(tx, context, actor, id, ["owner"]);
  const status = nextStatus(contractLifecycle, before.row.status, "submit", "owner");
  const { faults, hashed, links, whole } = await assess(tx, actor, before);
  if (faults.length > 0) throw new AppError("contract.incomplete", { faults });
  const { contentSha256, content } = hashed;
  const { revision } = before.row;
  await store.insertRevision(tx, { id: newId(), contractId: id, revision, content, contentSha256 });
  const changes = { ...links, status, contentSha256, submittedAt: nowInstant() };
  const row = await updateRow(tx, contracts, before.row, changes);
  // What the market knows of the parties may be newer than the draft.
  await store.replaceParties(tx, id, toPartyRows(id, whole));
  const after = { row, parties: await store.selectParties(tx, id) };
  await record(tx, context, "submit", before, after);
  return toContract(tx, actor, after);
}

/** The party that the caller speaks for. */
export function partyOf({ parties }: Loaded, actor: Actor): store.PartyRow {
  const own = parties.find((party) => party.organizationId === actor.organizationId);
  if (!own) throw new AppError("contract.not_owner");
  return own;
}

/**
 * A party confirms the revision that it has read; with the last one the contract is effective.
 * @throws AppError `contract.revision_changed`, `contract.already_confirmed`,
 *   `contract.invalid_transition` (409), `contract.not_owner` (403)
 */
export async function confirmContract(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  input: ConfirmInput,
): Promise<Contract> {
  const before = await lockAs(tx, context, actor, id, ["party"]);
  nextStatus(contractLifecycle, before.row.status, "confirm", "party");
  const { revision, contentSha256 } = before.row;
  if (input.revision !== revision || input.contentSha256 !== contentSha256) {
    throw new AppError("contract.revision_changed");
  }
  const { side, position } = partyOf(before, actor);
  await say(tx, before, "confirm", { side, position, by: actor, attachmentId: null });
  return toContract(tx, actor, await afterConfirmation(tx, context, before));
}

/**
 * A party sends the contract back to be changed; what was confirmed is void.
 * @throws AppError `contract.invalid_transition` (409), `contract.not_owner` (403)
 */
export async function returnContract(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  reason: string,
): Promise<Contract> {
  const before = await lockAs(tx, context, actor, id, ["party"]);
  nextStatus(contractLifecycle, before.row.status, "return", "party");
  const changes = await reopen(tx, before);
  const after = { ...before, row: await updateRow(tx, contracts, before.row, changes) };
  await record(tx, context, "return", before, after, reason);
  return toContract(tx, actor, after);
}

/**
 * A party ends what several have to do and not all have done: the confirming of a revision, or the
 * cancelling of a contract in force.
 * @throws AppError `contract.invalid_transition` (409) when nothing is pending
 */
export async function retractContract(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
): Promise<Contract> {
  const before = await lockAs(tx, context, actor, id, ["party"]);
  const { row } = before;
  nextStatus(contractLifecycle, row.status, "retract", "party");
  const action = row.status === "confirming" ? "confirm" : row.pendingAction;
  const voided = action ? await store.voidConfirmations(tx, id, action, row.revision) : null;
  if (!voided?.rowCount) {
    const isAmended = (await store.selectOpenAmendment(tx, id)) !== undefined;
    throw refusedNow(before, actor, { isSaid: false, isAmended });
  }
  const after = { ...before, row: await updateRow(tx, contracts, row, noPending) };
  await record(tx, context, "retract", before, after);
  return toContract(tx, actor, after);
}

/**
 * A party cancels: alone before the contract is effective; afterwards all must say so, and a registered
 * one then waits for its office.
 * @throws AppError `contract.invalid_transition`, `contract.already_confirmed` (409)
 */
export async function cancelContract(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  reason: string,
): Promise<Contract> {
  const before = await lockAs(tx, context, actor, id, ["party"]);
  const { row } = before;
  const status = nextStatus(contractLifecycle, row.status, "cancel", "party");
  if (row.status === "draft" || row.status === "confirming") {
    const changes = { status, cancelledAt: nowInstant() };
    const after = { ...before, row: await updateRow(tx, contracts, row, changes) };
    await record(tx, context, "cancel", before, after, reason);
    return toContract(tx, actor, after);
  }
  if (row.cancellationAgreedAt) throw new AppError("contract.already_confirmed");
  const { side, position } = partyOf(before, actor);
  await say(tx, before, "cancel", { side, position, by: actor, attachmentId: null });
  const begun = row.pendingAction
    ? row
    : await updateRow(tx, contracts, row, {
        pendingAction: "cancel",
        pendingBy: actor.id,
        pendingSince: nowInstant(),
        pendingReason: reason,
      });
  const after = await afterCancellation(tx, context, { ...before, row: begun }, before, reason);
  return toContract(tx, actor, after);
}
