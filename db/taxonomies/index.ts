/** All built-in code lists, in the order in which they are listed. */
import { certificateLevels } from "./certificate-levels.ts";
import { contractTypes, licenceKinds } from "./contract-types.ts";
import { cooperationModes } from "./cooperation-modes.ts";
import {
  commissionBases,
  commissionPayers,
  confidentialityLevels,
  deductionKinds,
  interestTopics,
  pricingMethods,
  revocationGrounds,
} from "./deals.ts";
import { enterpriseScales } from "./enterprise-scales.ts";
import { industries } from "./industries.ts";
import { intellectualPropertyTypes, ipStatuses } from "./intellectual-property.ts";
import { maturityLevels, sampleStatuses } from "./maturity.ts";
import { needTypes, urgencies } from "./needs.ts";
import { objectives } from "./objectives.ts";
import { legalTypes, organizationKinds } from "./organizations.ts";
import { partyNatures } from "./party-natures.ts";
import { paymentModes, priceKinds } from "./payments.ts";
import { planSources } from "./plan-sources.ts";
import { declineReasons, reviewReasons, suggestionReasons } from "./reasons.ts";
import { regions } from "./regions.ts";
import { registrationGrounds } from "./registration-grounds.ts";
import { resultForms, resultNatures, resultTypes } from "./results.ts";
import { technologyFields } from "./technology-fields.ts";
import type { Taxonomy } from "./types.ts";

export const taxonomies: readonly Taxonomy[] = [
  technologyFields,
  industries,
  regions,
  contractTypes,
  licenceKinds,
  intellectualPropertyTypes,
  ipStatuses,
  planSources,
  objectives,
  partyNatures,
  paymentModes,
  registrationGrounds,
  revocationGrounds,
  deductionKinds,
  pricingMethods,
  commissionBases,
  commissionPayers,
  confidentialityLevels,
  maturityLevels,
  sampleStatuses,
  cooperationModes,
  resultTypes,
  resultForms,
  resultNatures,
  priceKinds,
  needTypes,
  urgencies,
  interestTopics,
  declineReasons,
  suggestionReasons,
  reviewReasons,
  organizationKinds,
  legalTypes,
  enterpriseScales,
  certificateLevels,
];
