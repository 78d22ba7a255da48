/**
 * The demo market that an empty embedded database starts with. It is not poured into tables: every
 * step goes through the services that a request would reach, on the day it is said to have happened,
 * so that references, search terms, completeness and audit records are what the program makes them.
 * Audit records keep the moment of loading (the log does not lie about when it was written) and the
 * request id `demo-market`.
 */

import type { PgTable } from "drizzle-orm/pg-core";
import { brokerCertificates } from "../../db/schema/broker-certificates.ts";
import { members } from "../../db/schema/members.ts";
import { needs } from "../../db/schema/needs.ts";
import { organizations } from "../../db/schema/organizations.ts";
import { results } from "../../db/schema/results.ts";
import type { Executor } from "../database/connect.ts";
import type { Actor } from "../lib/access.ts";
import type { Call, OpenCall } from "../lib/call.ts";
import { clock, nowInstant } from "../lib/clock.ts";
import { hashPassword, verifyPassword } from "../lib/passwords.ts";
import { setReactions } from "../lifecycle/reactions.ts";
import { BrokerCertificateInput } from "../modules/broker-certificates/broker-certificates.schema.ts";
import {
  applyForBrokerCertificate,
  certifyBrokerCertificate,
} from "../modules/broker-certificates/broker-certificates.service.ts";
import { reweighStale } from "../modules/matching/matching.service.ts";
import { noteCutAnew } from "../modules/matching/term-statistics.service.ts";
import { InviteInput } from "../modules/members/members.schema.ts";
import {
  createFirstMember,
  inviteMember,
  redeemMemberLink,
} from "../modules/members/members.service.ts";
import { NeedInput } from "../modules/needs/needs.schema.ts";
import {
  closeNeed,
  createNeed,
  needJobs,
  publishNeed,
  rejectNeed,
  requestChangesOfNeed,
  solveNeed,
  submitNeed,
  updateNeed,
  withdrawNeed,
} from "../modules/needs/needs.service.ts";
import {
  OrganizationByOperatorInput,
  OrganizationInput,
} from "../modules/organizations/organizations.schema.ts";
import {
  createOrganization,
  registerOrganization,
  suspendOrganization,
  verifyOrganization,
} from "../modules/organizations/organizations.service.ts";
import { ResultInput } from "../modules/results/results.schema.ts";
import {
  createResult,
  publishResult,
  rejectResult,
  requestChangesOfResult,
  resultJobs,
  submitResult,
  updateResult,
  withdrawResult,
} from "../modules/results/results.service.ts";
import { reactions } from "../reactions.ts";
import { demoCertificates } from "./broker-certificates.ts";
import { dealHistory, officeOpened, openOffice } from "./deal-history.ts";
import * as store from "./demo.store.ts";
import { demoNeeds } from "./needs.ts";
import { demoOrganizations } from "./organizations.ts";
import { demoResults } from "./results.ts";
import type {
  Day,
  DemoCertificate,
  DemoNeed,
  DemoOrganization,
  DemoPerson,
  DemoResult,
  ListingStep,
} from "./types.ts";

/** Of every demo account. Everybody knows it: `src/server.ts` lets such a market listen on loopback only. */
const demoPassword = "grand-market-demo";

const emailOf = ({ key }: Pick<DemoPerson, "key">) => `${key}@demo.example`;

const millisecondsADay = 24 * 60 * 60 * 1000;

/** Something that happened so many days before the day of loading. */
export interface Happening {
  daysAgo: number;
  run: (tx: Executor) => Promise<void>;
}

/**
 * Loads the demo market, in one transaction, into a database without organizations; into any other it
 * loads nothing, also when several programs load it at once. Nothing else may run in the process
 * meanwhile: it moves the one clock.
 */
export async function loadDemoMarket(db: Executor): Promise<void> {
  if (await store.hasOrganizations(db)) return;
  // One hash for all: the password is public, so a salt for each would protect nobody and only cost
  // the first start some tens of milliseconds an account.
  const passwordHash = await hashPassword(demoPassword);
  await db.transaction(async (tx) => {
    // A second process waits, however long, and finds organizations.
    await store.waitForTurn(tx);
    if (!(await store.hasOrganizations(tx))) await playHistory(tx, passwordHash);
  });
}

