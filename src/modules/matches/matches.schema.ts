import { z } from "zod";
import { matchNoteKinds, matchStatuses } from "../../../db/schema/matches.ts";
import { organizationKinds } from "../../../db/schema/organizations.ts";
import { changesQuery } from "../../lib/changes.ts";
import { clock } from "../../lib/clock.ts";
import { fault } from "../../lib/faults.ts";
import { pageQuery } from "../../lib/pagination.ts";
import { expandedOf, shapeQuery } from "../../lib/shape.ts";
import { civilDate, instant, instantInput, prose, taxonomyCode, uuid } from "../../lib/wire.ts";
import { RelatedNeed } from "../needs/needs.schema.ts";
import { RelatedResult } from "../results/results.schema.ts";

/** What a broker says of the two that fit. */
export const MatchInput = z
  .strictObject({
    resultId: uuid,
    needId: uuid,
    proposal: prose(3000).describe("Why the two fit; both owners read it."),
    interestId: uuid
      .nullable()
      .default(null)
      .describe("An accepted interest of one owner in the other's listing that led to this."),
    previousMatchId: uuid
      .nullable()
      .default(null)
      .describe("The brokerage's ended match of the same two listings that this starts again."),
  })
  .meta({
    id: "MatchInput",
    examples: [
      {
        resultId: "01980a51-3c00-7000-8000-000000000001",
        needId: "01980a51-3c00-7000-8000-000000000002",
        proposal:
          "该校缓释配方已在滩区试验三年，与贵方盐碱地减肥增效的需求吻合，建议先做百亩试种。",
      },
    ],
  });
export type MatchInput = z.output<typeof MatchInput>;

const remark = prose(1000).nullable().default(null);

export const MatchRemarkInput = z
  .strictObject({ note: remark.describe("Goes into the timeline; the three parties read it.") })
  .meta({ id: "MatchRemarkInput", examples: [{ note: "同意对接，请安排现场考察。" }] });

export const MatchEndInput = z
  .strictObject({
    reason: taxonomyCode("decline-reasons"),
    note: remark.describe("In words; the three parties read it."),
  })
  .meta({
    id: "MatchEndInput",
    examples: [{ reason: "performance_gap", note: "测厚误差达不到一微米。" }],
  });
export type MatchEndInput = z.output<typeof MatchEndInput>;

export const MatchReassignInput = z
  .strictObject({
    brokerId: uuid.describe("Another person of the brokerage, with a valid certificate."),
  })
  .meta({
    id: "MatchReassignInput",
    examples: [{ brokerId: "01980a51-3c00-7000-8000-000000000003" }],
  });

const sides = ["result", "need"] as const;
/** A party of a match: the owner of the result, the owner of the need, the broker. */
export const matchSides = [...sides, "broker"] as const;

const listing = {
  id: uuid,
  reference: z.string().meta({ example: "R-2026-000123" }),
  title: z.string(),
};

const MatchParty = z
  .object({
    id: uuid,
    name: z.string(),
    kind: z.enum(organizationKinds),
    regionCode: z.string(),
  })
  .meta({ id: "MatchParty" });

export const Match = z
  .object({
    id: uuid,
    status: z.enum(matchStatuses),
    result: z.object({ ...listing, organization: MatchParty }),
    need: z.object({
      ...listing,
      anonymous: z.boolean(),
      alias: z.string().nullable().describe("Stands for the name of an anonymous owner."),
      organization: MatchParty.nullable().describe(
        "Of an anonymous need null to the others until its owner has accepted the match.",
      ),
    }),
    broker: z
      .object({
        id: uuid.describe("The person, also the `id` in the directory `/v1/brokers`."),
        name: z.string(),
        organization: z.object({ id: uuid, name: z.string() }),
      })
      .describe("Who acts for the brokerage. Colleagues read and do not act."),
    proposal: z.string(),
    interestId: uuid.nullable(),
    previousMatchId: uuid.nullable(),
    resultAcceptedAt: instant.nullable(),
    needAcceptedAt: instant.nullable(),
    pending: z
      .object({
        action: z.literal("accept"),
        by: z.enum(sides).describe("The side that has accepted; the other one's word is awaited."),
        since: instant,
        revision: z.null(),
      })
      .nullable(),
    expiresOn: civilDate.describe("Last day on which it can be accepted, Asia/Shanghai."),
    agreedAt: instant.nullable(),
    endedAt: instant.nullable(),
    endedBy: z
      .enum(matchSides)
      .nullable()
      .describe("Who declined, withdrew or let it fail; null also when no party did."),
    endReason: z.string().nullable().describe("A code of the taxonomy `decline-reasons`."),
    endNote: z.string().nullable().describe("In words; to the three parties alone."),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
    allowedActions: z.array(z.string()),
    expanded: expandedOf("MatchExpanded", {
      result: RelatedResult.nullable(),
      need: RelatedNeed.nullable(),
    }),
  })
  .meta({ id: "Match", description: "A broker brings a result and a need together 对接." });
export type Match = z.output<typeof Match>;

/** What is joined with one of them, or with each of a list. */
const shape = shapeQuery(Match, ["result", "need"]);
export const ReadMatchQuery = z.strictObject(shape);

export const ListMatchesQuery = z.strictObject({
  ...pageQuery,
  ...changesQuery("-createdAt"),
  ...shape,
  status: z.enum(matchStatuses).optional(),
  resultId: uuid.optional(),
  needId: uuid.optional(),
  role: z
    .enum(["owner", "broker"])
    .optional()
    .describe("Those in which the caller's organization has a listing, or brokers."),
  brokerId: uuid.optional(),
});
export type ListMatchesQuery = z.output<typeof ListMatchesQuery>;

export const MatchNoteInput = z
  .strictObject({
    kind: z.enum(["introduction", "note", "meeting"]),
    // Taken as text: a transformation would leave the document without its example.
    heldAt: z.iso
      .datetime({ offset: true, abort: true })
      .refine((text) => instantInput.safeParse(text).success, fault("date.invalid"))
      .refine((text) => Date.parse(text) <= clock.now().getTime(), fault("date.future"))
      .meta({ example: "2026-03-02T09:30:00+08:00" })
      .describe("When it happened, not in the future."),
    text: prose(3000).describe("Who met whom, about what, with what outcome."),
  })
  .meta({
    id: "MatchNoteInput",
    examples: [
      {
        kind: "meeting",
        heldAt: "2026-03-02T09:30:00+08:00",
        text: "双方在厂区看了涂布线，学校一周内给出测厚方案和报价。",
      },
    ],
  });
export type MatchNoteInput = z.output<typeof MatchNoteInput>;

export const MatchNote = z
  .object({
    id: uuid,
    kind: z.enum(matchNoteKinds),
    action: z.string().nullable().describe("Of a step: its name, such as `accept`."),
    heldAt: instant.describe("When it happened."),
    text: z.string().nullable(),
    by: z
      .enum([...matchSides, "operator"])
      .nullable()
      .describe("Whose doing it is; null for what the market did by itself."),
    author: z
      .object({ id: uuid, name: z.string() })
      .nullable()
      .describe("The broker, or the caller's own colleague; of others no person is named."),
    createdAt: instant.describe("When it was written down."),
  })
  .meta({ id: "MatchNote", description: "An entry of a match's timeline. Never changed." });
export type MatchNote = z.output<typeof MatchNote>;

export const ListMatchNotesQuery = z.strictObject(pageQuery);
export type ListMatchNotesQuery = z.output<typeof ListMatchNotesQuery>;
