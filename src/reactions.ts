/** What follows elsewhere from a change: the one table that knows both the source and its consumers. */
import { type Change, enters, isIn, leaves, on } from "./lifecycle/reactions.ts";
import type { Subject } from "./lifecycle/resource.ts";
import {
  contract,
  type Deal,
  inForce,
  isBinding,
} from "./modules/contracts/contracts.lifecycle.ts";
import {
  cancelRegistered,
  noteRegistration,
  releaseContract,
  revokeRegistered,
} from "./modules/contracts/filing.service.ts";
import { interest } from "./modules/interests/interests.lifecycle.ts";
import { lapseInterestsOf } from "./modules/interests/interests.service.ts";
import { mailOrganization, mailPasswordChange } from "./modules/mail/mail.service.ts";
import { match } from "./modules/matches/matches.lifecycle.ts";
import {
  concludeMatch,
  failConcludedMatch,
  lapseMatchesOf,
} from "./modules/matches/matches.service.ts";
import { type MemberFound, member } from "./modules/members/members.lifecycle.ts";
import { need } from "./modules/needs/needs.lifecycle.ts";
import { restoreNeedsOf, withdrawNeedsOf } from "./modules/needs/needs.service.ts";
import { organization } from "./modules/organizations/organizations.lifecycle.ts";
import { type Case, registration } from "./modules/registrations/registrations.lifecycle.ts";
import { feedRegistration } from "./modules/registry/registry.service.ts";
import { result } from "./modules/results/results.lifecycle.ts";
import {
  restoreResultsOf,
  transferResult,
  withdrawResultsOf,
} from "./modules/results/results.service.ts";
import { recountRegistration } from "./modules/statistics/statistics.service.ts";
import {
  indexNeed,
  indexResult,
  unindexNeed,
  unindexResult,
} from "./modules/suggestions/index.service.ts";

/** It comes into the register, gets another revision there, or leaves it. */
const changesTheRegister = (before: Case | null, after: Case): boolean => {
  const [was, is] = [before, after].map((one) => one?.row.status === "registered");
  return was !== is || (is === true && before?.row.revision !== after.row.revision);
};

/** A transfer, or an exclusive licence, takes its result off the market while it is in force. */
const holdsResult = (deal: Deal | null): boolean =>
  deal !== null &&
  isBinding(deal.row) &&
  (deal.row.type === "transfer" || deal.row.licenceKind === "exclusive");
const takesItsResultAway = (before: Deal | null, after: Deal) =>
  !holdsResult(before) && holdsResult(after);
const givesItsResultBack = (before: Deal | null, after: Deal) =>
  holdsResult(before) && !holdsResult(after);

/** Open interests in a listing and proposed matches with it lapse. */
const lapseAllOf = (noun: "result" | "need") => ({
  lapseInterests: ({ tx, origin, after }: Change<Subject>) =>
    lapseInterestsOf(tx, origin, { noun, id: after.row.id }),
  lapseMatches: ({ tx, origin, after }: Change<Subject>) =>
    lapseMatchesOf(tx, origin, { noun, id: after.row.id }),
});

export const reactions = [
  on(organization, enters("closed"), {
    withdrawResults: ({ tx, origin, after }) => withdrawResultsOf(tx, origin, after.row.id),
    withdrawNeeds: ({ tx, origin, after }) => withdrawNeedsOf(tx, origin, after.row.id),
  }),
  on(registration, changesTheRegister, { feedRegistration, recountRegistration }),
  on(registration, enters("registered"), { noteRegistration }),
  on(registration, enters("refused", "withdrawn"), { releaseContract }),
  on(registration, enters("cancelled"), { cancelRegistered }),
  on(registration, enters("revoked"), { revokeRegistered }),
  on(contract, enters(...inForce), {
    concludeMatch: async ({ tx, origin, after: { row } }) => {
      if (row.matchId) await concludeMatch(tx, origin, row.matchId);
    },
  }),
  on(contract, takesItsResultAway, {
    transferResult: async ({ tx, origin, after: { row } }) => {
      if (row.resultId) await transferResult(tx, origin, row.resultId, row.id);
    },
  }),
  on(contract, givesItsResultBack, {
    restoreResults: ({ tx, origin, after }) => restoreResultsOf(tx, origin, after.row.id),
  }),
  on(contract, leaves(...inForce), {
    failConcludedMatch: async ({ tx, origin, after: { row } }) => {
      if (row.matchId) await failConcludedMatch(tx, origin, row.matchId);
    },
    restoreNeeds: ({ tx, origin, after }) => restoreNeedsOf(tx, origin, after.row.id),
  }),
  on(result, isIn("published"), { indexResult }),
  on(result, leaves("published"), { unindexResult, ...lapseAllOf("result") }),
  on(need, isIn("published"), { indexNeed }),
  on(need, leaves("published"), { unindexNeed, ...lapseAllOf("need") }),
].flat();

/** Somebody has another password than before. */
const changesPassword = (before: MemberFound | null, after: MemberFound): boolean =>
  before !== null &&
  before.row.passwordHash !== null &&
  before.row.passwordHash !== after.row.passwordHash;

/** Who is written to, where the market has a mail server. */
export const mailReactions = [
  on(member, changesPassword, {
    mailPasswordChange: ({ tx, after }) => mailPasswordChange(tx, after.row),
  }),
  on(interest, enters("open"), {
    mailOwner: ({ tx, after: { row } }) =>
      mailOrganization(tx, "interest_received", [row.ownerOrganizationId], row.id),
  }),
  on(match, enters("proposed"), {
    mailOwners: ({ tx, after: { row } }) => {
      const owners = [row.resultOrganizationId, row.needOrganizationId];
      return mailOrganization(tx, "match_proposed", owners, row.id);
    },
  }),
  on(contract, enters("confirming"), {
    mailParties: ({ tx, after: { row, parties } }) => {
      const organizations = parties.map(({ organizationId }) => organizationId);
      return mailOrganization(tx, "contract_to_confirm", organizations, row.id);
    },
  }),
  on(registration, enters("supplement_requested"), {
    mailApplicant: ({ tx, after: { row } }) =>
      mailOrganization(tx, "supplement_requested", [row.applicantOrganizationId], row.id),
  }),
].flat();
