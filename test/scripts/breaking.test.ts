/** What breaks clients of the last release, told apart from what does not. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import {
  breaksBetween,
  compareNamed,
  type Document,
  type Schema,
} from "../../scripts/openapi/breaks.ts";
import { projectRoot } from "../../src/lib/root.ts";

const object = (properties: Record<string, Schema>, required: string[] = []): Schema => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});
const json = (schema: Schema) => ({ "application/json": { schema } });
const text: Schema = { type: "string" };
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: "null" }] });

type Operation = Document["paths"][string][string];

const operation = (given: Partial<Operation> = {}): Operation => ({
  responses: { 200: { content: json(text) } },
  ...given,
});
const document = (post: Operation, schemas: Record<string, Schema> = {}): Document => ({
  paths: { "/things": { post } },
  components: { schemas },
});

const asked = (schema: Schema, schemas = {}) =>
  document(operation({ requestBody: { required: true, content: json(schema) } }), schemas);
const answered = (schema: Schema, schemas = {}) =>
  document(operation({ responses: { 200: { content: json(schema) } } }), schemas);

/** Each pair of schemas, with what it breaks in a request and in a reply. */
const ofSchemas: { what: string; pair: [Schema, Schema]; request: string[]; reply: string[] }[] = [
  {
    what: "an optional property that is new",
    pair: [object({ a: text }), object({ a: text, b: text })],
    request: [],
    reply: [],
  },
  {
    what: "a required property that is new",
    pair: [object({ a: text }), object({ a: text, b: text }, ["b"])],
    request: ["/b now required"],
    reply: [],
  },
  {
    what: "a property that is gone",
    pair: [object({ a: text, b: text }, ["b"]), object({ a: text })],
    request: ["/b removed"],
    reply: ["/b removed"],
  },
  {
    what: "a property that may be left out",
    pair: [object({ a: text }, ["a"]), object({ a: text })],
    request: [],
    reply: ["/a no longer required"],
  },
  {
    what: "any property, where only some are taken now",
    pair: [{ type: "object" }, { type: "object", additionalProperties: false }],
    request: ["other properties removed"],
    reply: [],
  },
  {
    what: "another type",
    pair: [object({ a: text }), object({ a: { type: "number" } })],
    request: ["/a type removed string"],
    reply: ["/a type added number"],
  },
  {
    what: "null beside it",
    pair: [object({ a: text }), object({ a: orNull(text) })],
    request: [],
    reply: ["/a type added null"],
  },
  {
    what: "null no longer, written in two ways",
    pair: [object({ a: { type: ["string", "null"] } }), object({ a: { oneOf: [text] } })],
    request: ["/a type removed null"],
    reply: [],
  },
  {
    what: "whole numbers only",
    pair: [{ type: "number" }, { type: "integer" }],
    request: ['type "number" -> "integer"'],
    reply: [],
  },
  {
    what: "a fraction",
    pair: [{ type: "integer" }, { type: "number" }],
    request: [],
    reply: ['type "integer" -> "number"'],
  },
  {
    what: "a value more",
    pair: [
      { type: "string", enum: ["a"] },
      { type: "string", enum: ["b", "a"] },
    ],
    request: [],
    reply: ['enum added "b"'],
  },
  {
    what: "a value less",
    pair: [{ type: "string", enum: ["a", "b"] }, { const: "a" }],
    request: ['enum removed "b"'],
    reply: [],
  },
  {
    what: "a list of values where there was none",
    pair: [text, { type: "string", enum: ["a"] }],
    request: ['enum none -> ["a"]'],
    reply: [],
  },
  {
    what: "tighter bounds",
    pair: [
      { type: "array", items: { type: "string", maxLength: 9 }, maxItems: 20 },
      { type: "array", items: { type: "string", maxLength: 8 }, maxItems: 10, minItems: 1 },
    ],
    request: ["maxItems 20 -> 10", "minItems none -> 1", "/[] maxLength 9 -> 8"],
    reply: [],
  },
  {
    what: "wider bounds",
    pair: [
      { type: "number", minimum: 1, maximum: 5 },
      { type: "number", minimum: 0 },
    ],
    request: [],
    reply: ["maximum 5 -> none", "minimum 1 -> 0"],
  },
  {
    what: "a pattern and a format that are new",
    pair: [text, { type: "string", pattern: "^a", format: "date" }],
    request: ['pattern none -> "^a"', 'format none -> "date"'],
    reply: [],
  },
  {
    what: "another format",
    pair: [
      { type: "string", format: "date" },
      { type: "string", format: "date-time" },
    ],
    request: ['format "date" -> "date-time"'],
    reply: ['format "date" -> "date-time"'],
  },
  {
    what: "values of a map",
    pair: [
      { type: "object", additionalProperties: { type: "string", maxLength: 5 } },
      { type: "object", additionalProperties: { type: "string", maxLength: 4 } },
    ],
    request: ["/{} maxLength 5 -> 4"],
    reply: [],
  },
  {
    what: "a place of a tuple",
    pair: [
      { type: "array", prefixItems: [text, text] },
      { type: "array", prefixItems: [text, { type: "number" }] },
    ],
    request: ["/1 type removed string"],
    reply: ["/1 type added number"],
  },
  {
    what: "the same, said with allOf",
    pair: [
      object({ a: text, b: text }, ["a", "b"]),
      { allOf: [object({ a: text }, ["a"]), object({ b: text }, ["b"])] },
    ],
    request: [],
    reply: [],
  },
  {
    what: "alternatives in another order, one of them changed",
    pair: [
      {
        oneOf: [
          object({ kind: { const: "a" }, x: text }, ["kind"]),
          object({ kind: { const: "b" }, y: text }, ["kind"]),
        ],
      },
      {
        oneOf: [
          object({ kind: { const: "b" }, y: text }, ["kind"]),
          object({ kind: { const: "a" }, x: { type: "string", maxLength: 3 } }, ["kind"]),
        ],
      },
    ],
    request: ["/x maxLength none -> 3"],
    reply: [],
  },
];

