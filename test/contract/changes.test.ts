/** Every list that another system keeps in step with: by the last change, from an instant on, with versions. */
import { getTableName, sql } from "drizzle-orm";
import t from "tap";
import { contracts } from "../../db/schema/contracts.ts";
import { interests } from "../../db/schema/interests.ts";
import { matches } from "../../db/schema/matches.ts";
import { needs } from "../../db/schema/needs.ts";
import { organizations } from "../../db/schema/organizations.ts";
import { registrations } from "../../db/schema/registrations.ts";
import { results } from "../../db/schema/results.ts";
import { savedSearches } from "../../db/schema/saved-searches.ts";
import { openMarket, type Reply } from "../support/market.ts";
import { proposedMatch } from "../support/matches.ts";
import { filedCase, openOffice } from "../support/registrations.ts";
import { idsOf, must, refused } from "../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const office = await openOffice(market);
const search = { noun: "result", name: "变更", query: { q: "检测" } };
for (let i = 0; i < 4; i++) {
  await filedCase(market, office);
  const { needOwner, resultId } = await proposedMatch(market);
  const body = { message: "想了解技术细节。" };
  await must(market.as(needOwner)("POST", `/v1/results/${resultId}/interests`, { body }));
  await must(market.as(operator)("POST", "/v1/saved-searches", { body: search }));
}

const lists = [
  { path: "/v1/results?scope=all&", table: results },
  { path: "/v1/results?", table: results, caller: null },
  { path: "/v1/needs?scope=all&", table: needs },
  { path: "/v1/needs?", table: needs, caller: null },
  { path: "/v1/interests?", table: interests },
  { path: "/v1/matches?", table: matches },
  { path: "/v1/contracts?", table: contracts },
  { path: "/v1/registrations?", table: registrations },
  { path: "/v1/registrations?", table: registrations, caller: office.first },
  { path: "/v1/organizations?", table: organizations },
  { path: "/v1/saved-searches?", table: savedSearches },
];

for (const { path, table, caller = operator } of lists) {
  await t.test(`${caller ? "" : "to everybody "}${path}`, async (t) => {
    const call = market.as(caller);
    const read = (query: string): Promise<Reply> => call("GET", `${path}${query}`);
    const name = sql.raw(getTableName(table));
    const touch = (id: string, instant: string) =>
      db.execute(sql`update ${name} set updated_at = ${instant} where id = ${id}`);
    const all = idsOf(await read("limit=100"));
    t.ok(all.length >= 4);
    // In another order than they were made; the second and the third at the same instant.
    const [first = "", second = "", third = "", fourth = ""] = all;
    const early = "2001-02-03T04:05:06.007Z";
    const later = "2001-02-03T04:05:06.008Z";
    await touch(third, early);
    await touch(first, later);
    await touch(fourth, later);
    await touch(second, "2001-02-03T04:05:06.009Z");
    const wanted = [third, ...[first, fourth].sort(), second];

    /** All pages of a list, one item each; an end to those that go in a circle. */
    const walk = async (query: string, meanwhile?: () => Promise<unknown>): Promise<string[]> => {
      const ids: string[] = [];
      let next: string | undefined;
      do {
        const { body } = await read(`${query}&limit=1${next ? `&cursor=${next}` : ""}`);
        for (const one of body.data) {
          t.type(one.version, "number");
          t.type(one.updatedAt, "string");
          ids.push(one.id);
        }
        next = body.page.next;
        if (ids.length === 1) await meanwhile?.();
      } while (next && ids.length < 500);
      return ids;
    };
    const upward = await walk("sort=updatedAt");
    t.same(upward.slice(0, 4), wanted);
    t.same([...upward].sort(), [...all].sort(), "all of it, nothing twice");
    t.same(await walk("sort=-updatedAt"), [...upward].reverse());
    const until = "updatedAt[lte]=2001-12-31T00:00:00Z";
    t.same(idsOf(await read(`sort=updatedAt&${until}`)), wanted);
    t.same(idsOf(await read(`sort=updatedAt&updatedAt[gte]=${later}&${until}`)), wanted.slice(1));
    t.same(idsOf(await read(`updatedAt[gte]=${later}&updatedAt[lte]=${later}`)).length, 2);
    t.same(idsOf(await read("updatedAt[gte]=2999-01-01T00:00:00Z")), []);
    const total = await read(`include=total&${until}`);
    t.same(total.body.total, { exact: 4 });

    const now = "2001-02-03T05:00:00.000Z";
    const seen = await walk(`sort=updatedAt&${until}`, () => touch(third, now));
    t.same(seen, [...wanted, third], "what changes meanwhile comes again");

    const { body } = await read("sort=updatedAt&limit=1");
    for (const other of ["sort=-updatedAt", "limit=1", `sort=updatedAt&${until}`]) {
      const reply = await read(`${other}&cursor=${body.page.next}`);
      refused(t, reply, 400, "request.invalid");
    }
    for (const wrong of ["updatedAt[gte]=yesterday", "sort=updated"]) {
      refused(t, await read(wrong), 400, "request.invalid");
    }
  });
}
