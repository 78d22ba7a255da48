/**
 * A distinguishing game: two markets that differ only in which of two organizations posted an anonymous
 * need. Whatever strangers call is answered the same in both, ids and instants aside. `docs/security.md`
 * lists the places where the owner takes part in what others are answered, and the one that is left.
 */
import { eq, sql } from "drizzle-orm";
import t, { type Test } from "tap";
import { interests } from "../../db/schema/interests.ts";
import { transact } from "../../src/database/transact.ts";
import { newId } from "../../src/lib/ids.ts";
import { refreshStatistics } from "../../src/modules/matching/term-statistics.service.ts";
import type { RegisteredRoute } from "../../src/plugins/contract.ts";
import { completeContract } from "../support/contracts.ts";
import { acceptedInterest, ask, declined, openInterest } from "../support/deals.ts";
import { type Overrides, publishedNeed, publishedResult } from "../support/listings.ts";
import { tellAll } from "../support/log.ts";
import { type Caller, openMarket, type Reply } from "../support/market.ts";
import { certify, proposalText, propose } from "../support/matches.ts";
import { must, refused } from "../support/replies.ts";

type Owner = "first" | "second";

/** A market in which the first or the second of two brokerages has posted the anonymous need. */
async function marketOf(owner: Owner) {
  const market = await openMarket(t);
  const { db, pool } = market.database;
  const operator = await market.person("operator");
  // Two that whatever an owner can be looked up by tells apart: name, county, listings, a broker of its own.
  const first = await market.person("brokerage", { name: "牧野甲技术有限公司" });
  const second = await market.person("brokerage", {
    name: "凤泉乙技术有限公司",
    regionCode: "410711",
  });
  const university = await market.person("university", { name: "新乡丙学院" });
  const stranger = await market.person("enterprise", { name: "卫滨丁装备有限公司" });
  const broker = await market.person("brokerage", { name: "红旗戊服务有限公司" });
  const registrar = await market.person("registry", { name: "己登记处" });
  const machine = await market.client(stranger, ["needs:read", "results:read", "contracts:write"]);
  for (const one of [first, second, broker]) await certify(market, one);

  const similar = { title: "锂电池极片涂布厚度激光在线检测装置", fieldCode: "03" };
  const result = async (of: Caller) =>
    (await publishedResult(market, of, operator, similar)).id as string;
  const need = async (of: Caller, overrides: Overrides = {}) =>
    (await publishedNeed(market, of, operator, overrides)).id as string;
  const ofFirst = await result(first);
  const ofSecond = await result(second);
  const ofUniversity = await result(university);
  const named = await need(stranger);
  const veiled = await need(owner === "first" ? first : second, { anonymous: true });

  // What strangers have begun with the veiled one, and the two with others.
  const asked = await openInterest(market, {
    noun: "need",
    listingId: veiled,
    asker: stranger,
    owner: first,
    operator,
  });
  await db.update(interests).set({ dueOn: "2026-01-05" }).where(eq(interests.id, asked.id));
  const known = { noun: "result", owner: university, operator, listingId: ofUniversity } as const;
  const ofInterest = await acceptedInterest(market, { ...known, asker: first });
  const ofOther = await acceptedInterest(market, { ...known, asker: second });
  const proposed = await must(
    propose(market, broker, { resultId: ofUniversity, needId: veiled }, {}),
  );
  await transact(pool, (tx) => refreshStatistics(tx, true));
  await db.execute(sql`analyze`);
  await tellAll(market);

  return {
    market,
    owner: owner === "first" ? first : second,
    strangers: { nobody: null, stranger, university, broker, registrar, machine },
    organizations: { first: first.organizationId, second: second.organizationId },
    strangersOrganization: stranger.organizationId,
    members: { first: first.id, second: second.id },
    results: { ofFirst, ofSecond, ofUniversity },
    needs: { veiled, named },
    interests: { asked: asked.id, ofInterest: ofInterest.id, ofOther: ofOther.id, told: "" },
    matches: { proposed: proposed.id as string },
    parties: { stranger, first, second, broker, university },
  };
}
type World = Awaited<ReturnType<typeof marketOf>>;

