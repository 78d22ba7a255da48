/**
 * What each refusal says beside its title. A new code is put down here: whoever adds one decides whether
 * there is something to say (a state, a limit, a moment, one of several names, what to do next).
 */
import type { ErrorCode, Noun } from "../../src/lib/errors.ts";

type Reason = "not_found" | "not_owner" | "invalid_transition" | "incomplete";

/**
 * `always`: its detail says what is particular. `errors`: its `errors[]` do, place by place. `sometimes`:
 * where there is something to say, and why not elsewhere. `title`: why there is nothing.
 */
export type Saying = "always" | "errors" | { sometimes: string } | { title: string };

const ofReasons: Record<Reason, Saying> = {
  not_found: { title: "more would tell what there is" },
  not_owner: { title: "whose it is is for its owner to say" },
  invalid_transition: "always",
  incomplete: "errors",
};

const secret = { title: "more would help whoever guesses" };
const whole = { title: "the title says it whole" };
const onlyOne = { title: "the one value that was sent is meant" };

const sayings: Record<Exclude<ErrorCode, `${Noun}.${Reason}`>, Saying> = {
  "amendment.already_open": { title: "the contract's list of amendments holds the one" },
  "api_client.name_taken": onlyOne,
  "api_client.no_previous_secret": whole,
  "api_client.two_secrets": whole,
  "attachment.damaged": whole,
  "attachment.infected": "always",
  "attachment.limit": "always",
  "attachment.locked": "always",
  "attachment.not_scanned": { title: "Retry-After says when to come again" },
  "attachment.other_side": whole,
  "attachment.type_refused": "always",
  "auth.admin_required": whole,
  "auth.barred_after_reset": "always",
  "auth.forbidden_role": "always",
  "auth.insufficient_scope": "always",
  "auth.invalid_credentials": secret,
  "auth.invalid_link": secret,
  "auth.invalid_refresh_token": secret,
  "auth.invalid_second_factor": secret,
  "auth.invalid_token": { sometimes: "of a token that this market did not sign nothing is said" },
  "auth.person_required": whole,
  "auth.refresh_token_reused": whole,
  "auth.required": { sometimes: "only where part of the operation is for everybody" },
  "auth.second_factor_needed": "always",
  "auth.second_factor_required": "always",
  "auth.too_many_attempts": "always",
  "batch.refused": { title: "items[] say it, item by item" },
  "broker_certificate.already_applied": { title: "one's own list holds it" },
  "broker_certificate.already_in_force": { sometimes: "a race is refused by the constraint" },
  "broker_certificate.validity_passed": "always",
  "contract.already_confirmed": "always",
  "contract.external_id_taken": "errors",
  "contract.match_has_contract": { title: "it may be a draft that the caller does not see" },
  "contract.not_in_force": "always",
  "contract.revision_changed": "always",
  "contract.state_secret": whole,
  "cursor.expired": whole,
  "event.no_longer_kept": "always",
  "event.too_many_streams": whole,
  "idempotency.in_progress": { title: "Retry-After says when to come again" },
  "idempotency.key_reused": whole,
  "interest.already_open": { title: "one's own list holds it" },
  "interest.own_listing": whole,
  "match.already_open": { title: "it may be another brokerage's" },
  "match.listing_not_published": { title: "which, and why, would tell who owns an anonymous need" },
  "match.not_a_broker": "always",
  "match.own_organization": "always",
  "match.same_owner": whole,
  "member.email_taken": { title: "by whom is for nobody else to know" },
  "member.last_admin": whole,
  "need.external_id_taken": "errors",
  "need.reveals_owner": "errors",
  "organization.credit_code_taken": onlyOne,
  "organization.draft_quota": "always",
  "organization.file_quota": "always",
  "organization.has_open_deals": "always",
  "organization.name_verified": whole,
  "organization.not_verified": "always",
  "organization.own": whole,
  "organization.short_name_taken": onlyOne,
  "organization.suspended": "always",
  "payment.external_id_taken": "errors",
  "payment.voucher_taken": onlyOne,
  "registration.already_filed": { title: "the contract leads to it" },
  "registration.expert_review_needed": "always",
  "registration.no_office": "always",
  "registration.not_agreed": "always",
  "registration.not_applicant": "always",
  "registration.not_first_reviewer": { title: "the case names that person to its office" },
  "registration.reviewer_of_applicant": whole,
  "registration.same_reviewer": whole,
  "registration_office.code_taken": onlyOne,
  "registration_office.region_taken": { sometimes: "a race is refused by the constraint" },
  "request.headers_too_large": { sometimes: "the title in English, where no request came whole" },
  "request.idempotency_key_not_accepted": whole,
  "request.invalid": "errors",
  "request.malformed_http": { sometimes: "the title in English, where no request came whole" },
  "request.malformed_json": { title: "the parser's own words would repeat the body" },
  "request.malformed_url": whole,
  "request.method_not_allowed": "always",
  "request.not_found": whole,
  "request.not_utf8": whole,
  "request.precondition_failed": { sometimes: "who lost a race reads it again anyway" },
  "request.precondition_required": whole,
  "request.range_not_satisfiable": "always",
  "request.rate_limited": "always",
  "request.timeout": { sometimes: "the title in English, where no request came whole" },
  "request.too_large": { sometimes: "a package's own refusal names no limit" },
  "request.unsupported_media_type": "always",
  "result.external_id_taken": "errors",
  "saved_search.too_many": "always",
  "search.too_many_words": "always",
  "second_factor.already_confirmed": whole,
  "second_factor.own": whole,
  "second_factor.too_many": "always",
  "server.internal": { title: "a fault of ours tells nothing" },
  "server.overloaded": { sometimes: "only whether a change was stored is worth saying" },
  "server.unavailable": { sometimes: "only a lock, or an outcome that is not known" },
  "statistics.as_of_unsealed": "always",
  "statistics.public_view": "always",
  "storage.full": whole,
  "synonym.words_taken": { title: "the list finds the group by its words" },
  "taxonomy.closed": onlyOne,
  "taxonomy_item.built_in": whole,
  "taxonomy_item.code_taken": onlyOne,
};

