/** Requests made from the OpenAPI document: as it says, nearly so, and as nobody should send them. */
import fc from "fast-check";
import { taxonomies } from "../../db/taxonomies/index.ts";

type Json = Record<string, unknown>;

interface Schema extends Json {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  description?: string;
  examples?: unknown[];
}

export interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

interface Operation {
  operationId: string;
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

/** One request, ready to be sent. */
export interface FuzzRequest {
  operationId: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  body: Buffer | undefined;
}

/** What a client's library would never send, and an attacker does. */
const hostileText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc.constantFrom(
    ...["", " ", "\u0000", "\ud800", "\u202e", "\u200b\u200b", "null", "undefined", "NaN", "-1"],
    ...["../../etc/passwd", "%00", "%2e%2e%2f", "'; drop table needs; --", "<script>", "{{7*7}}"],
    ...[
      "__proto__",
      "constructor",
      "2026-02-30",
      "9".repeat(400),
      "1e999",
      "0x10",
      "+5",
      "٣",
      "５",
    ],
    ...[
      "９００７１９９２５４７４０９９３",
      "1,2",
      "*",
      '"7-x"',
      "W/",
      "\r\nSet-Cookie: x=1",
      "😀".repeat(50),
    ],
  ),
);
const hostile: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom(null, true, -1, 0, 1.5, 1e21, 2 ** 53, [], {}, [[[[]]]], [null]),
  fc.constant({ __proto__: null, constructor: { prototype: {} } }),
  fc.json().map((text) => JSON.parse(text)),
  fc.integer({ min: 1, max: 3_000 }).map((length) => Array.from({ length }, () => "x")),
  fc.integer({ min: 1, max: 30_000 }).map((length) => "长".repeat(length)),
);

/** Makes values that a schema takes. @param ids of things that are there, for fields that hold an id */
export function valuesOf(document: Document, ids: readonly string[]) {
  const knownId = fc.constantFrom(...ids);
  const anyId = fc.oneof({ weight: 6, arbitrary: knownId }, fc.uuid({ version: 7 }));
  const resolve = (schema: Schema): Schema =>
    schema.$ref ? (document.components.schemas[schema.$ref.split("/").at(-1) ?? ""] ?? {}) : schema;

  function text(schema: Schema): fc.Arbitrary<unknown> {
    const { format, pattern, minLength = 0, maxLength = 60, description = "" } = schema;
    const taxonomy = /taxonomy `([a-z-]+)`/.exec(description)?.[1];
    const codes = taxonomies.find(({ name }) => name === taxonomy)?.items.map(({ code }) => code);
    if (codes?.length) return fc.constantFrom(...codes);
    if (format === "uuid") return anyId;
    if (format === "date") {
      return fc
        .date({ min: new Date("1999-01-01"), max: new Date("2040-01-01"), noInvalidDate: true })
        .map((date) => date.toISOString().slice(0, 10));
    }
    if (format === "date-time") {
      return fc
        .date({ min: new Date("1999-01-01"), max: new Date("2040-01-01"), noInvalidDate: true })
        .map((date) => date.toISOString());
    }
    if (format === "email") return fc.emailAddress();
    if (format === "uri") return fc.webUrl();
    if (pattern) {
      try {
        return fc.stringMatching(new RegExp(pattern));
      } catch {
        return hostileText;
      }
    }
    const length = { minLength, maxLength: Math.min(maxLength, minLength + 60) };
    return fc.string({ unit: fc.constantFrom(..."甲乙丙丁戊己庚辛壬癸abc123 "), ...length });
  }

  function valid(given: Schema, depth = 0): fc.Arbitrary<unknown> {
    const schema = resolve(given);
    const examples = schema.examples ?? [];
    const made = build(schema, depth);
    return examples.length > 0
      ? fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...examples) }, made)
      : made;
  }

  function build(schema: Schema, depth: number): fc.Arbitrary<unknown> {
    const options = schema.anyOf ?? schema.oneOf;
    if (options?.length) return fc.oneof(...options.map((one) => valid(one, depth + 1)));
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum?.length) return fc.constantFrom(...schema.enum);
    const types = [schema.type ?? []].flat();
    if (types.length > 1) {
      return fc.oneof(...types.map((type) => build({ ...schema, type }, depth)));
    }
    switch (types[0]) {
      case "string":
        return text(schema);
      case "integer":
      case "number":
        return fc.integer({
          min: Math.max(schema.minimum ?? 0, -(2 ** 31)),
          max: Math.min(schema.maximum ?? 1_000, 2 ** 31 - 1),
        });
      case "boolean":
        return fc.boolean();
      case "null":
        return fc.constant(null);
      case "array":
        return fc.array(valid(schema.items ?? {}, depth + 1), {
          minLength: schema.minItems ?? 0,
          maxLength: Math.min(schema.maxItems ?? 3, (schema.minItems ?? 0) + 3),
        });
      case "object": {
        const properties = Object.entries(schema.properties ?? {});
        if (depth > 6 || properties.length === 0) return fc.constant({});
        const model = Object.fromEntries(
          properties.map(([name, one]) => [name, valid(one, depth + 1)]),
        );
        return fc.record(model, { requiredKeys: schema.required ?? [] });
      }
      default:
        return hostile;
    }
  }

  return { valid, anyId, resolve };
}

