/**
 * The demo market that an empty embedded database starts with. It is not poured into tables: every
 * step goes through the services that a request would reach, on the day it is said to have happened,
 * so that references, search terms, completeness and audit records are what the program makes them.
 * Audit records keep the moment of loading (the log does not lie about when it was written) and the
 * request id `demo-market`.
 */
import { eq, inArray, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Executor } from "../../src/database/connect.ts";
import type { Actor } from "../../src/lib/access.ts";
import { clock, nowInstant } from "../../src/lib/clock.ts";
import { hashPassword, verifyPassword } from "../../src/lib/passwords.ts";
import type { WriteContext } from "../../src/lib/write-context.ts";
import { BrokerCertificateInput } from "../../src/modules/broker-certificates/broker-certificates.schema.ts";
import {
  applyForBrokerCertificate,
  moveBrokerCertificate,
} from "../../src/modules/broker-certificates/broker-certificates.service.ts";
import { reweighStale } from "../../src/modules/matching/matching.service.ts";
import { noteCutAnew } from "../../src/modules/matching/statistics.service.ts";
import { InviteInput } from "../../src/modules/members/members.schema.ts";
import {
  createFirstMember,
  inviteMember,
  redeemMemberLink,
} from "../../src/modules/members/members.service.ts";
import { NeedInput } from "../../src/modules/needs/needs.schema.ts";
import {
  closeNeed,
  createNeed,
  needJobs,
  needVerbs,
  solveNeed,
  updateNeed,
} from "../../src/modules/needs/needs.service.ts";
import {
  OrganizationByOperatorInput,
  OrganizationInput,
} from "../../src/modules/organizations/organizations.schema.ts";
import {
  createOrganization,
  moveOrganization,
  registerOrganization,
} from "../../src/modules/organizations/organizations.service.ts";
import { ResultInput } from "../../src/modules/results/results.schema.ts";
import {
  createResult,
  resultJobs,
  resultVerbs,
  updateResult,
} from "../../src/modules/results/results.service.ts";
import { brokerCertificates } from "../schema/broker-certificates.ts";
import { needs } from "../schema/needs.ts";
import { members, organizations } from "../schema/organizations.ts";
import { results } from "../schema/results.ts";
import { demoCertificates } from "./broker-certificates.ts";
import { dealHistory, officeOpened, openOffice } from "./deal-history.ts";
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
 * Loads the demo market, in one transaction, into a database without organisations; into any other it
 * loads nothing, also when several programs load it at once. Nothing else may run in the process
 * meanwhile: it moves the one clock.
 */
