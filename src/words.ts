/**
 * The index of all words: what each feature says, as types (closed lists) and as catalogues. Data alone,
 * so anything may import it: a script or a test too, with no service built. Parts of the documentation
 * and scopes are listed in this order.
 */
import type { ErrorCode, Fault, FaultCode } from "./lib/errors.ts";
import type { Text } from "./lib/language.ts";
import { type ErrorKind, type FeatureWords, gather, shared } from "./lib/words.ts";
import { words as apiClients } from "./modules/api-clients/api-clients.words.ts";
import { words as attachments } from "./modules/attachments/attachments.words.ts";
import { words as audit } from "./modules/audit/audit.words.ts";
import { words as auth } from "./modules/auth/auth.words.ts";
import { words as brokerCertificates } from "./modules/broker-certificates/broker-certificates.words.ts";
import { words as brokers } from "./modules/brokers/brokers.words.ts";
import { words as contracts } from "./modules/contracts/contracts.words.ts";
import { words as events } from "./modules/events/events.words.ts";
import { words as interests } from "./modules/interests/interests.words.ts";
import { words as jobFaults } from "./modules/job-faults/job-faults.words.ts";
import { words as listings } from "./modules/listings/listings.words.ts";
import { words as mail } from "./modules/mail/mail.words.ts";
import { words as matches } from "./modules/matches/matches.words.ts";
import { words as members } from "./modules/members/members.words.ts";
import { words as needs } from "./modules/needs/needs.words.ts";
import { words as organizations } from "./modules/organizations/organizations.words.ts";
import { words as registrationOffices } from "./modules/registration-offices/registration-offices.words.ts";
import { words as registrationRules } from "./modules/registration-rules/registration-rules.words.ts";
import { words as registrations } from "./modules/registrations/registrations.words.ts";
import { words as registry } from "./modules/registry/registry.words.ts";
import { words as results } from "./modules/results/results.words.ts";
import { words as savedSearches } from "./modules/saved-searches/saved-searches.words.ts";
import { words as secondFactors } from "./modules/second-factors/second-factors.words.ts";
import { words as service } from "./modules/service/service.words.ts";
import { words as sessions } from "./modules/sessions/sessions.words.ts";
import { words as statistics } from "./modules/statistics/statistics.words.ts";
import { words as suggestions } from "./modules/suggestions/suggestions.words.ts";
import { words as synonyms } from "./modules/synonyms/synonyms.words.ts";
import { words as taxonomies } from "./modules/taxonomies/taxonomies.words.ts";

const said = [
  shared,
  auth,
  sessions,
  secondFactors,
  apiClients,
  organizations,
  brokers,
  brokerCertificates,
  listings,
  results,
  needs,
  suggestions,
  savedSearches,
  synonyms,
  members,
  mail,
  interests,
  matches,
  contracts,
  attachments,
  registrations,
  registrationOffices,
  registrationRules,
  registry,
  statistics,
  audit,
  events,
  taxonomies,
  service,
  jobFaults,
] as const;

type Said = (typeof said)[number];
/** The words of one kind: the keys of that part, of every feature that has it. */
type WordsOf<Part extends keyof FeatureWords, W = Said> =
  W extends Readonly<Record<Part, infer Words>> ? keyof Words & string : never;
type ScopesOf<W = Said> = W extends { scopes: readonly (infer One)[] } ? One : never;

declare module "./lib/words.ts" {
  interface Vocabulary {
    noun: WordsOf<"nouns">;
    error: WordsOf<"errors"> | `${WordsOf<"nouns">}.${keyof typeof reasons}`;
    fault: WordsOf<"faults">;
    scope: ScopesOf;
  }
}

/** Why anything that has a noun can be refused. */
const reasons = {
  not_found: ({ en, zh }: Text) => ({ status: 404, en: `No such ${en}`, zh: `没有这个${zh}` }),
  not_owner: ({ en, zh }: Text) => ({
    status: 403,
    en: `This ${en} belongs to another organization`,
    zh: `该${zh}属于其他机构`,
  }),
  invalid_transition: ({ en, zh }: Text) => ({
    status: 409,
    en: `The ${en}'s status does not allow this action`,
    zh: `该${zh}的当前状态不允许此操作`,
  }),
  incomplete: ({ en, zh }: Text) => ({
    status: 409,
    en: `The ${en} lacks what this action needs`,
    zh: `该${zh}缺少此操作所需的内容`,
  }),
};

/** The same, where a constraint that names an unknown code is an error of the compiler. */
const features: readonly FeatureWords<ErrorCode>[] = said;

const nouns = gather(features.map((words) => words.nouns));

/** All codes with their status and titles, for the pages that explain them. */
export const errorCatalogue: ReadonlyMap<string, ErrorKind> = gather([
  ...features.map((words) => words.errors),
  ...[...nouns].map(([noun, text]) =>
    Object.fromEntries(
      Object.entries(reasons).map(([reason, kindOf]) => [`${noun}.${reason}`, kindOf(text)]),
    ),
  ),
]);

/** What the database's own refusals mean, by the name of the constraint. */
export const constraintErrors = gather(features.map((words) => words.constraints));

/** What machine clients can be allowed. */
export const scopes = said.flatMap((words): readonly ScopesOf[] =>
  "scopes" in words ? words.scopes : [],
);

/** The parts of the documentation. */
export const tags = features.flatMap(({ tag = [] }) => tag);

const faultTexts = gather(features.map((words) => words.faults));

/** Every code that can stand in `errors[]` of a problem. */
export const faultCodes = [...faultTexts.keys()].sort() as FaultCode[];

/** Status and titles of a code. */
export function errorKind(code: ErrorCode): ErrorKind {
  const kind = errorCatalogue.get(code);
  if (!kind) throw new Error(`unknown error code ${code}`);
  return kind;
}

/** The status that a code is sent with. */
export const statusOf = (code: ErrorCode): number => errorKind(code).status;

/** What a fault says, in both languages. */
export function sentenceOf({ code, detail }: Fault): Text {
  const text = detail ?? faultTexts.get(code);
  if (!text) throw new Error(`unknown fault ${code}`);
  return text;
}