/** Puts something else in one place of a value. */
const spoiled = (value: unknown): fc.Arbitrary<unknown> => {
  if (typeof value !== "object" || value === null) return hostile;
  const keys = Object.keys(value);
  if (keys.length === 0) return hostile;
  return fc.tuple(fc.constantFrom(...keys), hostile, fc.nat(3)).chain(([key, bad, how]) => {
    const copy: Json | unknown[] = Array.isArray(value) ? [...value] : { ...value };
    const place = copy as Json;
    if (how === 0) return fc.constant({ ...place, [`未知${key}`]: bad });
    if (how === 1 && !Array.isArray(copy)) {
      delete place[key];
      return fc.constant(copy);
    }
    if (how === 2) {
      return spoiled(place[key]).map((inner) => Object.assign(copy as object, { [key]: inner }));
    }
    return fc.constant(Object.assign(copy as object, { [key]: bad }));
  });
};

/** What is sent, before it is written down; `raw` in place of the body. */
interface Drawn {
  kind: string;
  query: unknown;
  ids: unknown;
  body: unknown;
  headers: Record<string, string | undefined>;
  raw: Buffer | null;
}

/** As it would stand in a URL or a form. */
const textOf = (value: unknown): string =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);

const encode = (text: string) => encodeURIComponent(text.isWellFormed() ? text : "�");

/** Requests of one operation, each of one of three kinds. */
function requestsOf(
  path: string,
  method: string,
  operation: Operation,
  { valid, anyId }: ReturnType<typeof valuesOf>,
): fc.Arbitrary<FuzzRequest> {
  const parameters = operation.parameters ?? [];
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const queries = parameters.filter((one) => one.in === "query");
  const query = fc.record(
    Object.fromEntries(queries.map(({ name, schema }) => [name, valid(schema)])),
    { requiredKeys: queries.filter(({ required }) => required).map(({ name }) => name) },
  );
  const places = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const ids = fc.record(
    Object.fromEntries(
      places.map((name) => {
        const schema = parameters.find((one) => one.in === "path" && one.name === name)?.schema;
        return [name, schema?.format === "uuid" || !schema ? anyId : valid(schema)];
      }),
    ),
  );
  const body = content ? valid(content.schema) : fc.constant(undefined);
  const headers = fc.record(
    {
      "if-match": fc.constantFrom("*", '"1-"', '"2-"', '"1-xxxx"', "foo*bar", ""),
      "if-none-match": fc.constantFrom("*", '"1-x"', ""),
      "idempotency-key": fc.oneof(fc.uuid(), fc.constantFrom("", '"', "k".repeat(300), "same")),
      "accept-language": fc.constantFrom("en", "zh", "*;q=0", "😀", ""),
      "content-encoding": fc.constantFrom("identity", "gzip"),
      range: fc.constantFrom("bytes=0-1", "bytes=9-1", "x"),
    },
    { requiredKeys: [] },
  );
  return fc
    .record({ kind: fc.constantFrom("valid", "near", "hostile"), query, ids, body, headers })
    .chain((one): fc.Arbitrary<Drawn> => {
      if (one.kind === "valid") return fc.constant({ ...one, raw: null });
      const isNear = one.kind === "near";
      return fc.record({
        kind: fc.constant(one.kind),
        headers: fc.constant(one.headers),
        query: isNear ? fc.oneof(fc.constant(one.query), spoiled(one.query)) : spoiled(one.query),
        ids: isNear
          ? fc.constant(one.ids)
          : fc.oneof(fc.constant(one.ids), spoiled(one.ids) as fc.Arbitrary<Json>),
        body: one.body === undefined ? fc.option(hostile, { nil: undefined }) : spoiled(one.body),
        raw: isNear
          ? fc.constant(null)
          : fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))),
      });
    })
    .map(({ kind, query, ids, body, headers, raw }) => {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
        const part = textOf((ids as Json)[name]);
        // The parser of URLs takes `.` and `..` out, also encoded: it would be another address.
        return encode(/^\.{0,2}$/.test(part) ? "x" : part);
      });
      const pairs = Object.entries((query ?? {}) as Json).map(
        ([name, value]) => `${encode(name)}=${encode(textOf(value))}`,
      );
      const url = pairs.length > 0 ? `${filled}?${pairs.join("&")}` : filled;
      const sent: Record<string, string> = {};
      for (const [name, value] of Object.entries(headers)) {
        // Valid requests say what they must, and nothing that nobody would.
        if (kind !== "valid") sent[name] = String(value).replaceAll(/[^\x20-\x7e]/g, "?");
      }
      if (kind === "valid" && method === "patch") sent["if-match"] = "*";
      const isForm = type?.startsWith("application/x-www-form-urlencoded");
      const written = raw ?? (body === undefined ? undefined : encodedBody(body, isForm ?? false));
      if (written) sent["content-type"] = type ?? "application/json";
      return {
        operationId: operation.operationId,
        method: method.toUpperCase(),
        url,
        headers: sent,
        body: written,
      };
    });
}

function encodedBody(body: unknown, isForm: boolean): Buffer {
  if (!isForm) return Buffer.from(JSON.stringify(body) ?? "null");
  const pairs = Object.entries((body ?? {}) as Json).map(
    ([name, value]) => `${encode(name)}=${encode(textOf(value))}`,
  );
  return Buffer.from(pairs.join("&"));
}

/** Requests of all operations but some. */
export function requestsFrom(
  document: Document,
  ids: readonly string[],
  without: ReadonlySet<string>,
): fc.Arbitrary<FuzzRequest> {
  const values = valuesOf(document, ids);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { operationId }]) => operationId && !without.has(operationId))
      .map(([method, operation]) => requestsOf(path, method, operation, values)),
  );
  return fc.oneof(...operations);
}
