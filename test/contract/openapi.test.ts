/** The document is the routes' own words, complete, and the committed one. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import Fastify from "fastify";
import t from "tap";
import { parse } from "yaml";
import { z } from "zod";
import { readLifecycles, stepsOf } from "../../scripts/lifecycles/read.ts";
import { isDeclaredIn, isHandledIn, readSources } from "../../scripts/openapi/files.ts";
import { argumentsFor } from "../../scripts/program.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { isCallers } from "../../src/lifecycle/resource.ts";
import contract, { type App } from "../../src/plugins/contract.ts";
import { openMarket } from "../support/market.ts";

interface Operation {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  security: Record<string, string[]>[];
  responses: Record<string, { description: string; content?: Record<string, unknown> }>;
  parameters?: { name: string; in: string; required: boolean }[];
  requestBody?: { content: Record<string, { schema: { $ref: string } }> };
}

const market = await openMarket(t);
const served = (await market.as(null)("GET", "/openapi.json")).body as {
  openapi: string;
  externalDocs: { url: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
};
const operations = Object.entries(served.paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([method]) => method !== "head")
    .map(([method, operation]) => ({ path, method, operation })),
);

t.test("the committed files are the generated ones", async (t) => {
  for (const script of ["scripts/openapi/openapi.ts", "scripts/lifecycles/lifecycles.ts"]) {
    const check = [...argumentsFor(script), "--check"];
    t.doesNotThrow(
      () => execFileSync(process.execPath, check, { cwd: projectRoot, stdio: "pipe" }),
      script,
    );
  }
});

t.test(
  "grep finds each operation by its name: where it is declared, a step also where it is handled",
  async (t) => {
    const sources = readSources();
    const filesWhere = (holds: typeof isDeclaredIn, operationId: string) =>
      sources.filter((source) => holds(source, operationId)).map(({ path }) => path);
    for (const { operation } of operations) {
      const { operationId } = operation;
      t.not(filesWhere(isDeclaredIn, operationId).length, 0, operationId);
    }
    for (const lifecycle of await readLifecycles()) {
      for (const [operationId, step] of stepsOf(lifecycle)) {
        if (!isCallers(step)) continue;
        t.ok(
          filesWhere(isDeclaredIn, operationId).some((path) => path.endsWith(".lifecycle.ts")),
          `${operationId}: its step`,
        );
        t.not(filesWhere(isHandledIn, operationId).length, 0, `${operationId}: its handler`);
      }
    }
  },
);

t.test(
  "it is served as JSON and as YAML, as the routes say, with the address of this market",
  async (t) => {
    t.match(served.openapi, /^3\.1/);
    const made = JSON.parse(JSON.stringify(market.app.swagger()));
    t.same(served, made, "npm run openapi was run");
    t.match(made.servers, [{ url: "https://market.test" }]);
    const yaml = await market.as(null)("GET", "/openapi.yaml");
    t.equal(yaml.status, 200);
    t.same(parse(yaml.text), made);
    for (const format of ["json", "yaml"]) {
      const [page, own] = [
        await market.as(null)("GET", `/docs/${format}`),
        await market.as(null)("GET", `/openapi.${format}`),
      ];
      t.same([page.status, page.text], [200, own.text], "nobody has it made anew");
    }
  },
);

t.test("a step that only the operator takes names no refusal of an owner", async (t) => {
  const refusals = new Map(
    operations.map(({ operation }) => [
      operation.operationId,
      operation.responses["403"]?.description ?? "",
    ]),
  );
  let operators = 0;
  for (const lifecycle of await readLifecycles()) {
    for (const [operationId, step] of stepsOf(lifecycle)) {
      if (!isCallers(step) || step.elsewhere || step.roles?.join() !== "operator") continue;
      operators += 1;
      t.notMatch(refusals.get(operationId), /not_owner/, operationId);
    }
  }
  t.ok(operators > 15);
});

t.test("every operation says what it is, who may call it and how it fails", async (t) => {
  t.ok(operations.length > 60);
  const ids = operations.map(({ operation }) => operation.operationId);
  t.equal(new Set(ids).size, ids.length, "operationIds are unique");
  for (const { path, method, operation } of operations) {
    const where = `${method} ${path}`;
    t.ok(operation.summary && operation.description && operation.tags.length > 0, where);
    t.ok(Array.isArray(operation.security), `${where}: security`);
    t.match(operation.description, /Who may call: /, where);
    t.ok(
      Object.keys(operation.responses).some((status) => status.startsWith("2")),
      where,
    );
    t.ok(operation.responses["500"]?.content?.["application/problem+json"], `${where}: 500`);
    if (method === "patch") {
      const header = operation.parameters?.find((parameter) => parameter.name === "If-Match");
      t.equal(header?.required, true, `${where}: If-Match`);
    }
  }
});

t.test("every body has an example that its schema takes", async (t) => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "openapi", components: served.components });
  const withBody = operations.filter(({ operation }) => operation.requestBody);
  t.ok(withBody.length > 25);
  for (const { path, method, operation } of withBody) {
    // What JSON Schema cannot say, such as a check digit, only the route's own zod object knows.
    const route = market.app.registeredRoutes.find(
      ({ schema }) => schema?.operationId === operation.operationId,
    );
    const body = route?.schema?.body as z.ZodType;
    for (const [type, { schema }] of Object.entries(operation.requestBody?.content ?? {})) {
      // An upload is a stream: there is nothing to show of it.
      if (type === "multipart/form-data") continue;
      const where = `${method} ${path}, ${type}`;
      const name = schema.$ref.replace("#/components/schemas/", "");
      const { examples = [] } = served.components.schemas[name] as { examples?: unknown[] };
      t.ok(examples.length > 0, `${where}: ${name} has an example`);
      const validate = ajv.compile({ $ref: `openapi${schema.$ref}` });
      for (const example of examples) {
        t.ok(validate(example), `${where}: ${ajv.errorsText(validate.errors)}`);
        t.equal(body.safeParse(example).error, undefined, where);
      }
    }
  }
});

t.test("components that nothing refers to are not there", async (t) => {
  const text = JSON.stringify(served);
  for (const name of Object.keys(served.components.schemas)) {
    t.ok(text.includes(`"#/components/schemas/${name}"`), name);
  }
});

t.test("the docs page is served by the API itself, without a CDN", async (t) => {
  const page = await market.app.inject("/docs");
  t.equal(page.statusCode, 200);
  t.notMatch(page.payload, /https?:\/\/(?!market\.test)/);
});

t.test("the page of lifecycles is served beside it, and the document tells where", async (t) => {
  t.match(served.externalDocs.url, /\/docs\/lifecycles$/);
  const page = await market.app.inject("/docs/lifecycles");
  t.equal(page.statusCode, 200);
  t.match(page.headers["content-type"], "text/markdown; charset=utf-8");
  t.equal(page.payload, readFileSync(join(projectRoot, "docs/lifecycles.md"), "utf8"));
});

async function appWith(define: (app: App) => void): Promise<App> {
  const app = Fastify() as unknown as App;
  await app.register(contract, { checkReplies: false });
  define(app);
  await app.ready();
  return app;
}
const complete = {
  operationId: "x",
  summary: "x",
  tags: ["x"],
  response: { 200: z.object({ a: z.string() }) },
};
const open = { config: { access: { public: true as const } } };

t.test("a route that leaves something undeclared does not boot", async (t) => {
  const without = (key: keyof typeof complete) => {
    const { [key]: _, ...schema } = complete;
    return appWith((app) => app.get("/x", { ...open, schema }, async () => ({ a: "" }) as never));
  };
  for (const key of ["operationId", "summary", "tags", "response"] as const) {
    await t.rejects(without(key), { message: new RegExp(key) }, key);
  }
  await t.rejects(
    appWith((app) => app.get("/x", { schema: complete }, async () => ({ a: "" }))),
    /access/,
  );
  await t.rejects(
    appWith((app) => app.get("/x", async () => ({}))),
    /declares no/,
  );
  await t.rejects(
    appWith((app) => app.post("/x", { ...open, schema: complete }, async () => ({ a: "" }))),
    /idempotency/,
  );
  await t.rejects(
    appWith((app) => app.patch("/x", { ...open, schema: complete }, async () => ({ a: "" }))),
    /ifMatch/,
  );
});

t.test("what the contract does not hold is not sent", async (t) => {
  const app = await appWith((app) => {
    app.get("/fields", { ...open, schema: { ...complete } }, async () => ({ a: "1", secret: "2" }));
    app.get(
      "/status",
      { ...open, schema: { ...complete, operationId: "y" } },
      async (_request, reply) => reply.code(202 as 200).send({ a: "1", secret: "2" } as never),
    );
    app.get(
      "/type",
      { ...open, schema: { ...complete, operationId: "z" } },
      async (_request, reply) =>
        reply.type("application/xml").send({ a: "1", secret: "2" } as never),
    );
  });
  t.same((await app.inject("/fields")).json(), { a: "1" }, "undeclared field");
  for (const path of ["/status", "/type"]) {
    const reply = await app.inject(path);
    t.equal(reply.statusCode, 500, path);
    t.notMatch(reply.payload, /secret/, path);
  }
  await app.close();
});
