/** How credentials are read, and what a refusal tells of those that are wanted (RFC 6750, RFC 9110 11). */

import { eq } from "drizzle-orm";
import t from "tap";
import { apiClients } from "../../db/schema/api-clients.ts";
import { newSecret, sha256 } from "../../src/lib/ids.ts";
import { openMarket } from "../support/market.ts";
import { refused } from "../support/replies.ts";

const market = await openMarket(t);
const owner = await market.person("university");

t.test("a 403 for want of a scope names it where clients look (RFC 6750 3.1)", async (t) => {
  const machine = await market.client(owner, ["results:read"]);
  const reply = await market.as(machine)("POST", "/v1/results", { body: { title: "一项成果" } });
  t.equal(refused(t, reply, 403, "auth.insufficient_scope").requiredScope, "results:write");
  t.equal(
    reply.headers["www-authenticate"],
    'Bearer realm="https://market.test", error="insufficient_scope", scope="results:write"',
  );
  const role = await market.as(owner)("GET", "/v1/job-faults");
  t.equal(role.status, 403);
  t.notOk(role.headers["www-authenticate"], "another token would not help");
});

t.test("a 401 says what is wanted, and what was wrong with what came", async (t) => {
  const none = await market.as(null)("GET", "/v1/me");
  t.match(
    [none.status, none.headers["www-authenticate"]],
    [401, 'Bearer realm="https://market.test"'],
  );
  const wrong = await market.as({ ...owner, token: "none" })("GET", "/v1/me");
  t.equal(
    wrong.headers["www-authenticate"],
    'Bearer realm="https://market.test", error="invalid_token"',
  );
});

t.test("one blank or more stand between scheme and credentials (RFC 9110 11.4)", async (t) => {
  const me = (authorization: string) =>
    market.as(null)("GET", "/v1/me", { headers: { authorization } });
  for (const between of [" ", "  ", "      "]) {
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      t.equal((await me(`${scheme}${between}${owner.token}`)).status, 200);
    }
  }
  for (const bad of [
    `Bearer${owner.token}`,
    `Bearer\t${owner.token}`,
    `Bearer ${owner.token} x`,
    "Bearer  ",
    "Bearer",
  ]) {
    t.equal((await me(bad)).status, 401, bad.slice(0, 8));
  }
  const machine = await market.client(owner, ["results:read"]);
  const secret = newSecret("gms");
  await market.database.db
    .update(apiClients)
    .set({ secretHash: sha256(secret) })
    .where(eq(apiClients.id, machine.id));
  const basic = Buffer.from(`${machine.id}:${secret}`).toString("base64");
  for (const between of [" ", "   "]) {
    const { statusCode } = await market.app.inject({
      method: "POST",
      url: "/oauth/token",
      headers: {
        authorization: `Basic${between}${basic}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      payload: "grant_type=client_credentials",
    });
    t.equal(statusCode, 200);
  }
});
