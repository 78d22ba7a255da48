import { z } from "zod";
import { issueOf } from "../../lib/faults.ts";
import { pageQuery } from "../../lib/pagination.ts";
import { fold, joined, synonymTermsOf } from "../../lib/terms.ts";
import { instant, line, patchOf, prose, uuid } from "../../lib/wire.ts";

/** Each means something to a search, and no two of them the same. */
const words = z
  .array(line(30))
  .min(2)
  .max(20)
  .superRefine((list, context) => {
    const seen = new Set<string>();
    for (const [i, word] of list.entries()) {
      const folded = fold(word);
      if (synonymTermsOf(folded).terms.length === 0) {
        context.addIssue({ ...issueOf("synonym.nothing_to_find"), path: [i] });
        continue;
      }
      const key = joined(folded);
      if (seen.has(key)) context.addIssue({ ...issueOf("duplicate"), path: [i] });
      seen.add(key);
    }
  })
  .describe(
    "Taken for one another in searches and suggestions. Full-width, traditional and capital forms of a word are the same word. A search looks for a single Chinese character (`镉` for `Cd`) in titles only.",
  );

export const SynonymInput = z
  .strictObject({
    words,
    note: prose(500).nullable().default(null).describe("Why; for the people who keep the table."),
  })
  .meta({
    id: "SynonymInput",
    examples: [{ words: ["钙钛矿电池", "钙钛矿太阳能电池", "PSC"], note: "企业常用简称。" }],
  });
export type SynonymInput = z.output<typeof SynonymInput>;

export const SynonymPatch = patchOf(SynonymInput).meta({
  id: "SynonymPatch",
  examples: [{ words: ["钙钛矿电池", "钙钛矿太阳能电池"] }],
});

export const Synonym = z
  .object({
    id: uuid,
    words: z.array(z.string()),
    note: z.string().nullable(),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({
    id: "Synonym",
    description: "Words of one meaning, as searches and suggestions take them.",
  });
export type Synonym = z.output<typeof Synonym>;

export const ListSynonymsQuery = z.strictObject({
  ...pageQuery,
  q: line(30)
    .optional()
    .describe("A word that the group holds, whole; in any of its forms (`ＬＥＤ`, `led`)."),
});
export type ListSynonymsQuery = z.output<typeof ListSynonymsQuery>;