/** Refusals that every noun has, where one noun's says other than all. */
const particular: Readonly<Record<string, Saying>> = {
  "broker_certificate.not_owner": "always",
  "contract.not_owner": { sometimes: "to who would have no part in what is being written" },
  "match.not_owner": { sometimes: "to colleagues of its broker" },
  "organization.not_owner": { sometimes: "to the operator, who stands in for missing admins" },
};

/** Codes that are put down by themselves. */
export const namedCodes = [...Object.keys(sayings), ...Object.keys(particular)];

/** What a code says beside its title; undefined of one that nobody put down. */
export const sayingOf = (code: string): Saying | undefined =>
  particular[code] ??
  (sayings as Readonly<Record<string, Saying>>)[code] ??
  ofReasons[code.split(".")[1] as Reason];

interface Problem {
  code: string;
  detail?: string;
  errors?: { detail?: string }[];
}

/**
 * Holds a problem document to what its code says, in whole sentences of its language.
 * @param language as Content-Language names it
 * @throws Error when it says too little or too much
 */
export function checkDetail({ code, detail, errors = [] }: Problem, language: unknown): void {
  const saying = sayingOf(code);
  const fail = (what: string) => {
    throw new Error(`${code}: ${what}: ${detail ?? "no detail"} (test/support/details.ts)`);
  };
  if (saying === undefined) fail("nobody put down what it says");
  if (saying === "always" && !detail) fail("lacks its detail");
  if (saying === "errors" && errors.length === 0) fail("lacks its errors");
  if (typeof saying === "object" && "title" in saying && detail) fail("has a detail after all");
  if (!detail) return;
  if (language === "en" && !/^[A-Z\p{Script=Han}].*[.]$/su.test(detail)) fail("is no sentence");
  if (language !== "en" && !/\p{Script=Han}.*。$/su.test(detail)) fail("is no Chinese sentence");
}
