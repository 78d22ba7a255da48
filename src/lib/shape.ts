/** `fields` and `expand`: which members of a resource a reply holds, and what is put beside them. */
import { z } from "zod";

/** What a resource may be joined with. */
export const relations = ["organization", "result", "need", "attachments"] as const;
export type Relation = (typeof relations)[number];

/** One value or several with commas between them, each known, none twice. */
const someOf = <const T extends string>(known: readonly T[]) =>
  z
    .string()
    .min(1)
    .max(2000)
    .transform((text) => [...new Set(text.split(","))])
    .pipe(z.array(z.enum(known)));

/** The member under which a resource carries what `expand` asks for. */
export const expanded = "expanded";

const code = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ");

/**
 * Parameters of a route about such a resource, or a list of it.
 * @param schema of the resource, or of an item of the list
 * @param expandable what it may be joined with
 */
export const shapeQuery = <const R extends Relation>(
  schema: z.ZodObject,
  expandable: readonly R[],
) => ({
  fields: someOf(Object.keys(schema.shape).filter((name) => name !== expanded))
    .optional()
    .describe(
      "Members that are wanted, comma-separated: a reply, or each item of a list, holds these and `id` alone, whatever else its schema requires.",
    ),
  expand: someOf(expandable)
    .optional()
    .describe(
      `What to put into \`expanded\`, comma-separated: ${code(expandable)}. One level, as far as the caller may read it.`,
    ),
});

/** The member that `expand` adds to a resource, by the name that the document gives it. */
export const expandedOf = <S extends z.ZodRawShape>(id: string, shape: S) =>
  z
    .object(shape)
    .partial()
    .meta({ id })
    .optional()
    .describe(
      "Only with `expand`, and what that names; null where there is nothing, or nothing that the caller may read.",
    );

/** A resource, of which these members are kept. */
function pick(resource: unknown, kept: ReadonlySet<string>): unknown {
  if (typeof resource !== "object" || resource === null) return resource;
  return Object.fromEntries(Object.entries(resource).filter(([name]) => kept.has(name)));
}

/** A reply's text with the members alone that `fields` names; of a list it is its items that have them. */
export function pickFields(text: string, fields: readonly string[]): string {
  const kept = new Set(["id", expanded, ...fields]);
  const body: unknown = JSON.parse(text);
  const { data, nearest } = body as { data?: unknown; nearest?: unknown };
  if (!Array.isArray(data)) return JSON.stringify(pick(body, kept));
  const all = (list: unknown[]) => list.map((item) => pick(item, kept));
  return JSON.stringify({
    ...(body as object),
    data: all(data),
    ...(Array.isArray(nearest) && { nearest: all(nearest) }),
  });
}
