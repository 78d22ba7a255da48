/**
 * Who may call what, asked of every registered route by every kind of caller. The declared access is
 * compared with what the running app answers, and the lists below with what is declared: opening a
 * route to more people is a change that somebody has to write down here.
 */
import { eq, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import t from "tap";
import type { z } from "zod";
import { apiClients } from "../../db/schema/api-clients.ts";
import { attachments } from "../../db/schema/attachments.ts";
import { auditRecords } from "../../db/schema/audit.ts";
import { brokerCertificates } from "../../db/schema/broker-certificates.ts";
import { contracts } from "../../db/schema/contracts.ts";
import { interests } from "../../db/schema/interests.ts";
import { matches } from "../../db/schema/matches.ts";
import { members } from "../../db/schema/members.ts";
import { organizationKinds, organizations } from "../../db/schema/organizations.ts";
import { registrationOffices } from "../../db/schema/registration-offices.ts";
import { registrations } from "../../db/schema/registrations.ts";
import { savedSearches } from "../../db/schema/saved-searches.ts";
import { sessions } from "../../db/schema/sessions.ts";
import type { Role, Scope } from "../../src/lib/access.ts";
import { today } from "../../src/lib/clock.ts";
import { newId } from "../../src/lib/ids.ts";
import type { RegisteredRoute } from "../../src/plugins/contract.ts";
import { scopes } from "../../src/words.ts";
import { effectiveContract } from "../support/contracts.ts";
import { pdf, upload } from "../support/files.ts";
import { listingIn, tableOf } from "../support/listings.ts";
import { type Caller, openMarket } from "../support/market.ts";
import { proposedMatch } from "../support/matches.ts";
import { filedCase, openOffice } from "../support/registrations.ts";
import { must } from "../support/replies.ts";

const market = await openMarket(t);
const operations = market.app.registeredRoutes.filter(
  (route) => route.schema?.operationId && route.method !== "HEAD",
);

const named = (filter: (route: RegisteredRoute) => boolean) =>
  operations
    .filter(filter)
    .map((route) => route.schema?.operationId)
    .sort();

t.test("what is open to everybody", async (t) => {
  t.same(
    named(({ config }) => config.access?.public === true),
    [
      "downloadAttachment",
      "getOpenapiJson",
      "getOpenapiYaml",
      "grantToken",
      "listAttachments",
      "listBrokers",
      "listDefinitions",
      "listNeeds",
      "listOrganizations",
      "listProblems",
      "listRegistrationOffices",
      "listRegistrationRules",
      "listResults",
      "listSynonyms",
      "listTaxonomies",
      "login",
      "readAttachment",
      "readBroker",
      "readCertificate",
      "readContractVolume",
      "readJwks",
      "readLinks",
      "readLiveness",
      "readMetrics",
      "readNeed",
      "readOrganization",
      "readProblem",
      "readReadiness",
      "readRegistrationOffice",
      "readResult",
      "readSecurityContact",
      "readServerMetadata",
      "readSynonym",
      "readTaxonomy",
      "readVersion",
      "redeemLink",
      "refreshSession",
      "register",
    ],
  );
});

t.test("what only the operator may do", async (t) => {
  t.same(
    named(({ config }) => config.access?.roles?.join() === "operator"),
    [
      "certifyBrokerCertificate",
      "closeOrganization",
      "closeRegistrationOffice",
      "createOrganization",
      "createRegistrationOffice",
      "createSynonym",
      "createTaxonomyItem",
      "deleteSynonym",
      "listJobFaults",
      "listSuggestionVerdicts",
      "publishNeed",
      "publishResult",
      "readJobFault",
      "reassignMatch",
      "reinstateBrokerCertificate",
      "reinstateOrganization",
      "rejectBrokerCertificate",
      "rejectNeed",
      "rejectOrganization",
      "rejectResult",
      "requestChangesOfNeed",
      "requestChangesOfResult",
      "retryJobFault",
      "retryJobFaults",
      "revokeBrokerCertificate",
      "suspendBrokerCertificate",
      "suspendOrganization",
      "unlockMember",
      "updateRegistrationOffice",
      "updateRegistrationRules",
      "updateSynonym",
      "updateTaxonomyItem",
      "verifyLog",
      "verifyOrganization",
    ],
  );
});

t.test("what machine clients may do", async (t) => {
  t.same(
    named(({ config }) => config.access?.scope !== undefined && !config.access.public),
    [
      "askAboutNeed",
      "askAboutResult",
      "closeNeed",
      "createAttachment",
      "createContract",
      "createNeed",
      "createNeeds",
      "createResult",
      "createResults",
      "createSavedSearch",
      "deleteAttachment",
      "deleteNeed",
      "deleteResult",
      "deleteSavedSearch",
      "listAmendments",
      "listContractRevisions",
      "listContracts",
      "listEvents",
      "listInterests",
      "listInterestsInNeed",
      "listInterestsInResult",
      "listMatchNotes",
      "listMatches",
      "listMembers",
      "listNewListings",
      "listPayments",
      "listRegistrations",
      "listSavedSearches",
      "lookAtSavedSearch",
      "pullContracts",
      "putContract",
      "putNeed",
      "putResult",
      "readAmendment",
      "readContract",
      "readFeedControl",
      "readInterest",
      "readMatch",
      "readMe",
      "readMember",
      "readRegistration",
      "readSavedSearch",
      "recordPayment",
      "renewNeed",
      "renewNeeds",
      "renewResult",
      "renewResults",
      "signHead",
      "solveNeed",
      "submitNeed",
      "submitNeeds",
      "submitResult",
      "submitResults",
      "suggestForNeed",
      "suggestForResult",
      "updateContract",
      "updateNeed",
      "updateResult",
      "updateSavedSearch",
      "withdrawInterest",
      "withdrawNeed",
      "withdrawNeeds",
      "withdrawResult",
      "withdrawResults",
    ],
  );
});

/** A path of the route about things that do not exist, and a body that says nothing. */
const urlOf = (route: RegisteredRoute) =>
  route.url.replaceAll(/:(id|memberId)\b/g, () => newId()).replaceAll(/:\w+/g, "nothing");

/** The codes with which a caller is turned away at the door, before anything is looked at. */
const atTheDoor =
  /^auth\.(required|invalid_token|forbidden_role|admin_required|person_required|insufficient_scope)$|^organization\.(suspended|not_verified)$/;

async function refusal(caller: Caller | null, route: RegisteredRoute): Promise<string | null> {
  const body = ["POST", "PATCH", "PUT"].includes(route.method) ? {} : undefined;
  const reply = await market.as(caller)(route.method as "GET", urlOf(route), { body });
  const code = String(reply.body?.code ?? "");
  return atTheDoor.test(code) ? code : null;
}

/** What the declared access says should happen to a caller. */
function expected(
  route: RegisteredRoute,
  caller: { role: string; isAdmin: boolean; status: string; scopes: readonly Scope[] | null },
): string | null {
  const { access = {} } = route.config;
  if (access.roles && !access.roles.includes(caller.role as never)) return "auth.forbidden_role";
  if (caller.scopes && !access.scope && !access.public) return "auth.person_required";
  if (caller.scopes && access.scope && !caller.scopes.includes(access.scope))
    return "auth.insufficient_scope";
  if (access.admin && !caller.isAdmin) return "auth.admin_required";
  const reads = route.method === "GET";
  const stopped = caller.status === "suspended" || caller.status === "closed";
  if (stopped && !reads && !access.public && !access.whileSuspended)
    return "organization.suspended";
  if (access.verified && caller.status !== "verified") {
    return stopped ? "organization.suspended" : "organization.not_verified";
  }
  return null;
}

/** One caller for many routes, and one of its own for each that may end sign-ins. */
function sharing(make: () => Promise<Caller>): (route: RegisteredRoute) => Promise<Caller> {
  let shared: Promise<Caller> | undefined;
  return (route) => {
    if (route.config.changesAccess) return make();
    shared ??= make();
    return shared;
  };
}

t.test("anonymous", async (t) => {
  for (const route of operations) {
    const wanted = route.config.access?.public ? null : "auth.required";
    t.equal(await refusal(null, route), wanted, `${route.method} ${route.url}`);
  }
});

for (const role of organizationKinds) {
  for (const isAdmin of [true, false]) {
    t.test(`${isAdmin ? "admin" : "member"} of a verified ${role}`, async (t) => {
      const callerFor = sharing(() => market.person(role, { isAdmin }));
      for (const route of operations) {
        const caller = await callerFor(route);
        const wanted = expected(route, { role, isAdmin, status: "verified", scopes: null });
        t.equal(await refusal(caller, route), wanted, `${route.method} ${route.url}`);
      }
    });
  }
}

for (const status of ["pending", "rejected", "suspended", "closed"] as const) {
  t.test(`admin of an organization that is ${status}`, async (t) => {
    for (const role of ["enterprise", "brokerage", "operator"] as const) {
      const callerFor = sharing(() => market.person(role, { status }));
      for (const route of operations) {
        const caller = await callerFor(route);
        const wanted = expected(route, { role, isAdmin: true, status, scopes: null });
        t.equal(await refusal(caller, route), wanted, `${role}: ${route.method} ${route.url}`);
      }
    }
  });
}

t.test("machine clients with every scope but one, and with all", async (t) => {
  const owner = await market.person("enterprise");
  for (const missing of [null, ...scopes]) {
    const held = scopes.filter((scope) => scope !== missing);
    const caller = await market.client(owner, held);
    for (const route of operations) {
      const wanted = expected(route, {
        role: "enterprise",
        isAdmin: false,
        status: "verified",
        scopes: held,
      });
      t.equal(
        await refusal(caller, route),
        wanted,
        `without ${missing}: ${route.method} ${route.url}`,
      );
    }
  }
});

// Health, version and metrics ask nobody who calls: they answer also while the database is away.
t.test("a token whose sign-in has ended opens nothing, not even what is public", async (t) => {
  const caller = await market.person("enterprise");
  await market.database.db
    .update(sessions)
    .set({ revokedAt: new Date().toISOString(), revokedFor: "sign_out" })
    .where(eq(sessions.memberId, caller.id));
  for (const route of operations.filter(({ config }) => !config.ownAuthorization)) {
    const wanted = route.config.vital ? null : "auth.invalid_token";
    t.equal(await refusal(caller, route), wanted, `${route.method} ${route.url}`);
  }
});

t.test("a token that has expired opens nothing, not even what is public", async (t) => {
  const caller = await market.person("enterprise");
  const claims = market.app.jwt.decode<{ iat: number; exp: number }>(caller.token);
  if (!claims) throw new Error("the token cannot be read");
  /** The same token, had it been signed that many seconds ago; the signer works out its end from then. */
  const aged = (seconds: number): Caller => {
    const again = { ...claims, jti: newId(), iat: claims.iat - seconds };
    return { ...caller, token: market.app.jwt.sign(again) };
  };
  const life = claims.exp - claims.iat;
  const me = await market.as(aged(life - 60))("GET", "/v1/me");
  t.equal(me.status, 200, "in its last minute it is good");
  const expired = aged(life + 1);
  for (const route of operations.filter(({ config }) => !config.ownAuthorization)) {
    const wanted = route.config.vital ? null : "auth.invalid_token";
    t.equal(await refusal(expired, route), wanted, `${route.method} ${route.url}`);
  }
});

/** Something of organization A that an admin of organization B, of the same kind, tries to get at. */
interface Subject {
  name: string;
  /** Where its routes are; `:id` and what follows. */
  routes: RegExp;
  role: Role;
  owner: Caller;
  /** What a caller puts into the path. */
  params: (caller: Caller) => Record<string, string>;
  table: PgTable;
  rowId: string;
  /** Anybody may read it. */
  isPublic?: boolean;
}

async function subjectsOf(): Promise<Subject[]> {
  const operator = await market.person("operator");
  const subjects: Subject[] = [];
  for (const [noun, role] of [
    ["result", "university"],
    ["need", "enterprise"],
  ] as const) {
    const owner = await market.person(role);
    for (const status of ["draft", "submitted", "published", "expired", "withdrawn"]) {
      const id = await listingIn(market, noun, { owner, operator }, status);
      subjects.push({
        name: `${noun} ${status}`,
        // Asking about it is for others, and tried with the interests.
        routes: new RegExp(`^/v1/${noun}s/:id(?!/interests)`),
        role,
        owner,
        params: () => ({ id }),
        table: tableOf(noun),
        rowId: id,
        isPublic: status === "published" || status === "expired",
      });
    }
  }

  const admin = await market.person("enterprise");
  const client = await market.client(admin, [...scopes]);
  const { organizationId } = admin;
  const enterprise = { role: "enterprise", owner: admin } as const;
  const saved = { noun: "result", name: "矩阵", query: { q: "检测" } } as const;
  const search = await must(market.as(admin)("POST", "/v1/saved-searches", { body: saved }));
  const memberRoutes = /^\/v1\/organizations\/:id\/members/;
  const colleague = async () => ({
    ...enterprise,
    table: members,
    rowId: (await market.colleague(admin)).id,
  });
  const one = await colleague();
  const another = await colleague();
  subjects.push(
    {
      ...enterprise,
      name: "machine client",
      routes: /^\/v1\/api-clients\/:id/,
      params: () => ({ id: client.id }),
      table: apiClients,
      rowId: client.id,
    },
    {
      ...enterprise,
      name: "saved search",
      routes: /^\/v1\/saved-searches\/:id/,
      params: () => ({ id: search.id }),
      table: savedSearches,
      rowId: search.id,
    },
    {
      ...enterprise,
      name: "organization",
      routes: /^\/v1\/organizations\/:id(?!\/members)/,
      params: () => ({ id: organizationId }),
      table: organizations,
      rowId: organizationId,
      isPublic: true,
    },
    {
      ...one,
      name: "member",
      routes: memberRoutes,
      params: () => ({ id: organizationId, memberId: one.rowId }),
    },
    {
      ...another,
      name: "member, asked for in the caller's own organization",
      routes: /^\/v1\/organizations\/:id\/members\/:memberId/,
      params: (caller) => ({ id: caller.organizationId, memberId: another.rowId }),
    },
  );

  for (const status of ["applied", "certified"] as const) {
    const owner = await market.person("brokerage");
    const id = newId();
    await market.database.db.insert(brokerCertificates).values({
      id,
      memberId: owner.id,
      organizationId: owner.organizationId,
      status,
      level: "intermediate",
      certificateNumber: `JJR-${status}`,
      issuer: "牧野技术转移培训基地",
      fieldCodes: ["03"],
      issuedOn: "2025-06-18",
      certifiedAt: status === "certified" ? new Date().toISOString() : null,
    });
    subjects.push({
      name: `certificate ${status}`,
      routes: /^\/v1\/broker-certificates\/:id/,
      role: "brokerage",
      owner,
      params: () => ({ id }),
      table: brokerCertificates,
      rowId: id,
    });
  }
  return [...subjects, ...(await dealsOf())];
}

/** What a deal is made of, tried as each of those who have a part in it. */
async function dealsOf(): Promise<Subject[]> {
  const { db } = market.database;
  const path = (noun: string, rest: string) => new RegExp(`^/v1/${noun}/:id${rest}$`);
  const pair = await proposedMatch(market);
  const { body: interest } = await market.as(pair.needOwner)(
    "POST",
    `/v1/results/${pair.resultId}/interests`,
    {
      body: {
        message: "想了解技术细节。",
        questions: [{ topic: "price", question: "许可费如何计算？" }],
      },
    },
  );
  const owners = { owner: pair.resultOwner, role: "university" } as const;
  const sides = { table: interests, rowId: interest.id, params: () => ({ id: interest.id }) };
  const match = { table: matches, rowId: pair.id, params: () => ({ id: pair.id }) };

  const office = await openOffice(market);
  // Signed before the day of the example payment.
  const signed = { content: { signedOn: "2026-03-02" } };
  const contract = await effectiveContract(market, signed);
  const amended = { body: { reason: "延长有效期。", patch: { terms: "另行约定。" } } };
  const contractPath = `/v1/contracts/${contract.id}`;
  const seller = market.as(contract.seller);
  const amendment = await must(seller("POST", `${contractPath}/amendments`, amended));
  const paid = { paidOn: today(), amount: { amount: "100.00", currency: "CNY" } };
  const payment = await must(seller("POST", `${contractPath}/payments`, { body: paid }));
  const filed = await filedCase(market, office);
  const kase = { table: registrations, rowId: filed.caseId, params: () => ({ id: filed.caseId }) };
  const file = await upload(
    market,
    contract.seller,
    { subjectType: "contract", subjectId: contract.id, purpose: "document" },
    pdf("矩阵"),
  );
  const [record] = await db
    .select({ id: auditRecords.id })
    .from(auditRecords)
    .where(eq(auditRecords.subjectId, contract.id));
  const recordId = record?.id ?? "";
  return [
    { name: "interest", routes: path("interests", "(/(accept|decline))?"), ...owners, ...sides },
    {
      name: "interest, its asker",
      routes: path("interests", "(/withdraw)?"),
      owner: pair.needOwner,
      role: "enterprise",
      ...sides,
    },
    {
      name: "match",
      routes: path("matches", "(/(accept|retract|decline|fail|notes))?"),
      ...owners,
      ...match,
    },
    {
      name: "match, its broker",
      routes: path("matches", "(/(withdraw|negotiate|fail|notes|reassign))?"),
      owner: pair.broker,
      role: "brokerage",
      ...match,
    },
    {
      name: "contract",
      routes: /^\/v1\/contracts\/:id/,
      role: "university",
      owner: contract.seller,
      params: () => ({ id: contract.id, amendmentId: amendment.id, paymentId: payment.id }),
      table: contracts,
      rowId: contract.id,
    },
    {
      name: "case",
      routes: path("registrations", "(/(?!amend|cancel|supplement|withdraw)[a-z-]+)?"),
      role: "registry",
      owner: office.first,
      ...kase,
    },
    {
      name: "case, its applicant",
      routes: path("registrations", "(/(amend|cancel|retract|supplement|withdraw))?"),
      role: "university",
      owner: filed.seller,
      ...kase,
    },
    {
      name: "registration office",
      routes: /^\/v1\/registration-offices\/:id/,
      role: "registry",
      owner: office.first,
      params: () => ({ id: office.id }),
      table: registrationOffices,
      rowId: office.id,
      isPublic: true,
    },
    {
      name: "attachment",
      routes: /^\/v1\/attachments\/:id/,
      role: "university",
      owner: contract.seller,
      params: () => ({ id: file.body.id }),
      table: attachments,
      rowId: file.body.id,
    },
    {
      name: "audit record",
      routes: /^\/v1\/audit\/:id/,
      role: "university",
      owner: contract.seller,
      params: () => ({ id: recordId }),
      table: auditRecords,
      rowId: recordId,
    },
  ];
}

/** A call that only its address could be refused for: with a body that the route takes. */
function callAbout({ params }: Subject, route: RegisteredRoute, caller: Caller) {
  const values = params(caller);
  const url = route.url.replaceAll(/:(\w+)/g, (_, name: string) => values[name] ?? "");
  const schema = route.schema?.body as z.ZodType | undefined;
  const [body] = (schema?.meta()?.examples ?? []) as unknown[];
  const headers: Record<string, string> = route.config.ifMatch ? { "if-match": "*" } : {};
  return market.as(caller)(route.method as "GET", url, { body, headers });
}

/** The row, and how much has happened in the market: what a change would change. */
const stateOf = async ({ table, rowId }: Subject) => ({
  rows: await market.database.db.select().from(table).where(sql`id = ${rowId}`),
  audits: await market.database.db.$count(auditRecords),
});

t.test("an admin of another organization of the same kind", async (t) => {
  const subjects = await subjectsOf();
  const about = ({ routes }: Subject) => operations.filter(({ url }) => routes.test(url));
  t.same(
    named(({ url }) => url.includes(":id") && !subjects.some(({ routes }) => routes.test(url))),
    [
      "askAboutNeed",
      "askAboutResult",
      "confirmSecondFactor",
      "deleteSynonym",
      "endSignIn",
      "listInterestsInNeed",
      "listInterestsInResult",
      "readBroker",
      "readJobFault",
      "readSynonym",
      "removeSecondFactor",
      "retryJobFault",
      "updateSynonym",
    ],
    "routes about one thing that nobody else's are tried at",
  );
  for (const subject of subjects) {
    const { role, owner } = subject;
    const callerFor = sharing(() => market.person(role));
    for (const route of about(subject)) {
      const where = `${subject.name}: ${route.method} ${route.url}`;
      const caller = await callerFor(route);
      const before = await stateOf(subject);
      t.equal(before.rows.length, 1, `${where}: it is there`);
      const reply = await callAbout(subject, route, caller);
      const door = expected(route, { role, isAdmin: true, status: "verified", scopes: null });
      if (subject.isPublic && route.config.access?.public) t.equal(reply.status, 200, where);
      else if (door) t.equal(reply.body?.code, door, where);
      else {
        t.match(reply.body?.code, /\.(not_found|not_owner)$/, `${where}: ${reply.text}`);
        t.ok([403, 404].includes(reply.status), `${where}: ${reply.status}`);
      }
      t.same(await stateOf(subject), before, `${where}: nothing has happened`);
    }
    // The same calls reach it when they are the owner's, whatever else its state forbids.
    for (const route of about(subject).filter(({ method }) => method !== "DELETE")) {
      const { body, status } = await callAbout(subject, route, owner);
      const where = `${subject.name}, its owner: ${route.method} ${route.url}: ${status}`;
      t.notMatch(String(body?.code), /\.(not_found|not_owner)$|^request\./, where);
    }
  }
});
