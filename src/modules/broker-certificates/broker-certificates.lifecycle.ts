import { brokerCertificates } from "../../../db/schema/broker-certificates.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { today } from "../../lib/clock.ts";
import { ReasonInput } from "../../lib/wire.ts";
import { guard, resource, type Standing } from "../../lifecycle/resource.ts";
import { BrokerCertificate } from "./broker-certificates.schema.ts";

/** A certificate, and beside it the names of its person and brokerage. */
export interface Certificate {
  row: typeof brokerCertificates.$inferSelect;
  brokerName: string;
  organizationName: string;
}

/** `owner` is the person whose certificate it is, not the brokerage. */
function standingOf({ row }: Certificate, actor: Actor): Standing[] {
  const standing: Standing[] = [];
  if (isOperator(actor)) standing.push("operator");
  if (actor.id === row.memberId) standing.push("owner");
  return standing;
}

/** The date test: the status may lag behind until the job has run. */
export const hasPassed = ({ validUntil }: { validUntil: string | null }): boolean =>
  validUntil !== null && validUntil < today();

const stillValid = guard<Certificate>(
  "broker_certificate.validity_passed",
  ({ row }) => hasPassed(row),
  ({ row }) => ({
    detail: {
      en: `Its last day was ${row.validUntil}.`,
      zh: `证书有效期截至 ${row.validUntil}。`,
    },
  }),
);

const operator = { by: "operator", roles: ["operator"] } as const;

export const brokerCertificate = resource({
  noun: "broker_certificate",
  table: brokerCertificates,
  path: "/v1/broker-certificates/:id",
  tag: "brokers",
  reply: BrokerCertificate,
  standing: standingOf,
  notOwner: () => ({
    detail: {
      en: "Only the person who applied withdraws an application.",
      zh: "仅申请人本人可撤回申请。",
    },
  }),
  audit: ({ row }) => ({ owner: row.organizationId }),
  steps: {
    withdrawBrokerCertificate: {
      action: "withdraw",
      from: ["applied"],
      by: "owner",
      to: "withdrawn",
      roles: ["brokerage"],
      summary: "Withdraw one's own application",
      description: "While the operator has not decided; afterwards a new one may be made.",
    },
    certifyBrokerCertificate: {
      action: "certify",
      from: ["applied"],
      to: "certified",
      ...operator,
      guards: [stillValid],
      errors: ["broker_certificate.already_in_force"],
      summary: "Certify an applicant as a broker",
      description:
        "From now on in the directory `/v1/brokers`. An earlier certificate of the person, or of this number, is marked expired if its last day has passed; else it stands in the way.",
    },
    rejectBrokerCertificate: {
      action: "reject",
      from: ["applied"],
      to: "rejected",
      ...operator,
      body: ReasonInput,
      summary: "Reject an application",
      description: "The person reads the reason and may apply again.",
    },
    suspendBrokerCertificate: {
      action: "suspend",
      from: ["certified"],
      to: "suspended",
      ...operator,
      body: ReasonInput,
      summary: "Suspend a certificate",
      description: "The broker leaves the directory until reinstated.",
    },
    reinstateBrokerCertificate: {
      action: "reinstate",
      from: ["suspended"],
      to: "certified",
      ...operator,
      guards: [stillValid],
      summary: "Reinstate a suspended certificate",
      description: "Unless its last day has passed meanwhile.",
    },
    revokeBrokerCertificate: {
      action: "revoke",
      from: ["certified", "suspended"],
      to: "revoked",
      ...operator,
      body: ReasonInput,
      summary: "Revoke a certificate",
      description: "For good; the person may apply with another one.",
    },
    // On time, or earlier where the passed validity stands in the way of a renewal.
    expireBrokerCertificate: {
      action: "expire",
      from: ["certified", "suspended"],
      by: "job",
      to: "expired",
    },
  },
});
