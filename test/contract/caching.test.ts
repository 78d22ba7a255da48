/** What caches may do with the replies of every operation: nothing with what was made for somebody. */
import t from "tap";
import type { z } from "zod";
import { newId } from "../../src/lib/ids.ts";
import type { RegisteredRoute } from "../../src/plugins/contract.ts";
import { scopes } from "../../src/words.ts";
import { publishedNeed, publishedResult } from "../support/listings.ts";
import { type Caller, openMarket, password } from "../support/market.ts";

const market = await openMarket(t);
const operations = market.app.registeredRoutes.filter(
  (route) => route.schema?.operationId && route.method !== "HEAD",
);
const operator = await market.person("operator");
const university = await market.person("university");
const enterprise = await market.person("enterprise");
const machine = await market.client(enterprise, [...scopes]);
const result = await publishedResult(market, university, operator);
const need = await publishedNeed(market, enterprise, operator);
const firstOf = async (path: string, key: "id" | "name" = "id"): Promise<string> =>
  (await market.as(operator)("GET", path)).body.data[0][key];
const synonym = await firstOf("/v1/synonyms");
const taxonomy = await firstOf("/v1/taxonomies", "name");

/** Something that is there, where the route is about something public. */
const known: Record<string, string> = {
  "/v1/results/:id": result.id,
  "/v1/needs/:id": need.id,
  "/v1/organizations/:id": university.organizationId,
  "/v1/synonyms/:id": synonym,
  "/v1/taxonomies/:name": taxonomy,
  "/problems/:code": "request.invalid",
};
const urlOf = ({ url, method }: RegisteredRoute) =>
  url.replaceAll(/:(\w+)/g, (_, name: string) =>
    method === "GET" && known[url] ? known[url] : /id$/i.test(name) ? newId() : "nothing",
  );

function call(route: RegisteredRoute, caller: Caller | null) {
  const schema = route.schema?.body as z.ZodType | undefined;
  const [body] = (schema?.meta()?.examples ?? []) as unknown[];
  const headers: Record<string, string> = route.config.ifMatch ? { "if-match": "*" } : {};
  return market.as(caller)(route.method as "GET", urlOf(route), { body, headers });
}

t.test("what is the same for everybody", async (t) => {
  const open = operations.filter(({ config }) => config.sameForAll);
  t.same(open.map(({ schema }) => schema?.operationId).sort(), [
    "getOpenapiJson",
    "getOpenapiYaml",
    "listBrokers",
    "listDefinitions",
    "listProblems",
    "listSynonyms",
    "listTaxonomies",
    "readBroker",
    "readJwks",
    "readLinks",
    "readProblem",
    "readServerMetadata",
    "readSynonym",
    "readTaxonomy",
  ]);
  for (const route of open) {
    t.equal(route.config.access?.public, true);
    const plain = await call(route, null);
    for (const caller of [operator, university, machine]) {
      const reply = await call(route, caller);
      const where = `${route.url}, ${reply.status}`;
      t.equal(reply.status, plain.status, where);
      if (reply.status !== 200) continue;
      t.equal(reply.text, plain.text, where);
      t.equal(reply.headers["cache-control"], "private, no-cache", where);
      t.match(plain.headers["cache-control"], /^public, max-age=\d+$/, where);
    }
  }
});

t.test("of all others nobody keeps what they answer to somebody, refusals neither", async (t) => {
  for (const route of operations.filter(({ config }) => !config.sameForAll)) {
    for (const make of [
      async () => operator,
      // Some of these end the sign-in.
      () => market.person("university"),
      async () => machine,
      async () => ({ ...university, token: "none" }),
    ]) {
      const reply = await call(route, await make());
      t.equal(
        reply.headers["cache-control"],
        "no-store",
        `${route.method} ${route.url} ${reply.status}`,
      );
    }
  }
});

t.test("a reply that gives a token is kept by nobody", async (t) => {
  const signIn = { email: university.email, password };
  const reply = await market.as(null)("POST", "/v1/auth/login", { body: signIn });
  t.match([reply.status, reply.headers["cache-control"]], [200, "no-store"]);
  const { refreshToken } = reply.body;
  const next = await market.as(null)("POST", "/v1/auth/refresh", { body: { refreshToken } });
  t.match([next.status, next.headers["cache-control"]], [200, "no-store"]);
  const form = { "content-type": "application/x-www-form-urlencoded" };
  for (const body of ["grant_type=x", "grant_type=client_credentials", "scope=a&scope=b"]) {
    const { statusCode, headers } = await market.app.inject({
      method: "POST",
      url: "/oauth/token",
      headers: form,
      payload: body,
    });
    t.ok(statusCode >= 400);
    t.equal(headers["cache-control"], "no-store");
  }
});

t.test("what is not kept can be asked for again on condition", async (t) => {
  for (const path of ["/v1/me", `/v1/results/${result.id}`, "/v1/taxonomies"]) {
    const first = await market.as(university)("GET", path);
    t.equal(first.status, 200);
    if (!first.headers.etag) {
      t.equal(path, "/v1/me");
      continue;
    }
    const again = await market.as(university)("GET", path, {
      headers: { "if-none-match": String(first.headers.etag) },
    });
    t.equal(again.status, 304, path);
    t.equal(again.headers["cache-control"], first.headers["cache-control"]);
  }
});
