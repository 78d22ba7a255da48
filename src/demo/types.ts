/** The shapes of the demo data. Days are counted back from the day of loading, so that it never goes stale. */
import type { z } from "zod";
import type { certificateLevels } from "../../db/schema/broker-certificates.ts";
import type { ContractInput } from "../modules/contracts/contracts.schema.ts";
import type { NeedInput } from "../modules/needs/needs.schema.ts";
import type { OrganizationByOperatorInput } from "../modules/organizations/organizations.schema.ts";
import type { ResultInput } from "../modules/results/results.schema.ts";

/** The civil date so many days after the day of loading. */
export type Day = (offset: number) => string;

export interface DemoPerson {
  /** The part of the e-mail before the at sign; other data name the person by it. */
  key: string;
  name: string;
  /** Told with the sign-in: what one can try as this person. */
  who: string;
}

export interface DemoOrganization {
  details: z.input<typeof OrganizationByOperatorInput>;
  /** The first one administers it. */
  people: readonly [DemoPerson, ...DemoPerson[]];
  registered: number;
  /** Absent: it still waits for the operator. */
  verified?: number;
  suspended?: { daysAgo: number; reason: string };
}

export interface DemoCertificate {
  person: string;
  level: (typeof certificateLevels)[number];
  certificateNumber: string;
  issuer: string;
  fieldCodes: string[];
  issuedOn: string;
  validUntil: string | null;
  applied: number;
  /** Absent: the application is still under review. */
  certified?: number;
}

/** What became of a listing after it was drafted, in order. `expire` is the daily job's rule. */
export type ListingStep =
  | { daysAgo: number; action: "submit" | "publish" | "withdraw" | "expire" | "close" }
  | { daysAgo: number; action: "request-changes" | "reject"; reason: string; note: string }
  | { daysAgo: number; action: "update"; patch: Record<string, unknown> }
  | { daysAgo: number; action: "solve"; solvedBy: string };

interface DemoListing<Input> {
  /** The person who wrote it; it belongs to that person's organization. */
  author: string;
  drafted: number;
  steps: readonly ListingStep[];
  input: Input;
}

export type DemoResult = DemoListing<z.input<typeof ResultInput>>;
export type DemoNeed = DemoListing<z.input<typeof NeedInput>>;

export interface DemoInterest {
  asker: string;
  /** The listing that is asked about, by the beginning of its title: a result or a need. */
  result?: string;
  need?: string;
  asked: number;
  message: string;
  questions: { topic: string; question: string }[];
  steps: readonly (
    | { daysAgo: number; action: "accept"; note: string }
    | { daysAgo: number; action: "decline"; reason: string; note: string }
    | { daysAgo: number; action: "withdraw" }
  )[];
}

export interface DemoMatch {
  broker: string;
  result: string;
  need: string;
  proposed: number;
  proposal: string;
  steps: readonly (
    | { daysAgo: number; action: "accept"; by: string }
    | { daysAgo: number; action: "decline" | "fail"; by: string; reason: string; note: string }
    | { daysAgo: number; action: "negotiate" | "withdraw" }
    | { daysAgo: number; action: "note"; kind: "meeting" | "note"; text: string }
  )[];
}

/** What became of a contract after it was drafted. Several people's steps are taken by all of them. */
export type ContractStep =
  | {
      daysAgo: number;
      action:
        | "submit"
        | "confirm"
        | "cancel"
        | "file"
        | "accept"
        | "expert-review"
        | "register"
        | "withdraw"
        | "cancel-registration";
    }
  | { daysAgo: number; action: "request-supplement" | "refuse" | "revoke"; note: string }
  | { daysAgo: number; action: "pay"; amount: string }
  | { daysAgo: number; action: "amend"; total: string };

export interface DemoContract {
  key: string;
  seller: string;
  buyer: string;
  /** The beginnings of the titles of the match's result and need, with a blank between. */
  match?: string;
  drafted: number;
  /** Without its parties, which are the two above. */
  content: z.input<typeof ContractInput>;
  steps: readonly ContractStep[];
}
