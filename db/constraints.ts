import type { ErrorCode } from "../src/lib/errors.ts";

/**
 * What the database's own refusals mean to a caller. These are the constraints that a race can reach
 * although the code checked before; any other violation is a bug and answers 500.
 */
export const constraintErrors: Readonly<Record<string, ErrorCode>> = {
  organizations_credit_code_verified: "organization.credit_code_taken",
  members_email: "member.email_taken",
  api_clients_name: "api_client.name_taken",
  broker_certificates_one_applied: "broker_certificate.already_applied",
  broker_certificates_one_in_force: "broker_certificate.already_in_force",
  broker_certificates_number_in_force: "broker_certificate.already_in_force",
  taxonomy_items_code: "taxonomy_item.code_taken",
  synonyms_words: "synonym.words_taken",
  interests_one_open_result: "interest.already_open",
  interests_one_open_need: "interest.already_open",
  matches_one_open: "match.already_open",
  contracts_one_of_match: "contract.match_has_contract",
  contract_amendments_one_open: "amendment.already_open",
  contract_payments_voucher: "payment.voucher_taken",
  registrations_one_living: "registration.already_filed",
  registration_offices_code: "registration_office.code_taken",
  registration_office_regions_region: "registration_office.region_taken",
  idempotency_keys_scope: "idempotency.in_progress",
};