/** Those that are there already. */
const given = (ids: Record<string, string>) => Object.values(ids).filter((id) => id !== "");

/** What an operation's path may be about, by the beginning of its path. */
const subjectsOf = (world: World, url: string): string[] => {
  const table: [RegExp, Record<string, string>][] = [
    [/^\/v1\/organizations\//, world.organizations],
    [/^\/v1\/brokers\//, world.members],
    [/^\/v1\/results\//, world.results],
    [/^\/v1\/needs\//, world.needs],
    [/^\/v1\/interests\//, world.interests],
    [/^\/v1\/matches\//, world.matches],
  ];
  const found = table.find(([pattern]) => pattern.test(url));
  return found ? given(found[1]) : [newId()];
};

/** The documented example of an operation's body, about what this market has. */
function bodiesOf(world: World, route: RegisteredRoute): Overrides[] {
  const schema = route.schema?.body as
    | { meta?: () => { examples?: Overrides[] } | undefined }
    | undefined;
  const example = schema?.meta?.()?.examples?.[0];
  if (!example) return [{}];
  const swapped = { ...example };
  if ("needId" in swapped) swapped.needId = world.needs.veiled;
  if ("interestId" in swapped) swapped.interestId = newId();
  if ("previousMatchId" in swapped) swapped.previousMatchId = newId();
  if (!("resultId" in swapped)) return [swapped];
  // What a broker really proposes to its owner is the one thing that tells: see below.
  const isProposal = route.schema?.operationId === "proposeMatch";
  const told = isProposal ? [world.results.ofUniversity] : Object.values(world.results);
  return told.map((resultId) => ({ ...swapped, resultId }));
}

interface Move {
  name: string;
  caller: Caller | null;
  method: string;
  url: string;
  body?: object | undefined;
}

/** Every operation, about everything that it may be about, by every stranger. */
function everything(world: World): Move[] {
  const operations = world.market.app.registeredRoutes.filter(
    ({ schema, method, config }) =>
      // Health and keys are of the process; whoever signs out plays no further.
      schema?.operationId &&
      schema.operationId !== "readJwks" &&
      method !== "HEAD" &&
      !config.vital &&
      !config.changesAccess,
  );
  return Object.entries(world.strangers).flatMap(([who, caller]) =>
    operations.flatMap((route) =>
      subjectsOf(world, route.url).flatMap((id, place) => {
        const url = route.url
          .replace(":id", id)
          .replaceAll(/:(id|memberId)\b/g, newId())
          .replaceAll(/:\w+/g, "nothing");
        const bodies = ["POST", "PATCH", "PUT"].includes(route.method)
          ? bodiesOf(world, route)
          : [undefined];
        return bodies.map((body) => ({
          name: `${who} ${route.schema?.operationId} ${place}`,
          caller,
          method: route.method,
          url,
          body,
        }));
      }),
    ),
  );
}

/** What an attacker would try, who knows how the market works. */
function attacks(world: World): Move[] {
  const { stranger, first, second, broker, university } = world.parties;
  const { veiled } = world.needs;
  const moves: Move[] = [];
  const play = (name: string, caller: Caller | null, method: string, url: string, body?: object) =>
    moves.push({ name, caller, method, url, body });
  const party = ({ organizationId }: Caller) => ({ organizationId, natureCode: "022" });
  const pairs = { first: [first], second: [second], both: [first, second] };
  for (const [who, buyers] of Object.entries(pairs)) {
    for (const caller of [stranger, broker, university]) {
      const seller = { seller: stranger, buyer: stranger };
      const body = completeContract(seller, {
        sellers: [party(stranger)],
        buyers: buyers.map(party),
        needId: veiled,
      });
      play(`contract with ${who}`, caller, "POST", "/v1/contracts", body);
      const byOwnId = `/v1/contracts/by-external-id/${who}`;
      play(`contract by an own id with ${who}`, caller, "PUT", byOwnId, body);
      for (const interestId of given(world.interests)) {
        const of = { ...body, needId: null, interestId };
        play(`contract of an interest with ${who}`, caller, "POST", "/v1/contracts", of);
      }
    }
  }
  for (const [of, resultId] of Object.entries(world.results)) {
    for (const interestId of [newId(), ...given(world.interests)]) {
      const body = { resultId, needId: veiled, proposal: proposalText, interestId };
      play(`match ${of} by an interest`, broker, "POST", "/v1/matches", body);
    }
    const previous = { resultId, needId: veiled, proposal: proposalText, previousMatchId: newId() };
    play(`match ${of} after another`, broker, "POST", "/v1/matches", previous);
    const verdict = { verdict: "useful" };
    const [ofNeed, ofResult] = [`/v1/needs/${veiled}`, `/v1/results/${resultId}`];
    const path = "suggestions/verdicts";
    play(`verdict on ${of}`, broker, "POST", `${ofNeed}/${path}`, { ...verdict, resultId });
    play(`verdict for ${of}`, broker, "POST", `${ofResult}/${path}`, {
      ...verdict,
      needId: veiled,
    });
    play(`needs for ${of}`, broker, "GET", `${ofResult}/suggestions?limit=50&nearMisses=20`);
  }
  const suggestions = "suggestions?limit=50&nearMisses=20&brokers=20";
  play("results for it", broker, "GET", `/v1/needs/${veiled}/${suggestions}`);
  // How the two answer is told to whoever may see their results suggested.
  play("results for another", stranger, "GET", `/v1/needs/${world.needs.named}/${suggestions}`);
  const queries = [
    `organizationId=${first.organizationId}`,
    `organizationId=${second.organizationId}`,
    "regionCode=410702&include=facets,total",
    "regionCode=410711&include=facets,total",
    "q=牧野甲技术&include=facets,total",
    "q=极片涂布&include=facets,total&sort=relevance",
  ];
  for (const query of queries) {
    for (const caller of [null, stranger]) {
      play(`list ?${query.slice(0, 12)}`, caller, "GET", `/v1/needs?${encodeURI(query)}`);
    }
  }
  // What is joined with it, or chosen of it, is no way around.
  const joined = "expand=organization,attachments";
  for (const caller of [null, stranger, broker, university]) {
    play("joined list", caller, "GET", `/v1/needs?${joined}&sort=updatedAt`);
    play("joined need", caller, "GET", `/v1/needs/${veiled}?${joined}&fields=title,organization`);
    for (const of of caller ? ["interests", "matches", "contracts"] : []) {
      play(`joined ${of}`, caller, "GET", `/v1/${of}?expand=result,need`);
    }
  }
  return moves;
}

/** An answer with what differs from one market to another taken out of it. */
function seen(world: World, { status, text, headers }: Reply): string {
  const labels = new Map<string, string>();
  for (const group of ["organizations", "members", "results", "needs", "interests", "matches"]) {
    const named = world[group as "needs"] as Record<string, string>;
    for (const [name, id] of Object.entries(named)) if (id) labels.set(id, `<${group}.${name}>`);
  }
  const plain = text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}/g, (id) => labels.get(id) ?? "<id>")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<instant>")
    // Hashes of the log are of records with other ids.
    .replaceAll(/"(requestId|instance|next|hash|jws)":"[^"]*"/g, '"$1":"<one>"')
    .replaceAll(/匿名需求方 [2-9A-Z]{5}/g, "<alias>")
    .replaceAll(/测试(员\d+|机构[0-9a-f]+)/g, "<name>")
    .replaceAll(/person\d+\.\w+@/g, "<person>@")
    .replaceAll(/91410700MA[0-9A-Z]{8}/g, "<code>")
    .replaceAll(/gm\w_[\w-]{20,}|eyJ[\w.-]{20,}/g, "<secret>");
  const version = /^"\d+-/.exec(String(headers.etag)) ?? "";
  return `${status} ${version} ${plain}`;
}

const worlds = [await marketOf("first"), await marketOf("second")] as const;

/** Plays the same moves in both markets. */
async function game(t: Test, moves: (world: World) => Move[]) {
  const [one, other] = worlds.map(moves) as [Move[], Move[]];
  const answers = new Map<number, number>();
  for (const [i, move] of one.entries()) {
    const same = other[i] as Move;
    const call = (world: World, { caller, method, url, body }: Move) =>
      world.market.as(caller)(method as "GET", url, { body });
    const replies = [await call(worlds[0], move), await call(worlds[1], same)] as const;
    const [a, b] = replies.map((reply, world) => seen(worlds[world] as World, reply));
    answers.set(replies[0].status, (answers.get(replies[0].status) ?? 0) + 1);
    t.equal(a, b, `${move.name}: ${move.method} ${move.url}`);
  }
  return answers;
}

t.test("no attack tells who posted an anonymous need", async (t) => {
  const answers = await game(t, attacks);
  t.ok((answers.get(200) ?? 0) >= 15, "suggestions, verdicts and lists were answered");
  t.ok((answers.get(400) ?? 0) >= 10, "contracts and matches were refused by what they name");
});

t.test("no operation tells a stranger who posted an anonymous need", async (t) => {
  const answers = await game(t, everything);
  for (const status of [200, 400, 401, 403, 404]) t.ok(answers.get(status), `${status} among them`);
});

/** The feed of every stranger: all of it, and of each thing and each kind of event that it could be asked about. */
function feeds(world: World): Move[] {
  const groups = [world.organizations, world.members, world.results, world.needs];
  const subjects = [...groups, world.interests, world.matches].flatMap((ids) => Object.values(ids));
  const queries = [
    "limit=1000",
    ...subjects.map((id) => `subjectId=${id}`),
    ...["need", "interest", "match", "result", "organization"].map((noun) => `subjectType=${noun}`),
    "types=need.publish,need.solve,need.close,need.withdraw,need.expire",
    "limit=1",
  ];
  return Object.entries(world.strangers).flatMap(([who, caller]) =>
    queries.map((query) => {
      const url = `/v1/events?${query}`;
      return { name: `${who} ${query.slice(0, 14)}`, caller, method: "GET", url };
    }),
  );
}

t.test(
  "no event tells a stranger who posted an anonymous need, nor who acted for it",
  async (t) => {
    // What the owner does with what strangers began, which is told to them: each in its own market.
    for (const { market, owner, parties, needs, interests, matches } of worlds) {
      const { broker, stranger } = parties;
      interests.told = (await must(ask(market, stranger, "need", needs.veiled))).id;
      const act = (path: string, body?: object) => must(market.as(owner)("POST", path, { body }));
      const open = `/v1/matches?needId=${needs.veiled}&status=proposed`;
      const [found] = (await must(market.as(broker)("GET", open))).data;
      // The broker has proposed it again, after the other side declined the first one.
      matches.proposed = found.id;
      await act(`/v1/interests/${interests.told}/decline`, declined);
      await act(`/v1/matches/${matches.proposed}/decline`, declined);
      await tellAll(market);
    }
    await game(t, feeds);
    const [{ market, parties, interests, matches, needs }] = worlds;
    const told = async (caller: Caller, subjectId: string) => {
      const { data } = await must(market.as(caller)("GET", `/v1/events?subjectId=${subjectId}`));
      return data.map(({ type }: { type: string }) => type);
    };
    t.same(await told(parties.stranger, interests.told), ["interest.create", "interest.decline"]);
    t.same(await told(parties.broker, matches.proposed), ["match.propose", "match.decline"]);
    t.same(await told(parties.stranger, needs.veiled), ["need.publish"]);
  },
);

t.test(
  "a real proposal of the owner's own result is refused as of a listing out of view",
  async (t) => {
    const [{ market, parties, results, needs }] = worlds;
    const refusal = await propose(market, parties.broker, {
      resultId: results.ofFirst,
      needId: needs.veiled,
    });
    refused(t, refusal, 409, "match.listing_not_published");
    // Whoever has nothing to hide is told why.
    const own = await publishedResult(market, parties.stranger, await market.person("operator"));
    const open = await propose(market, parties.broker, { resultId: own.id, needId: needs.named });
    refused(t, open, 409, "match.same_owner");
  },
);