async function playHistory(tx: Executor, passwordHash: string): Promise<void> {
  setReactions(reactions);
  const { now } = clock;
  const midnight = Math.floor(now().getTime() / millisecondsADay) * millisecondsADay;
  const written: store.Written = new Map();
  const note = (table: PgTable, id: string) => {
    written.set(table, [...(written.get(table) ?? []), { id, at: nowInstant() }]);
  };
  const happenings = historyOf(midnight, passwordHash, note);
  try {
    let [day, minutes] = [Number.NaN, 0];
    for (const { daysAgo, run } of happenings) {
      // From nine in the morning in Xinxiang (01:00 UTC), each thing some minutes after the last.
      minutes = daysAgo === day ? minutes + 7 : (daysAgo * 13) % 60;
      day = daysAgo;
      const at = midnight - daysAgo * millisecondsADay + (60 + minutes) * 60_000;
      clock.now = () => new Date(at);
      await run(tx);
    }
    await store.dateBack(tx, written);
    await noteCutAnew(tx);
    await reweighStale(tx);
  } finally {
    clock.now = now;
  }
}

/**
 * Everything that happened on the demo market, in order.
 * @param midnight that the day of loading began with, UTC
 */
function historyOf(midnight: number, passwordHash: string, note: Stage["note"]): Happening[] {
  const day: Day = (offset) =>
    new Date(midnight + offset * millisecondsADay).toISOString().slice(0, 10);
  const people = new Map<string, Actor>();
  const actorOf = (key: string): Actor => {
    const actor = people.get(key);
    if (!actor) throw new Error(`nobody of the demo market is called ${key}`);
    return actor;
  };
  const origin = { requestId: "demo-market", address: null, expected: null };
  const contextOf = (key: string) => ({ ...origin, actor: actorOf(key) });
  const stage: Stage = { people, actorOf, contextOf, passwordHash, note, listings: new Map() };
  const happenings = [
    ...demoOrganizations.flatMap((organization) => organizationHistory(stage, organization)),
    ...demoCertificates(day).flatMap((certificate) => certificateHistory(stage, certificate)),
    ...demoResults(day).flatMap((result) => resultHistory(stage, result)),
    ...demoNeeds(day).flatMap((need) => needHistory(stage, need)),
    { daysAgo: officeOpened, run: (tx: Executor) => openOffice(stage, tx) },
    ...dealHistory(stage, day),
  ];
  // The sort is stable: what happened on one day keeps the order in which it is written down.
  return happenings.sort((a, b) => b.daysAgo - a.daysAgo);
}

/** What all parts of the history share. */
export interface Stage {
  /** Who has an account by now, by key. */
  people: Map<string, Actor>;
  actorOf: (key: string) => Actor;
  contextOf: (key: string) => Call;
  passwordHash: string;
  /** Remembers a row that was written just now. */
  note: (table: PgTable, id: string) => void;
  /** Listings by their title. */
  listings: Map<string, string>;
}

function organizationHistory(stage: Stage, entry: DemoOrganization): Happening[] {
  const { registered, verified, suspended } = entry;
  const [admin] = entry.people;
  const isPublic = !["operator", "registry"].includes(entry.details.kind);
  const byOperator = (
    daysAgo: number,
    take: (tx: Executor, call: Call, id: string) => Promise<unknown>,
  ) => ({
    daysAgo,
    run: async (tx: Executor) => {
      await take(tx, stage.contextOf("operator"), stage.actorOf(admin.key).organizationId);
    },
  });
  const suspend = (reason: string) => (tx: Executor, call: Call, id: string) =>
    suspendOrganization(tx, call, id, { reason });
  const open = isPublic ? registerItself : createByOperator;
  return [
    { daysAgo: registered, run: (tx) => open(stage, tx, entry) },
    ...(isPublic && verified ? [byOperator(verified, verifyOrganization)] : []),
    ...(suspended ? [byOperator(suspended.daysAgo, suspend(suspended.reason))] : []),
  ];
}

