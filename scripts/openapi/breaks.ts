/**
 * What breaks a client between two OpenAPI 3.1 documents, as far as it shows on the wire: words, order, examples
 * and operationIds may change.
 *
 * A request breaks when the later document refuses what the earlier one took; a reply when it holds what the
 * earlier one did not lead to expect. New optional properties break neither. One rule tells all that: what is
 * `told` must fit into what is `taken`. Of a request the earlier document tells and the later one takes; of a
 * reply the later one tells and the earlier one (a client that knows it) takes.
 */

export interface Schema {
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
  propertyNames?: Schema;
  items?: Schema;
  prefixItems?: Schema[];
  pattern?: string;
  format?: string;
  [keyword: string]: unknown;
}

type Content = Record<string, { schema?: Schema }>;

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema?: Schema;
  style?: string;
  explode?: boolean;
}

interface Operation {
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, { content?: Content; headers?: Record<string, unknown> }>;
  security?: Record<string, string[]>[];
}

export interface Document {
  paths: Record<string, Record<string, Operation>>;
  webhooks?: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
  security?: Record<string, string[]>[];
}

type Direction = "request" | "reply";
type Pair<T> = readonly [before: T, after: T];

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/** A value of these may not be above that of `taken`. */
const highest = [
  ...["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"],
] as const;
/** A value of these may not be below that of `taken`. */
const lowest = [
  ...["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"],
] as const;

/** What both say together, roughly: of a keyword that both have the second one's value counts. */
const both = (one: Schema, other: Schema): Schema => {
  const properties = { ...one.properties, ...other.properties };
  for (const name of Object.keys(one.properties ?? {})) {
    const second = other.properties?.[name];
    if (second) properties[name] = { allOf: [one.properties?.[name] ?? {}, second] };
  }
  const required = [...new Set([...(one.required ?? []), ...(other.required ?? [])])];
  return {
    ...one,
    ...other,
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(required.length > 0 && { required }),
  };
};

const nameOf = (schema: Schema): string | undefined => schema.$ref?.split("/").at(-1);

const listOf = (type: Schema["type"]): string[] => (type === undefined ? [] : [type].flat());

/** Of what kind the values of an alternative are; `any` where it does not say. */
function kindOf({ type, enum: values }: Schema): string {
  if (typeof type === "string") return type === "integer" ? "number" : type;
  if (!values) return "any";
  const [first] = values;
  return first === null ? "null" : typeof first;
}

/** The place within it: `[]` an item of a list, `{}` a member of any name. */
const under = (place: string, name: string): string =>
  `${place}${/ \/[^ ]*$/.test(place) ? "" : " "}/${name}`;

/** Compares two documents of one API over its life. */
class Comparison {
  readonly #documents: Pair<Document>;
  /** Breaks of pairs of named schemas that have been looked at, or are being looked at: schemas refer to each other. */
  readonly #known = new Map<string, string[]>();

  constructor(documents: Pair<Document>) {
    this.#documents = documents;
  }

