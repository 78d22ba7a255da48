/** What can be an event: the types by what they are about, which are those of the audit log, and who may be told. */
import type { Actor, Scope } from "../../lib/access.ts";

const listing = [
  ...["create", "update", "delete", "submit", "withdraw", "publish", "request_changes"],
  ...["reject", "renew", "expire", "restore"],
] as const;

/** Verbs of each noun. */
const verbs = {
  result: [...listing, "transfer"],
  need: [...listing, "solve", "close"],
  interest: ["create", "accept", "decline", "withdraw", "lapse"],
  match: [
    ...["propose", "accept", "retract", "decline", "withdraw", "negotiate", "fail", "reassign"],
    ...["lapse", "contract"],
  ],
  contract: [
    ...["create", "update", "submit", "confirm", "retract", "return", "cancel", "file", "release"],
    ...["register", "revoke", "amend"],
  ],
  amendment: ["create", "confirm", "withdraw"],
  payment: ["create", "void"],
  registration: [
    ...["file", "accept", "request_supplement", "supplement", "expert_review", "conclude_review"],
    ...["set_due_date", "register", "refuse", "withdraw", "amend", "cancel", "revoke", "retract"],
    ...["amend_request", "cancel_request", "revoke_request", "dispute"],
  ],
  organization: [
    ...["register", "create", "update", "verify", "reject", "resubmit", "suspend", "reinstate"],
    "close",
  ],
  member: [
    ...["register", "invite", "update", "suspend", "reinstate", "issue_link", "redeem_link"],
    ...["release_email", "withdraw_invitation"],
  ],
  api_client: ["create", "update", "rotate_secret", "end_previous_secret", "revoke"],
  broker_certificate: [
    ...["apply", "withdraw", "certify", "reject", "suspend", "reinstate", "revoke", "expire"],
  ],
  registration_office: ["create", "update", "close"],
} as const satisfies Record<string, readonly string[]>;

export type SubjectType = keyof typeof verbs;
type TypeOf<N extends SubjectType = SubjectType> = {
  [K in N]: `${K}.${(typeof verbs)[K][number]}`;
}[N];
export type EventType = TypeOf;

export const subjectTypes = Object.keys(verbs) as [SubjectType, ...SubjectType[]];

/** Every type, as `CloudEvents.type` and the audit log have it. */
export const eventTypes = subjectTypes.flatMap((noun) =>
  verbs[noun].map((verb) => `${noun}.${verb}`),
) as [EventType, ...EventType[]];

/**
 * Types that everybody may be told while the listing is public. Of needs only what the operator does to one of
 * them at a time: what an owner does to several at once, or what befalls them together, would show which
 * anonymous ones belong together.
 */
export const publicTypes: readonly EventType[] = [
  ...(["result.publish", "result.renew", "result.expire", "result.transfer"] as const),
  ...(["result.restore", "need.publish"] as const),
];

/** The scope that a machine client needs for what a type is about; null: people only. */
const scopeOf: Record<SubjectType, Scope | null> = {
  result: "results:read",
  need: "needs:read",
  interest: "interests:read",
  match: "matches:read",
  contract: "contracts:read",
  amendment: "contracts:read",
  payment: "contracts:read",
  registration: "registrations:read",
  organization: "organization:read",
  member: null,
  api_client: null,
  broker_certificate: null,
  registration_office: "organization:read",
};

/** Only an admin reads of these. */
const forAdmins: readonly SubjectType[] = ["member", "api_client"];

/** What a caller may be told about at all: by scope and by standing in the own organization. */
export const toldAbout = ({ scopes, isAdmin }: Pick<Actor, "scopes" | "isAdmin">): SubjectType[] =>
  subjectTypes.filter((noun) => {
    const scope = scopeOf[noun];
    if (scopes) return scope !== null && scopes.includes(scope);
    return isAdmin || !forAdmins.includes(noun);
  });