/** As anybody does who comes to the market: POST /v1/auth/register; colleagues are invited. */
async function registerItself(stage: Stage, tx: Executor, entry: DemoOrganization): Promise<void> {
  const { details } = entry;
  const context = { ...stage.contextOf("operator"), actor: null };
  const { row: organization } = await registerOrganization(
    tx,
    context,
    OrganizationInput.parse(details),
  );
  stage.note(organizations, organization.id);
  const [admin, ...colleagues] = entry.people;
  await addFirst(stage, tx, context, organization, admin);
  for (const colleague of colleagues)
    await addByInvitation(stage, tx, organization, colleague, admin);
}

/** As the first operator of an installation makes the offices. */
async function createByOperator(
  stage: Stage,
  tx: Executor,
  entry: DemoOrganization,
): Promise<void> {
  const isFirst = entry.details.kind === "operator";
  const nobody = { actor: null, requestId: null, address: null, expected: null };
  const context = isFirst ? nobody : stage.contextOf("operator");
  const details = OrganizationByOperatorInput.parse(entry.details);
  const organization = await createOrganization(tx, context, details);
  stage.note(organizations, organization.id);
  const [admin, ...colleagues] = entry.people;
  if (isFirst) await addFirst(stage, tx, context, organization, admin);
  else await addByInvitation(stage, tx, organization, admin, null);
  for (const colleague of colleagues)
    await addByInvitation(stage, tx, organization, colleague, admin);
}

type OrganizationRef = Pick<typeof organizations.$inferSelect, "id" | "kind">;

async function addFirst(
  stage: Stage,
  tx: Executor,
  call: OpenCall,
  organization: OrganizationRef,
  person: DemoPerson,
): Promise<void> {
  const { passwordHash } = stage;
  const account = { name: person.name, email: emailOf(person), phone: null, passwordHash };
  const member = await createFirstMember(tx, call, organization.id, account);
  remember(stage, organization, person, member.row.id, true);
}

/** @param admin who invites; null for the operator, who invites the first person of an office */
async function addByInvitation(
  stage: Stage,
  tx: Executor,
  organization: OrganizationRef,
  person: DemoPerson,
  admin: DemoPerson | null,
): Promise<void> {
  const invited = { knewPassword: false, factorSince: null, resetBarHours: 0 };
  const call = stage.contextOf(admin?.key ?? "operator");
  const input = { name: person.name, email: emailOf(person), isAdmin: admin === null };
  const invitation = InviteInput.parse(input);
  const { member, token } = await inviteMember(tx, call, organization.id, invitation, false);
  remember(stage, organization, person, member.id, invitation.isAdmin);
  await redeemMemberLink(tx, { ...call, actor: null }, token, stage.passwordHash, invited);
}

function remember(
  { people, note }: Stage,
  { id: organizationId, kind: role }: OrganizationRef,
  { key }: DemoPerson,
  id: string,
  isAdmin: boolean,
): void {
  note(members, id);
  const standing = { role, organizationStatus: "verified", isAdmin } as const;
  people.set(key, {
    kind: "member",
    id,
    sessionId: null,
    organizationId,
    scopes: null,
    barredUntil: null,
    isProved: true,
    ...standing,
  });
}

function certificateHistory(stage: Stage, entry: DemoCertificate): Happening[] {
  const { person, applied, certified, ...given } = entry;
  let id = "";
  const apply = async (tx: Executor) => {
    const input = BrokerCertificateInput.parse(given);
    ({ id } = await applyForBrokerCertificate(tx, stage.contextOf(person), input));
    stage.note(brokerCertificates, id);
  };
  const certify = async (tx: Executor) => {
    await certifyBrokerCertificate(tx, stage.contextOf("operator"), id);
  };
  return [
    { daysAgo: applied, run: apply },
    ...(certified === undefined ? [] : [{ daysAgo: certified, run: certify }]),
  ];
}

function resultHistory(stage: Stage, entry: DemoResult): Happening[] {
  const draft = async (tx: Executor) => {
    const input = ResultInput.parse(entry.input);
    const { id } = await createResult(tx, stage.contextOf(entry.author), input);
    stage.note(results, id);
    stage.listings.set(input.title, id);
    return id;
  };
  return listingHistory(stage, entry, draft, {
    submit: submitResult,
    withdraw: withdrawResult,
    publish: publishResult,
    "request-changes": requestChangesOfResult,
    reject: rejectResult,
    update: updateResult,
    expire: expireDueResults,
  });
}