  #resolve(schema: Schema, of: 0 | 1): Schema {
    const name = nameOf(schema);
    const found = name && this.#documents[of].components?.schemas?.[name];
    if (name && !found) throw new Error(`There is no schema ${name}.`);
    return found || schema;
  }

  /** A schema as the list of its alternatives, each of one type; what stands beside them goes into each. */
  #alternatives(given: Schema, of: 0 | 1): Schema[] {
    const resolved = this.#resolve(given, of);
    const { allOf, anyOf, oneOf, description, title, examples, ...own } = resolved;
    let list: Schema[] = [own];
    for (const part of allOf ?? []) {
      const ones = this.#alternatives(part, of);
      list = list.flatMap((one) => ones.map((other) => both(one, other)));
    }
    for (const choice of [anyOf, oneOf]) {
      if (!choice) continue;
      // A name is kept where nothing stands beside it: breaks are told of it, once.
      const bare = (branch: Schema) => Object.keys(own).length === 0 && nameOf(branch) && !allOf;
      const ones = choice.flatMap((branch) =>
        bare(branch) ? [{ $ref: branch.$ref }] : this.#alternatives(branch, of),
      );
      list = list.flatMap((one) => ones.map((other) => both(one, other)));
    }
    return list.flatMap(({ const: value, ...one }) => {
      const plain: Schema = value === undefined ? one : { ...one, enum: [value] };
      const types = listOf(plain.type);
      return types.length > 1
        ? types.map((type) => ({ ...plain, type }))
        : [{ ...plain, ...(types[0] && { type: types[0] }) }];
    });
  }

  /**
   * The breaks of a schema.
   * @param place where it stands, such as `POST /v1/contracts request /buyers`
   */
  schemas(pair: Pair<Schema>, direction: Direction, place: string): string[] {
    const [before, after] = pair.map(nameOf);
    if (!before && !after) return this.#unnamed(pair, direction, place);
    const key = `${direction} ${before} ${after}`;
    const known = this.#known.get(key);
    if (known) return known;
    const breaks: string[] = [];
    this.#known.set(key, breaks);
    // What has the same name in both is told by its name, wherever it is used.
    const at = before === after ? `${before} ${direction}` : place;
    const resolved = [this.#resolve(pair[0], 0), this.#resolve(pair[1], 1)] as const;
    breaks.push(...this.schemas(resolved, direction, at));
    return breaks;
  }

  #unnamed(pair: Pair<Schema>, direction: Direction, place: string): string[] {
    const request = direction === "request";
    const all = [this.#alternatives(pair[0], 0), this.#alternatives(pair[1], 1)] as const;
    const [told, taken] = request ? all : [all[1], all[0]];
    return told.flatMap((one) => {
      const tries = taken
        .filter((other) => this.#alike(one, other, request))
        .map((other) => {
          const alternatives = request ? ([one, other] as const) : ([other, one] as const);
          return one.$ref || other.$ref
            ? this.schemas(alternatives, direction, place)
            : this.#simple(alternatives, direction, place);
        })
        .sort((a, b) => a.length - b.length);
      const change = request ? "removed" : "added";
      return tries[0] ?? [`${place} type ${change} ${nameOf(one) ?? kindOf(one)}`];
    });
  }

  /** Whether the one may have become the other. */
  #alike(told: Schema, taken: Schema, request: boolean): boolean {
    const kinds = [told, taken].map((schema, index) =>
      kindOf(this.#resolve(schema, (index === 0) === request ? 0 : 1)),
    );
    return kinds[1] === "any" || kinds[0] === kinds[1];
  }

  /** The breaks of two alternatives of one kind. */
  #simple(pair: Pair<Schema>, direction: Direction, place: string): string[] {
    const request = direction === "request";
    const [before, after] = pair;
    const [told, taken] = request ? pair : [after, before];
    const breaks: string[] = [];
    const changed = (keyword: string) => {
      const [from, to] = pair.map((schema) => JSON.stringify(schema[keyword]) ?? "none");
      breaks.push(`${place} ${keyword} ${from} -> ${to}`);
    };

    if (taken.type === "integer" && told.type === "number") changed("type");
    if (taken.enum) {
      const values = taken.enum.map((value) => JSON.stringify(value));
      if (!told.enum) changed("enum");
      for (const value of told.enum ?? []) {
        const word = JSON.stringify(value);
        if (values.includes(word)) continue;
        breaks.push(`${place} enum ${request ? "removed" : "added"} ${word}`);
      }
    }
    // Each value of an enum is known.
    if (!told.enum) {
      for (const keyword of highest) {
        const [most, own] = [taken[keyword], told[keyword]] as (number | undefined)[];
        if (most !== undefined && !(own !== undefined && own <= most)) changed(keyword);
      }
      for (const keyword of lowest) {
        const [least, own] = [taken[keyword], told[keyword]] as (number | undefined)[];
        if (least !== undefined && !(own !== undefined && own >= least)) changed(keyword);
      }
      for (const keyword of ["pattern", "format", "multipleOf", "uniqueItems", "contentEncoding"]) {
        if (taken[keyword] && taken[keyword] !== told[keyword]) changed(keyword);
      }
    }
    breaks.push(...this.#objects(pair, direction, place));
    if (before.items && after.items) {
      breaks.push(...this.schemas([before.items, after.items], direction, under(place, "[]")));
    } else if (taken.items) changed("items");
    const places = Math.max(before.prefixItems?.length ?? 0, after.prefixItems?.length ?? 0);
    for (let at = 0; at < places; at++) {
      const items = [before.prefixItems?.[at] ?? {}, after.prefixItems?.[at] ?? {}] as const;
      breaks.push(...this.schemas(items, direction, under(place, String(at))));
    }
    return breaks;
  }

  #objects(pair: Pair<Schema>, direction: Direction, place: string): string[] {
    const request = direction === "request";
    const [before, after] = pair;
    const breaks: string[] = [];
    for (const [name, property] of Object.entries(before.properties ?? {})) {
      const later = after.properties?.[name];
      const at = under(place, name);
      if (later) breaks.push(...this.schemas([property, later], direction, at));
      else breaks.push(`${at} removed`);
    }
    const [more, fewer] = request ? [after, before] : [before, after];
    for (const name of more.required ?? []) {
      if (fewer.required?.includes(name)) continue;
      // What is gone is told already.
      if (!request && !after.properties?.[name]) continue;
      const at = under(place, name);
      breaks.push(`${at} ${request ? "now required" : "no longer required"}`);
    }
    const [rest, laterRest] = [before.additionalProperties, after.additionalProperties];
    if (typeof rest === "object" && typeof laterRest === "object") {
      breaks.push(...this.schemas([rest, laterRest], direction, under(place, "{}")));
    } else if (request && rest !== false && laterRest === false && before.type === "object") {
      breaks.push(`${place} other properties removed`);
    } else if (typeof rest === "object" && laterRest === false) {
      breaks.push(`${place} other properties removed`);
    }
    if (before.propertyNames && after.propertyNames) {
      const names = [before.propertyNames, after.propertyNames] as const;
      breaks.push(...this.schemas(names, direction, `${place} names`));
    }
    return breaks;
  }

  #content(pair: Pair<Content>, direction: Direction, place: string): string[] {
    const [before, after] = pair;
    return Object.entries(before).flatMap(([type, { schema = {} }]) => {
      const later = after[type];
      if (!later) return [`${place} ${type} removed`];
      return this.schemas([schema, later.schema ?? {}], direction, place);
    });
  }

  #parameters(pair: Pair<Parameter[]>, place: string): string[] {
    const [before, after] = pair;
    // Names of headers have no case; those of a path's parameters are not on the wire, their order is.
    const keys = (list: Parameter[]) => {
      let inPath = 0;
      return new Map(
        list.map((one) => {
          const name = one.in === "header" ? one.name.toLowerCase() : one.name;
          return [`${one.in} ${one.in === "path" ? inPath++ : name}`, one] as const;
        }),
      );
    };
    const [earlier, later] = [keys(before), keys(after)];
    const breaks: string[] = [];
    for (const [key, one] of earlier) {
      const at = `${place} ${one.in} ${one.name}`;
      const other = later.get(key);
      if (!other) {
        breaks.push(`${at} removed`);
        continue;
      }
      breaks.push(...this.schemas([one.schema ?? {}, other.schema ?? {}], "request", at));
      if (one.style !== other.style || one.explode !== other.explode) breaks.push(`${at} style`);
    }
    for (const [key, one] of later) {
      const known = earlier.get(key);
      if (one.required && !known?.required) {
        breaks.push(`${place} ${one.in} ${one.name} now required`);
      }
    }
    return breaks;
  }

  #security(pair: Pair<Operation>, place: string): string[] {
    const [before, after] = pair.map(
      (one, index) => one.security ?? this.#documents[index]?.security ?? [],
    ) as [Record<string, string[]>[], Record<string, string[]>[]];
    if (after.length === 0) return [];
    // A caller who was let in by one of the earlier ways must be by one of the later ones.
    return (before.length === 0 ? [{}] : before)
      .filter(
        (way: Record<string, string[]>) =>
          !after.some((other) =>
            Object.entries(other).every(
              ([scheme, scopes]) =>
                scopes.every((scope) => way[scheme]?.includes(scope)) && way[scheme],
            ),
          ),
      )
      .map(
        (way) =>
          `${place} security no longer ${Object.keys(way).length > 0 ? JSON.stringify(way) : "open"}`,
      );
  }

  /** @param outgoing whether we call: a webhook */
  #operation(pair: Pair<Operation>, place: string, outgoing: boolean): string[] {
    const [before, after] = pair;
    const breaks = [
      ...this.#parameters([before.parameters ?? [], after.parameters ?? []], place),
      ...this.#security(pair, place),
    ];
    const asked = before.requestBody;
    const body = after.requestBody;
    const direction = outgoing ? "reply" : "request";
    if (asked && !body) breaks.push(`${place} ${direction} removed`);
    if (!outgoing && body?.required && !asked?.required)
      breaks.push(`${place} request now required`);
    if (asked && body) {
      breaks.push(
        ...this.#content([asked.content, body.content], direction, `${place} ${direction}`),
      );
    }
    for (const [status, response] of Object.entries(before.responses)) {
      const at = `${place} ${status}`;
      const later = after.responses[status];
      if (!later) {
        // A fault that cannot come any more breaks nobody.
        if (/^[123]/.test(status)) breaks.push(`${at} removed`);
        continue;
      }
      breaks.push(
        ...this.#content(
          [response.content ?? {}, later.content ?? {}],
          outgoing ? "request" : "reply",
          at,
        ),
      );
      const headers = Object.keys(later.headers ?? {}).map((name) => name.toLowerCase());
      for (const name of Object.keys(response.headers ?? {})) {
        if (!headers.includes(name.toLowerCase())) breaks.push(`${at} header ${name} removed`);
      }
    }
    return breaks;
  }

  /** All breaks, each once. */
  all(): string[] {
    const breaks = (["paths", "webhooks"] as const).flatMap((part) => {
      const [before = {}, after = {}] = this.#documents.map((document) => document[part]);
      const bare = (path: string) => path.replaceAll(/\{[^}]*\}/g, "{}");
      const later = new Map(Object.entries(after).map(([path, item]) => [bare(path), item]));
      return Object.entries(before).flatMap(([path, item]) =>
        methods.flatMap((method) => {
          const operation = item[method];
          if (!operation) return [];
          const place = `${method.toUpperCase()} ${path}`;
          const other = later.get(bare(path))?.[method];
          if (!other) return [`${place} removed`];
          return this.#operation([operation, other], place, part === "webhooks");
        }),
      );
    });
    return [...new Set(breaks)];
  }
}

