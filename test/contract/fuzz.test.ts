/**
 * Contract fuzzing: every operation of the OpenAPI document gets requests as it describes them, nearly so,
 * and hostile ones, from every role. No reply is a 5xx, has a status or a shape that is not documented, shows
 * what another organization planted, or costs more than its request warrants.
 * `npm run fuzz -- --seconds N` goes on for longer, from another seed each time.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import t from "tap";
import { projectRoot } from "../../src/lib/root.ts";
import { effectiveContract } from "../support/contracts.ts";
import { acceptedInterest, openInterest } from "../support/deals.ts";
import { type Document, type FuzzRequest, requestsFrom } from "../support/fuzz.ts";
import { completeNeed, completeResult, drafted } from "../support/listings.ts";
import { type Caller, openMarket } from "../support/market.ts";
import { agreedMatch, certifiedBroker, proposedMatch } from "../support/matches.ts";
import { acceptedCase, filedCase, openOffice } from "../support/registrations.ts";
import { must } from "../support/replies.ts";

const seconds = Number(process.env.FUZZ_SECONDS ?? 20);
const seed = Number(process.env.FUZZ_SEED ?? 20_261_127);

const market = await openMarket(t);
const { db } = market.database;
const document: Document = JSON.parse(
  readFileSync(join(projectRoot, "openapi/openapi.json"), "utf8"),
);

// ---- A market with one of everything, and an organization whose secrets nobody may see ----

const marker = "机密标记ZQXJ";
const victim = await market.person("university", { name: "密级研究院" });
const made = [
  await drafted(market, "result", victim, { ...completeResult(), title: `${marker}成果草稿` }),
  await drafted(market, "need", victim, { ...completeNeed(), title: `${marker}需求草稿` }),
];
const secret = await effectiveContract(market, {
  seller: victim,
  content: { title: `${marker}合同`, confidentiality: "trade_secret" },
});
const office = await openOffice(market, { code: "410703", regionCodes: ["410702"] });
const [interest, accepted] = [await openInterest(market), await acceptedInterest(market)];
const [proposed, agreed] = [await proposedMatch(market), await agreedMatch(market)];
const [filed, inReview] = [await filedCase(market, office), await acceptedCase(market, office)];
const broker = await certifiedBroker(market);
const operator = await market.person("operator");

const machine = await market.client(interest.asker, [
  ...["results:read", "results:write", "needs:read", "needs:write", "interests:write"],
  ...["contracts:read", "contracts:write", "organization:read", "attachments:write"],
] as never);
const callers: (Caller | null)[] = [
  ...[null, interest.owner, interest.asker, accepted.owner, agreed.resultOwner, agreed.needOwner],
  ...[
    agreed.broker,
    broker,
    filed.seller,
    filed.buyer,
    office.first,
    office.second,
    operator,
    machine,
  ],
  await market.person("enterprise", { status: "pending" }),
  await market.person("enterprise", { status: "suspended" }),
  await market.colleague(interest.owner),
];
const ids = [
  ...callers.flatMap((caller) => (caller ? [caller.id, caller.organizationId] : [])),
  ...[interest.id, interest.listingId, accepted.id, accepted.listingId],
  ...[proposed.id, proposed.resultId, proposed.needId, agreed.id, agreed.resultId, agreed.needId],
  ...[filed.id, filed.caseId, inReview.id, inReview.caseId, secret.id, victim.organizationId],
  ...made.map(({ body }) => body.id),
];

/** They end what the callers here are: their sign-ins. */
const without = new Set([
  "logout",
  "changePassword",
  "refreshSession",
  "endSignIn",
  "endOtherSignIns",
]);

/** A token with the same claims that begins to live now. */
function renewed(token: string): string {
  const text = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
  const { sub, client_id, scope, sid } = JSON.parse(text);
  return market.app.signAccessToken({ sub, client_id, scope, ...(sid && { sid }) });
}

