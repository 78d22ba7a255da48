import { z } from "zod";
import { registryEntryKinds } from "../../../db/schema/registry.ts";
import { instant, uuid, wholeNumber } from "../../lib/wire.ts";

const lead = z.object({
  name: z.string().nullable().describe("Null of a trade secret, to the operator."),
  natureCode: z.string(),
  countryCode: z.string(),
  regionCode: z.string().nullable(),
});
const money = z.object({ amount: z.string(), currency: z.literal("CNY") });

/** One entry of the pull feed: a registration, or a later change of one. */
export const RegistryEntry = z
  .object({
    position: z.int().describe("Place in the log: entries come in commit order."),
    sealedAt: instant,
    kind: z.enum(registryEntryKinds),
    registrationId: uuid,
    number: z.string(),
    revision: z.int(),
    registeredOn: z.string(),
    contractId: uuid,
    contractReference: z.string(),
    contractRevision: z.int(),
    contentSha256: z.string().describe("Of the contract's content that was certified."),
    title: z.string().nullable().describe("Null of a trade secret, to the operator."),
    type: z.string(),
    subtype: z.string(),
    fieldCode: z.string(),
    industryCode: z.string(),
    intellectualPropertyType: z.string(),
    planSourceCode: z.string(),
    objectiveCode: z.string(),
    signedOn: z.string(),
    amountStatus: z.string(),
    confidentiality: z.string(),
    seller: lead,
    buyer: lead,
    totalAmount: money,
    technologyAmount: money,
  })
  .meta({ id: "RegistryEntry" });

/** Sums over a range of the feed, for both sides to compare. */
export const FeedControl = z
  .object({
    from: z.int().nullable().describe("First position of the range; null when it holds no entry."),
    to: z.int().nullable(),
    count: z.int(),
    totalAmount: money.describe("Of all entries, each as often as it appears."),
    technologyAmount: money,
  })
  .meta({ id: "FeedControl" });
export type FeedControl = z.output<typeof FeedControl>;

export const RegistryPage = z
  .object({
    data: z.array(RegistryEntry),
    page: z.object({
      next: z.string().describe("`after` of the next page, also when there is nothing yet."),
      hasMore: z.boolean(),
    }),
    control: FeedControl,
  })
  .meta({ id: "RegistryPage" });

const place = wholeNumber(0);

export const PullQuery = z.strictObject({
  after: place.default(0).describe("The position that was pulled last."),
  limit: wholeNumber(1, 1000).default(100),
});
export type PullQuery = z.output<typeof PullQuery>;

export const ControlQuery = z.strictObject({ from: place.default(1), to: place.optional() });
export type ControlQuery = z.output<typeof ControlQuery>;