export async function loadDemoMarket(db: Executor): Promise<void> {
  if ((await db.$count(organizations)) > 0) return;
  // One hash for all: the password is public, so a salt for each would protect nobody and only cost
  // the first start some tens of milliseconds an account.
  const passwordHash = await hashPassword(demoPassword);
  await db.transaction(async (tx) => {
    // Whoever comes second waits, however long, and finds organisations.
    await tx.execute(sql`set local lock_timeout = 0`);
    await tx.execute(sql`set local statement_timeout = 0`);
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('grand-market demo'))`);
    if ((await tx.$count(organizations)) === 0) await playHistory(tx, passwordHash);
  });
}

async function playHistory(tx: Executor, passwordHash: string): Promise<void> {
  const { now } = clock;
  const midnight = Math.floor(now().getTime() / millisecondsADay) * millisecondsADay;
  const written: Written = new Map();
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
    await dateBack(tx, written);
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
  contextOf: (key: string) => WriteContext;
  passwordHash: string;
  /** Remembers a row that was written just now. */
  note: (table: PgTable, id: string) => void;
  /** Listings by their title. */
  listings: Map<string, string>;
}

/** The rows that were written, table by table, and when in the story. */
type Written = Map<PgTable, { id: string; at: string }[]>;

/**
 * The database dates new rows itself, so they would all be of the day of loading: this gives them
 * their day of the story. A row of version 1 was never changed, so that was its last change too.
 */
async function dateBack(tx: Executor, written: Written): Promise<void> {
  for (const [table, rows] of written) {
    const [ids, instants] = [rows.map(({ id }) => id), rows.map(({ at }) => at)];
    await tx.execute(sql`
      update ${table} as t set created_at = day.at,
        updated_at = case version when 1 then day.at else updated_at end
      from unnest(${sql.param(ids)}::uuid[], ${sql.param(instants)}::timestamptz[]) as day (row_id, at)
      where t.id = day.row_id`);
  }
}

function organizationHistory(stage: Stage, entry: DemoOrganization): Happening[] {
  const { registered, verified, suspended } = entry;
  const [admin] = entry.people;
  const isPublic = !["operator", "registry"].includes(entry.details.kind);
  const move = (daysAgo: number, action: "verify" | "suspend", reason: string | null) => ({
    daysAgo,
    run: async (tx: Executor) => {
      const { organizationId } = stage.actorOf(admin.key);
      await moveOrganization(tx, stage.contextOf("operator"), organizationId, action, reason);
    },
  });
  const open = isPublic ? registerItself : createByOperator;
  return [
    { daysAgo: registered, run: (tx) => open(stage, tx, entry) },
    ...(isPublic && verified ? [move(verified, "verify", null)] : []),
    ...(suspended ? [move(suspended.daysAgo, "suspend", suspended.reason)] : []),
  ];
}

/** As anybody does who comes to the market: POST /v1/auth/register; colleagues are invited. */
async function registerItself(stage: Stage, tx: Executor, entry: DemoOrganization): Promise<void> {
  const { details } = entry;
  const context = { ...stage.contextOf("operator"), actor: null };
  const organization = await registerOrganization(tx, context, OrganizationInput.parse(details));
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
  context: WriteContext,
  organization: OrganizationRef,
  person: DemoPerson,
): Promise<void> {
  const { passwordHash } = stage;
  const account = { name: person.name, email: emailOf(person), phone: null, passwordHash };
  const member = await createFirstMember(tx, context, organization.id, account);
  remember(stage, organization, person, member.id, true);
}

/** @param admin who invites; null for the operator, who invites the first person of an office */
async function addByInvitation(
  stage: Stage,
  tx: Executor,
  organization: OrganizationRef,
  person: DemoPerson,
  admin: DemoPerson | null,
): Promise<void> {
  const context = stage.contextOf(admin?.key ?? "operator");
  const inviter = stage.actorOf(admin?.key ?? "operator");
  const input = { name: person.name, email: emailOf(person), isAdmin: admin === null };
  const invitation = InviteInput.parse(input);
  const { member, token } = await inviteMember(tx, context, inviter, organization.id, invitation);
  remember(stage, organization, person, member.id, invitation.isAdmin);
  await redeemMemberLink(tx, { ...context, actor: null }, token, stage.passwordHash);
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
    ...standing,
  });
}

function certificateHistory(stage: Stage, entry: DemoCertificate): Happening[] {
  const { person, applied, certified, ...given } = entry;
  let id = "";
  const apply = async (tx: Executor) => {
    const input = BrokerCertificateInput.parse(given);
    const context = stage.contextOf(person);
    ({ id } = await applyForBrokerCertificate(tx, context, stage.actorOf(person), input));
    stage.note(brokerCertificates, id);
  };
  const certify = async (tx: Executor) => {
    const operator = stage.actorOf("operator");
    await moveBrokerCertificate(tx, stage.contextOf("operator"), operator, id, "certify", null);
  };
  return [
    { daysAgo: applied, run: apply },
    ...(certified === undefined ? [] : [{ daysAgo: certified, run: certify }]),
  ];
}

function resultHistory(stage: Stage, entry: DemoResult): Happening[] {
  const draft = async (tx: Executor) => {
    const input = ResultInput.parse(entry.input);
    const context = stage.contextOf(entry.author);
    const { id } = await createResult(tx, context, stage.actorOf(entry.author), input);
    stage.note(results, id);
    stage.listings.set(input.title, id);
    return id;
  };
  return listingHistory(stage, entry, draft, {
    ...resultVerbs,
    update: updateResult,
    expire: expiring(resultJobs),
  });
}

function needHistory(stage: Stage, entry: DemoNeed): Happening[] {
  const draft = async (tx: Executor) => {
    const input = NeedInput.parse(entry.input);
    const context = stage.contextOf(entry.author);
    const { id } = await createNeed(tx, context, stage.actorOf(entry.author), input);
    stage.note(needs, id);
    stage.listings.set(input.title, id);
    return id;
  };
  const verbs = {
    ...needVerbs,
    update: updateNeed,
    solve: solveNeed,
    close: closeNeed,
    expire: expiring(needJobs),
  };
  return listingHistory(stage, entry, draft, verbs);
}

/** Expires what is overdue by the demo's clock, as the job does. */
const expiring =
  ({ takeOverdue, expire }: Pick<typeof resultJobs, "takeOverdue" | "expire">) =>
  async (tx: Executor): Promise<void> =>
    expire(tx, await takeOverdue(tx, { job: "demo", limit: 200, at: nowInstant(), after: null }));

type Verbs = Pick<
  typeof resultVerbs | typeof needVerbs,
  "submit" | "publish" | "withdraw" | "review"
> & {
  update: typeof updateResult | typeof updateNeed;
  expire: (tx: Executor) => Promise<void>;
} & Partial<{
    solve: typeof solveNeed;
    close: typeof closeNeed;
  }>;

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
        return verbs.review(tx, operator, id, step.action, step);
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
  const rows = await db
    .select({
      email: members.email,
      status: members.status,
      passwordHash: members.passwordHash,
      kind: organizations.kind,
    })
    .from(members)
    .innerJoin(organizations, eq(organizations.id, members.organizationId))
    .where(inArray(members.email, emails));
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
