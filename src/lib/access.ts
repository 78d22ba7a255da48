import type { organizationKinds, organizationStatuses } from "../../db/schema/organizations.ts";

/** A person's role is the kind of the organisation that the person belongs to. */
export type Role = (typeof organizationKinds)[number];

/** What a machine client may be allowed to do for its organisation. People need no scope. */
export const scopes = [
  "results:read",
  "results:write",
  "needs:read",
  "needs:write",
  "organization:read",
  "interests:read",
  "interests:write",
  "matches:read",
  "contracts:read",
  "contracts:write",
  "attachments:read",
  "attachments:write",
  "registrations:read",
  "statistics:read",
] as const;
export type Scope = (typeof scopes)[number];

/** Who is calling, read anew from the database at most five seconds ago. */
export interface Actor {
  kind: "member" | "client";
  /** Member id or API client id. */
  id: string;
  /** The sign-in a person's token belongs to; null for a machine. */
  sessionId: string | null;
  organizationId: string;
  role: Role;
  organizationStatus: (typeof organizationStatuses)[number];
  isAdmin: boolean;
  /** Null for a person: only machines are held to scopes. */
  scopes: readonly Scope[] | null;
}

/** Who may call a route. `public`: anyone, signed in or not; else a token is needed. */
export interface Access {
  public?: true;
  /** Roles that may call; absent: every role. */
  roles?: readonly Role[];
  /** Only an `isAdmin` member. */
  admin?: true;
  /** The scope that lets a machine client call; absent: people only. */
  scope?: Scope;
  /** Only members of an organisation that the operator has verified. */
  verified?: true;
  /** Also for a suspended or closed organisation, though it is no read (sign out, password). */
  whileSuspended?: true;
}

/** Whether the actor works for the market operator. */
export const isOperator = (actor: Pick<Actor, "role"> | null): boolean =>
  actor?.role === "operator";

/** Where a request came from: who, with which id, from which address. Goes into audit records. */
export interface Origin {
  actor: Actor | null;
  requestId: string | null;
  address: string | null;
}

/** The origin of what the program does by itself, on time. */
export const systemOrigin: Origin = { actor: null, requestId: null, address: null };
