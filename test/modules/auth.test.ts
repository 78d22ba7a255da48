import t from "tap";
import { openMarket } from "../support/market.ts";

const market = await openMarket(t);
t.test("GET / links to everything", async (t) => {
  const reply = await market.as(null)("GET", "/");
  t.equal(reply.status, 200);
  t.match(reply.body.links, { documentation: "https://market.test/docs" });
});
t.test("a need is drafted", async (t) => {
  const owner = await market.person("enterprise");
  const reply = await market.as(owner)("POST", "/v1/needs", {
    body: { title: "电池极片涂布厚度在线检测" },
  });
  t.equal(reply.status, 201);
  const read = await market.as(owner)("GET", `/v1/needs/${reply.body.id}`);
  t.same(read.body, reply.body);
});