/** What requests before have suspended, revoked and withdrawn, so that the next ones get somewhere. */
async function restore() {
  // Closed is for good.
  const own = callers.flatMap((caller) => (caller ? [caller.organizationId] : []));
  await db.execute(sql`update organizations set status = 'verified' where status = 'suspended'
    and kind <> 'enterprise' and id = any(${sql.param(own)}::uuid[])`);
  await db.execute(sql`update members set status = 'active' where status = 'suspended'`);
  await db.execute(sql`update sessions set revoked_at = null, revoked_for = null,
    expires_at = now() + interval '1 day'`);
  // A token lives a quarter of an hour; a long run would go on as nobody.
  for (const caller of callers) if (caller) caller.token = renewed(caller.token);
}

/** Bytes that a reply may have: a page of a hundred items, or the fault list of a refusal. */
const mostBytes = (status: number, { url, body }: FuzzRequest) =>
  (status < 400 ? 3_000_000 : 40_000) + 4 * (url.length + (body?.length ?? 0));

/** Milliseconds of CPU that a request may take, however large. */
const mostCpu = 1_500;

const statuses = new Map<number, number>();
const operations = new Set<string>();
let count = 0;

async function play(request: FuzzRequest, caller: Caller | null): Promise<void> {
  if (++count % 500 === 0) await restore();
  const { method, url, headers, body } = request;
  const begun = process.cpuUsage();
  // It throws when the status or the body is not documented.
  const reply = await market.as(caller)(method as "GET", url, { headers, body });
  const { user, system } = process.cpuUsage(begun);
  statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
  if (reply.status < 300) operations.add(request.operationId);
  if (reply.status >= 500) throw new Error(`${reply.status} ${reply.text.slice(0, 300)}`);
  const length = Buffer.byteLength(reply.text);
  if (length > mostBytes(reply.status, request))
    throw new Error(`${reply.status}: ${length} bytes`);
  const cpu = (user + system) / 1000;
  if (cpu > mostCpu) throw new Error(`${reply.status}: ${cpu} ms of CPU`);
  const mayKnow = caller?.organizationId === operator.organizationId;
  if (!mayKnow && reply.text.includes(marker) && !echoes(request))
    throw new Error("another's secret");
}

/** Whoever sends the marker may get it back. */
const echoes = ({ url, body }: FuzzRequest) =>
  decodeURIComponent(url).includes(marker) || (body?.includes(marker) ?? false);

t.test(`every operation, for ${seconds} s from seed ${seed}`, { timeout: 0 }, async (t) => {
  const requests = requestsFrom(document, ids, without);
  const told = await fc.check(fc.asyncProperty(requests, fc.constantFrom(...callers), play), {
    seed,
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: seconds * 1000,
    markInterruptAsFailure: false,
    // The market is another one after each request: there is nothing to be made smaller.
    endOnFailure: true,
  });
  if (told.failed) {
    const [request, caller] = told.counterexample ?? [];
    t.fail(`${(told.errorInstance as Error | null)?.message}`, {
      request: { ...request, body: request?.body?.toString().slice(0, 600) },
      caller: caller?.organizationId ?? null,
      stack: (told.errorInstance as Error | null)?.stack,
    });
  }
  const byStatus = [...statuses].sort(([a], [b]) => a - b).map(([status, n]) => `${status}: ${n}`);
  process.stderr.write(
    `${count} requests from seed ${seed} (${byStatus.join(", ")}); ${operations.size} operations succeeded\n`,
  );
  for (const status of [200, 201, 400, 401, 403, 404, 409]) t.ok(statuses.get(status), `${status}`);
  const { status } = await market.as(null)("GET", "/readyz");
  t.equal(status, 200, "it stands");
  victim.token = renewed(victim.token);
  const mine = await must(market.as(victim)("GET", `/v1/contracts/${secret.id}`));
  t.ok(JSON.stringify(mine).includes(marker), "its owner reads what nobody else does");
});
