/**
 * Who may call what, asked of every registered route by every kind of caller. The declared access is
 * compared with what the running app answers, and the lists below with what is declared: opening a
 * route to more people is a change that somebody has to write down here.
 */
import { eq } from "drizzle-orm";
import t from "tap";
import { sessions } from "../../db/schema/accounts.ts";
import { organizationKinds } from "../../db/schema/organizations.ts";
import { type Scope, scopes } from "../../src/lib/access.ts";
import { newId } from "../../src/lib/ids.ts";
import type { RegisteredRoute } from "../../src/plugins/contract.ts";
import { type Caller, openMarket } from "../support/market.ts";

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
      "getOpenapiJson",
      "getOpenapiYaml",
      "grantToken",
      "listBrokers",
      "listNeeds",
      "listOrganizations",
      "listProblems",
      "listResults",
      "listTaxonomies",
      "login",
      "readBroker",
      "readJwks",
      "readLinks",
      "readLiveness",
      "readMetrics",
      "readNeed",
      "readOrganization",
      "readProblem",
      "readReadiness",
      "readResult",
      "readServerMetadata",
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
      "createOrganization",
      "createTaxonomyItem",
      "publishNeed",
      "publishResult",
      "reinstateBrokerCertificate",
      "reinstateOrganization",
      "rejectBrokerCertificate",
      "rejectNeed",
      "rejectOrganization",
      "rejectResult",
      "requestChangesOfNeed",
      "requestChangesOfResult",
      "revokeBrokerCertificate",
      "suspendBrokerCertificate",
      "suspendOrganization",
      "updateTaxonomyItem",
      "verifyOrganization",
    ],
  );
});

t.test("what machine clients may do", async (t) => {
  t.same(
    named(({ config }) => config.access?.scope !== undefined && !config.access.public),
    [
      "closeNeed",
      "createNeed",
      "createResult",
      "deleteNeed",
      "deleteResult",
      "listMembers",
      "readMe",
      "renewNeed",
      "renewResult",
      "solveNeed",
      "submitNeed",
      "submitResult",
      "updateNeed",
      "updateResult",
      "withdrawNeed",
      "withdrawResult",
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
  const body = ["POST", "PATCH"].includes(route.method) ? {} : undefined;
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

t.test("anonymous", async (t) => {
  for (const route of operations) {
    const wanted = route.config.access?.public ? null : "auth.required";
    t.equal(await refusal(null, route), wanted, `${route.method} ${route.url}`);
  }
});

for (const role of organizationKinds) {
  for (const isAdmin of [true, false]) {
    t.test(`${isAdmin ? "admin" : "member"} of a verified ${role}`, async (t) => {
      for (const route of operations) {
        // A caller of its own for each route: some of them end the sign-in.
        const caller = await market.person(role, { isAdmin });
        const wanted = expected(route, { role, isAdmin, status: "verified", scopes: null });
        t.equal(await refusal(caller, route), wanted, `${route.method} ${route.url}`);
      }
    });
  }
}

for (const status of ["pending", "rejected", "suspended", "closed"] as const) {
  t.test(`admin of an organization that is ${status}`, async (t) => {
    for (const route of operations) {
      for (const role of ["enterprise", "brokerage", "operator"] as const) {
        const caller = await market.person(role, { status });
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

t.test("a token whose sign-in has ended opens nothing, not even what is public", async (t) => {
  const caller = await market.person("enterprise");
  await market.database.db
    .update(sessions)
    .set({ revokedAt: new Date().toISOString(), revokedFor: "sign_out" })
    .where(eq(sessions.memberId, caller.id));
  for (const route of operations.filter(({ config }) => !config.ownAuthorization)) {
    t.equal(await refusal(caller, route), "auth.invalid_token", `${route.method} ${route.url}`);
  }
});