for (const { what, pair, request, reply } of ofSchemas) {
  t.test(`a schema: ${what}`, async (t) => {
    const [before, after] = pair;
    const lines = (place: string, breaks: string[]) =>
      breaks.map((one) => `POST /things ${place} ${one}`);
    t.same(breaksBetween(asked(before), asked(after)), lines("request", request));
    t.same(breaksBetween(answered(before), answered(after)), lines("200", reply));
  });
}

t.test(
  "a named schema that refers to itself is told once, by its name and direction",
  async (t) => {
    const tree = (most: number) => ({
      Node: object({
        label: { type: "string", maxLength: most },
        children: { type: "array", items: { $ref: "#/components/schemas/Node" } },
      }),
    });
    const node = { $ref: "#/components/schemas/Node" };
    const list = object({ first: node, second: { ...orNull(node), description: "b" } });
    t.same(breaksBetween(asked(list, tree(9)), asked(list, tree(8))), [
      "Node request /label maxLength 9 -> 8",
    ]);
    t.same(breaksBetween(answered(list, tree(8)), answered(list, tree(9))), [
      "Node reply /label maxLength 8 -> 9",
    ]);
  },
);

t.test("another name of a schema is nothing", async (t) => {
  const node = (name: string) => answered({ $ref: `#/x/${name}` }, { [name]: object({ a: text }) });
  t.same(breaksBetween(node("One"), node("Other")), []);
});

t.test("operations and paths", async (t) => {
  const before: Document = {
    paths: {
      "/things/{id}": { get: operation(), put: operation() },
      "/others": { get: operation() },
    },
  };
  const after: Document = { paths: { "/things/{thingId}": { get: operation() } } };
  t.same(breaksBetween(before, after), ["PUT /things/{id} removed", "GET /others removed"]);
  t.same(breaksBetween(after, before), [], "new ones break nobody");
});

t.test("parameters", async (t) => {
  const with_ = (...parameters: NonNullable<Operation["parameters"]>) =>
    document(operation({ parameters }));
  const limit = (maximum: number) => ({
    in: "query",
    name: "limit",
    schema: { type: "integer", maximum },
  });
  const place = "POST /things query limit";
  t.same(breaksBetween(with_(limit(100)), with_(limit(50))), [`${place} maximum 100 -> 50`]);
  t.same(breaksBetween(with_(limit(100)), with_()), [`${place} removed`]);
  t.same(breaksBetween(with_(), with_(limit(100))), []);
  const needed = { ...limit(100), required: true };
  t.same(breaksBetween(with_(), with_(needed)), [`${place} now required`]);
  t.same(breaksBetween(with_(limit(100)), with_(needed)), [`${place} now required`]);
  t.same(breaksBetween(with_(needed), with_(limit(100))), []);
  t.same(breaksBetween(with_(limit(9)), with_({ ...limit(9), explode: false })), [
    `${place} style`,
  ]);
  const header = (name: string) => with_({ in: "header", name, schema: text });
  t.same(breaksBetween(header("If-Match"), header("if-match")), []);
});

t.test("bodies, statuses, media types and headers", async (t) => {
  const body = (required: boolean, content: Record<string, object> = json(text)) =>
    document(operation({ requestBody: { required, content } }));
  const place = "POST /things";
  t.same(breaksBetween(body(false), body(true)), [`${place} request now required`]);
  t.same(breaksBetween(document(operation()), body(true)), [`${place} request now required`]);
  t.same(breaksBetween(body(true), document(operation())), [`${place} request removed`]);
  t.same(breaksBetween(body(true), body(true, { "text/csv": {} })), [
    `${place} request application/json removed`,
  ]);
  const replies = (responses: Operation["responses"]) => document(operation({ responses }));
  const page = { content: json(text), headers: { Location: {} } };
  t.same(breaksBetween(replies({ 200: page, 404: page }), replies({ 201: page })), [
    `${place} 200 removed`,
  ]);
  t.same(breaksBetween(replies({ 200: page }), replies({ 200: page, 201: page })), []);
  t.same(breaksBetween(replies({ 200: page }), replies({ 200: {} })), [
    `${place} 200 application/json removed`,
    `${place} 200 header Location removed`,
  ]);
});

