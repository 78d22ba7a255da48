/** zod schemas as JSON Schema: one flavour for the reply serializers, one for the OpenAPI document. */
import { z } from "zod";

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** `anyOf [X, null]` -> X, nullable. The serializer checks `anyOf` at run time; `nullable` is compiled. */
function flattenNullable(schema: JsonSchema): void {
  const options = schema.anyOf;
  if (options?.length !== 2) return;
  const index = options.findIndex((option) => (option as JsonSchema).type === "null");
  if (index === -1) return;
  const other = options[1 - index] as JsonSchema;
  delete schema.anyOf;
  Object.assign(schema, other, { nullable: true });
}

/** Draft 7 of what a reply holds, for fast-json-stringify. */
export function replySchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    target: "draft-7",
    io: "output",
    unrepresentable: "any",
    reused: "inline",
    override: ({ jsonSchema, zodSchema }) => {
      if (zodSchema._zod.def.type === "nullable") flattenNullable(jsonSchema);
      // Meant for readers; the serializer would take `id` for a base URI.
      delete jsonSchema.id;
      delete jsonSchema.examples;
    },
  });
}

/** Keys of `meta()` that are for this program, not for the document's readers. */
const privateKeys = ["taxonomy"] as const;

const uuidPattern = /^\^\(\[0-9a-fA-F\]/;

/** JSON Schema 2020-12 as OpenAPI 3.1 takes it; schemas that carry an id become `$defs`. */
function documentSchema(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  return z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io,
    unrepresentable: "any",
    override: ({ jsonSchema, zodSchema }) => {
      // What stands for a value that does not fit is for this program.
      if (zodSchema._zod.def.type === "catch") delete jsonSchema.default;
      for (const key of privateKeys) delete jsonSchema[key];
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.pattern && (jsonSchema.format || uuidPattern.test(jsonSchema.pattern))) {
        delete jsonSchema.pattern;
      }
      if (jsonSchema.example !== undefined) {
        jsonSchema.examples = [jsonSchema.example];
        delete jsonSchema.example;
      }
      // A reply may gain members in a later minor version; only requests are closed.
      if (io === "output") delete jsonSchema.additionalProperties;
    },
  });
}

/** What goes in may differ from what comes out (defaults): then the request's variant says so. */
const nameFor = (id: string, io: "input" | "output"): string =>
  io === "input" && !/(Input|Patch)$/.test(id) ? `${id}Input` : id;

/** Collects the named schemas of a document while its parts are converted. */
export class Components {
  readonly schemas = new Map<string, JsonSchema>();

  /** A schema for the document; what it names is put among the components and referred to. */
  convert(schema: z.ZodType, io: "input" | "output"): JsonSchema {
    const { $schema, $defs, ...rest } = documentSchema(schema, io);
    const names = new Map<string, string>();
    for (const id of Object.keys($defs ?? {})) {
      names.set(id, nameFor(id, io));
    }
    const id = typeof rest.id === "string" ? rest.id : null;
    const point = (value: unknown): unknown => this.#repoint(value, names);
    for (const [key, definition] of Object.entries($defs ?? {})) {
      const { id: _, ...body } = definition as JsonSchema;
      this.schemas.set(names.get(key) ?? key, point(body) as JsonSchema);
    }
    delete rest.id;
    const body = point(rest) as JsonSchema;
    if (!id) return body;
    const name = nameFor(id, io);
    this.schemas.set(name, body);
    return { $ref: `#/components/schemas/${name}` };
  }

  #repoint(value: unknown, names: Map<string, string>): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#repoint(item, names));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => {
        if (key === "$ref" && typeof member === "string") {
          const id = member.replace("#/$defs/", "");
          return [key, `#/components/schemas/${names.get(id) ?? id}`];
        }
        return [key, this.#repoint(member, names)];
      }),
    );
  }
}