function needHistory(stage: Stage, entry: DemoNeed): Happening[] {
  const draft = async (tx: Executor) => {
    const input = NeedInput.parse(entry.input);
    const { id } = await createNeed(tx, stage.contextOf(entry.author), input);
    stage.note(needs, id);
    stage.listings.set(input.title, id);
    return id;
  };
  const verbs = {
    submit: submitNeed,
    withdraw: withdrawNeed,
    publish: publishNeed,
    "request-changes": requestChangesOfNeed,
    reject: rejectNeed,
    update: updateNeed,
    solve: solveNeed,
    close: closeNeed,
    expire: expireDueNeeds,
  };
  return listingHistory(stage, entry, draft, verbs);
}

/** What is overdue by the demo's clock, as the job takes it. */
const dueNow = () => ({ job: "demo", limit: 200, at: nowInstant(), after: null });

const expireDueResults = async (tx: Executor) =>
  resultJobs.expire(tx, await resultJobs.takeOverdue(tx, dueNow()));
const expireDueNeeds = async (tx: Executor) =>
  needJobs.expire(tx, await needJobs.takeOverdue(tx, dueNow()));

interface Verbs {
  submit: typeof submitResult | typeof submitNeed;
  withdraw: typeof withdrawResult | typeof withdrawNeed;
  publish: typeof publishResult | typeof publishNeed;
  "request-changes": typeof requestChangesOfResult | typeof requestChangesOfNeed;
  reject: typeof rejectResult | typeof rejectNeed;
  update: typeof updateResult | typeof updateNeed;
  expire: (tx: Executor) => Promise<void>;
  solve?: typeof solveNeed;
  close?: typeof closeNeed;
}

function listingHistory(
  stage: Stage,
  entry: DemoResult | DemoNeed,
  draft: (tx: Executor) => Promise<string>,
  verbs: Verbs,
): Happening[] {
  let id = "";
  const take = async (tx: Executor, step: ListingStep) => {
    const owner = stage.contextOf(entry.author);
    const operator = stage.contextOf("operator");
    switch (step.action) {
      case "submit":
      case "withdraw":
        return verbs[step.action](tx, owner, id);
      case "publish":
        return verbs.publish(tx, operator, id);
      case "request-changes":
      case "reject":
        return verbs[step.action](tx, operator, id, { reason: step.reason, note: step.note });
      case "update":
        return verbs.update(tx, owner, id, step.patch);
      case "expire":
        return verbs.expire(tx);
      case "solve":
        return verbs.solve?.(tx, owner, id, { solvedBy: step.solvedBy, contractId: null });
      case "close":
        return verbs.close?.(tx, owner, id);
    }
  };
  return [
    {
      daysAgo: entry.drafted,
      run: async (tx) => {
        id = await draft(tx);
      },
    },
    ...entry.steps.map((step) => ({
      daysAgo: step.daysAgo,
      run: async (tx: Executor) => {
        await take(tx, step);
      },
    })),
  ];
}

/**
 * The sign-ins of the demo market in this database: those that the known password still opens. On any
 * other database there are none, even when somebody registered under one of these e-mails: a demo
 * market is told by its operator, an account that nobody can register.
 */
export async function demoAccounts(
  db: Executor,
): Promise<{ email: string; password: string; who: string }[]> {
  const known = demoOrganizations.flatMap(({ details, people }) =>
    people.map((person) => ({ ...person, kind: details.kind, email: emailOf(person) })),
  );
  const emails = known.map(({ email }) => email);
  const rows = await store.selectAccounts(db, emails);
  const isDemo = rows.some(
    (row) => row.kind === "operator" && row.email === emailOf({ key: "operator" }),
  );
  if (!isDemo) return [];
  // They share one hash unless a password was changed, so this is one slow check, not one each.
  const opened = new Map<string | null, boolean>();
  for (const { passwordHash } of rows) {
    if (opened.has(passwordHash)) continue;
    opened.set(passwordHash, await verifyPassword(demoPassword, passwordHash));
  }
  return known.flatMap(({ email, who, kind }) => {
    const row = rows.find((r) => r.email === email && r.kind === kind);
    const works = row?.status === "active" && opened.get(row.passwordHash);
    return works ? [{ email, password: demoPassword, who }] : [];
  });
}