t.test("who may call", async (t) => {
  const by = (...security: Record<string, string[]>[]) => document(operation({ security }));
  const gone = (way: string) => [`POST /things security no longer ${way}`];
  t.same(
    breaksBetween(by({ client: ["a"] }), by({ client: ["a", "b"] })),
    gone('{"client":["a"]}'),
  );
  t.same(breaksBetween(by({ client: ["a", "b"] }), by({ client: ["a"] })), []);
  t.same(
    breaksBetween(by({ person: [] }, { client: [] }), by({ person: [] })),
    gone('{"client":[]}'),
  );
  t.same(breaksBetween(by({ person: [] }), by({ client: [] }, { person: [] })), []);
  t.same(breaksBetween(by(), by({ person: [] })), gone("open"));
  t.same(breaksBetween(by({ person: [] }), by()), []);
  const otherwise = { ...document(operation()), security: [{ person: [] }] };
  t.same(breaksBetween(document(operation()), otherwise), gone("open"), "what holds for all");
});

t.test("what we send to a webhook is a reply", async (t) => {
  const hook = (schema: Schema): Document => ({
    paths: {},
    webhooks: { changed: { post: operation({ requestBody: { content: json(schema) } }) } },
  });
  t.same(breaksBetween(hook(object({ a: text })), hook(object({}))), [
    "POST changed reply /a removed",
  ]);
  t.same(breaksBetween(hook(object({})), hook(object({ a: text }, ["a"]))), []);
});

t.test("words, examples and order break nothing", async (t) => {
  const one = document(
    operation({
      parameters: [
        { in: "query", name: "a", schema: text },
        { in: "query", name: "b", schema: { enum: ["x", "y"] } },
      ],
      responses: { 200: { content: json(object({ a: text, b: orNull(text) }, ["a", "b"])) } },
    }),
  );
  const other = document(
    operation({
      ...{ summary: "Words", description: "More of them", tags: ["things"], operationId: "x" },
      responses: {
        200: {
          content: json({
            ...object(
              {
                b: { anyOf: [{ type: "null" }, { ...text, examples: ["q"] }], description: "b" },
                a: { ...text, title: "a", default: "z", examples: ["q"] },
              },
              ["b", "a"],
            ),
          }),
        },
      },
      parameters: [
        { in: "query", name: "b", schema: { enum: ["y", "x"], description: "b" } },
        { in: "query", name: "a", schema: text },
      ],
    }),
  );
  t.same(breaksBetween(one, other), []);
  t.same(breaksBetween(other, one), []);
});

t.test("the changelog's newest section names what is meant to break", async (t) => {
  const breaks = ["GET /a removed", "Patch request /x type removed null", "Put request /y removed"];
  const named = (...lines: string[]) =>
    compareNamed(breaks, `# Changelog\n\n## 2\n\n${lines.join("\n")}\n\n## 1\n\n- none\n`);
  t.same(named().unnamed, breaks);
  t.match(
    named("- breaking: `GET /a removed` nobody called it", "  - breaking: `P* request /*` (2)"),
    {
      unnamed: [],
      wrong: [],
    },
  );
  t.match(named("- breaking: `GET /a`", "- breaking: `*` (4)", "- breaking: `GET .* removed`"), {
    wrong: [
      "- breaking: `GET /a`: it names 0",
      "- breaking: `*` (4): it names 3",
      "- breaking: `GET .* removed`: it names 0",
    ],
  });
  t.same(
    compareNamed(breaks, "## 3\n\n- nothing\n\n## 2\n\n- breaking: `*` (3)\n").unnamed,
    breaks,
    "an older section does not count",
  );
});

t.test("this version's document breaks what the changelog names, and nothing else", async (t) => {
  const read = (name: string) => readFileSync(join(projectRoot, name), "utf8");
  const [before, after] = ["released", "openapi"].map(
    (name) => JSON.parse(read(`openapi/${name}.json`)) as Document,
  );
  if (!before || !after) throw new Error("two documents");
  t.same(compareNamed(breaksBetween(before, after), read("CHANGELOG.md")), {
    unnamed: [],
    wrong: [],
  });
  const without = structuredClone(after);
  delete without.paths["/v1/contracts"]?.post;
  t.same(breaksBetween(after, without), ["POST /v1/contracts removed"]);
});