/** What breaks a client of the document `before` that calls an API of the document `after`, a line each. */
export const breaksBetween = (before: Document, after: Document): string[] =>
  new Comparison([before, after]).all();

/**
 * What the newest section of a changelog names, each in a line "- breaking: `...`": a break word for word, or
 * with `*` for any text several of them, whose number stands behind it, such as "(3)".
 * @returns the breaks that it does not name, and the lines that name none, or another number of them
 */
export function compareNamed(
  breaks: readonly string[],
  changelog: string,
): { unnamed: string[]; wrong: string[] } {
  const [, newest = ""] = changelog.split(/^## /m);
  const lines = [...newest.matchAll(/^\s*- breaking: `(.+?)`(?: \((\d+)\))?/gm)];
  const names = lines.map(([line, pattern = "", count = "1"]) => {
    const parts = pattern.split("*").map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&"));
    const meant = new RegExp(`^${parts.join(".*")}$`);
    const found = breaks.filter((one) => one === pattern || meant.test(one));
    return { line: line.trim(), found, isRight: found.length === Number(count) };
  });
  return {
    unnamed: breaks.filter((one) => !names.some(({ found }) => found.includes(one))),
    wrong: names.flatMap(({ line, found, isRight }) =>
      isRight ? [] : [`${line}: it names ${found.length}`],
    ),
  };
}
