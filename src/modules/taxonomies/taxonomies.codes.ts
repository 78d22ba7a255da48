/** Where a schema holds taxonomy codes: `taxonomyCode("regions")` is all that a feature says of them. */
import { z } from "zod";

/** One field of an input that holds a code; a null code is no code. */
export interface CodeAt {
  path: readonly (string | number)[];
  taxonomy: string;
  code: string | null;
}

type Path = readonly (string | number)[];
type Read = (value: unknown, path: Path) => CodeAt[];

const nothing: Read = () => [];

/** Read from a schema once; it is asked for each request. */
const readers = new WeakMap<z.ZodType, Read>();

function readerOf(schema: z.ZodType): Read {
  const known = readers.get(schema);
  if (known) return known;
  const reader = build(schema);
  readers.set(schema, reader);
  return reader;
}

function build(schema: z.ZodType): Read {
  const taxonomy = schema.meta()?.taxonomy;
  if (typeof taxonomy === "string") {
    return (value, path) => (typeof value === "string" ? [{ path, taxonomy, code: value }] : []);
  }
  if (schema instanceof z.ZodObject) return ofObject(schema);
  if (schema instanceof z.ZodArray) {
    const item = readerOf(schema.element as z.ZodType);
    if (item === nothing) return nothing;
    return (value, path) =>
      Array.isArray(value) ? value.flatMap((one, i) => item(one, [...path, i])) : [];
  }
  if (schema instanceof z.ZodUnion) {
    const options = (schema.options as readonly z.ZodType[]).map((option) => ({
      option,
      read: readerOf(option),
    }));
    if (options.every(({ read }) => read === nothing)) return nothing;
    // Which of them the value is, only parsing tells.
    return (value, path) =>
      options.find(({ option }) => option.safeParse(value).success)?.read(value, path) ?? [];
  }
  if (schema instanceof z.ZodPipe) return readerOf(schema.in as z.ZodType);
  if (
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  ) {
    return readerOf(schema.unwrap() as z.ZodType);
  }
  return nothing;
}

function ofObject(schema: z.ZodObject): Read {
  const fields = Object.entries(schema.shape)
    .map(([name, field]) => ({ name, read: readerOf(field as z.ZodType) }))
    .filter(({ read }) => read !== nothing);
  if (fields.length === 0) return nothing;
  return (value, path) => {
    if (typeof value !== "object" || value === null) return [];
    const given = value as Record<string, unknown>;
    return fields.flatMap(({ name, read }) => read(given[name], [...path, name]));
  };
}

/**
 * The codes that a value holds, where its schema says that there is one.
 * @param schema of the value; what it says in `.meta({ taxonomy })` counts
 * @param path where the value stands in the body
 */
export const codesIn = (schema: z.ZodType, value: unknown, path: Path = []): CodeAt[] =>
  readerOf(schema)(value, path);
