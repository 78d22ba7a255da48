import type { organizationKinds, organizationStatuses } from "../../db/schema/organizations.ts";
import { nowInstant } from "./clock.ts";
import { AppError, type ErrorDetails } from "./errors.ts";
import type { Text } from "./language.ts";
import type { Vocabulary } from "./words.ts";

/** A person's role is the kind of the organization that the person belongs to. */
export type Role = (typeof organizationKinds)[number];

/** What a machine client may be allowed to do for its organization. People need no scope. */
export type Scope = Vocabulary["scope"];

/** Who is calling, as read from the database at most five seconds ago. */
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
  /** Somebody else set the password: until then the account is no second pair of eyes. */
  barredUntil: string | null;
  /** A second factor was proved at the sign-in; machines have none to prove. */
  isProved: boolean;
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
  /** Only members of an organization that the operator has verified. */
  verified?: true;
  /** Also for a suspended or closed organization, though it is no read (sign out, password). */
  whileSuspended?: true;
  /** Also without the second factor that the market asks this role for (to set it up, to sign out). */
  withoutSecondFactor?: true;
}

/** What anybody who is signed in may do about the own account: to set a second factor up, to sign out. */
export const ownAccount = { whileSuspended: true, withoutSecondFactor: true } as const;

/** The refusal of a role, which names those that would do. */
export const roleNeeded = (roles: readonly Role[], { role }: Pick<Actor, "role">): AppError =>
  new AppError("auth.forbidden_role", {
    detail: {
      en: `It takes one of these roles: ${roles.join(", ")}. The caller's is ${role}.`,
      zh: `须具有以下角色之一：${roles.join("、")}；您的角色为 ${role}。`,
    },
    members: { requiredRoles: roles },
  });

/** The refusal of a token without a scope, which it names. */
export const scopeNeeded = (scope: Scope): AppError =>
  new AppError("auth.insufficient_scope", {
    detail: {
      en: `It takes the scope ${scope}, which the token does not have.`,
      zh: `须有权限范围 ${scope}，令牌中没有。`,
    },
    members: { requiredScope: scope },
  });

const standings: Record<Exclude<Actor["organizationStatus"], "verified">, Text> = {
  pending: {
    en: "The organization is pending: the operator has yet to verify it.",
    zh: "机构状态为 pending：等待市场运营方核验。",
  },
  rejected: {
    en: "The organization is rejected: `statusReason` says why; an admin mends it and resubmits.",
    zh: "机构状态为 rejected：原因见 statusReason，由机构管理员更正后重新提交。",
  },
  suspended: {
    en: "The organization is suspended: the operator can reinstate it.",
    zh: "机构状态为 suspended：可由市场运营方恢复。",
  },
  closed: { en: "The organization is closed, for good.", zh: "机构状态为 closed，不能恢复。" },
};

/** What an organization's status says to whoever is refused for it. */
export const standingDetails = (status: Actor["organizationStatus"]): ErrorDetails =>
  status === "verified" ? {} : { detail: standings[status] };

/**
 * Why a route does not admit somebody: 401, then 403 by second factor, role, scope, state of the
 * organization.
 * @param proving roles that the market asks for a second factor
 */
export function refusalOf(
  access: Access,
  actor: Actor | null,
  { reads, proving = [] }: { reads: boolean; proving?: readonly Role[] },
): AppError | undefined {
  if (!actor) return access.public ? undefined : new AppError("auth.required");
  if (mustProve(actor, proving) && !access.public && !access.withoutSecondFactor) {
    return new AppError("auth.second_factor_needed", {
      detail: {
        en: "This sign-in has proved none. Set one up at /v1/me/second-factors, or sign in again with the one that there is.",
        zh: "本次登录未经第二因素验证：请在 /v1/me/second-factors 设置；已设置的，请使用第二因素重新登录。",
      },
    });
  }
  if (access.roles && !access.roles.includes(actor.role)) {
    return roleNeeded(access.roles, actor);
  }
  if (actor.scopes) {
    if (!access.scope && !access.public) return new AppError("auth.person_required");
    if (access.scope && !actor.scopes.includes(access.scope)) {
      return scopeNeeded(access.scope);
    }
  }
  if (access.admin && !actor.isAdmin) return new AppError("auth.admin_required");
  const stopped = actor.organizationStatus === "suspended" || actor.organizationStatus === "closed";
  if (stopped && !reads && !access.public && !access.whileSuspended) {
    return new AppError("organization.suspended", standingDetails(actor.organizationStatus));
  }
  if (access.verified && actor.organizationStatus !== "verified") {
    const code = stopped ? "organization.suspended" : "organization.not_verified";
    return new AppError(code, standingDetails(actor.organizationStatus));
  }
  return undefined;
}

/** Whether the actor works for the market operator. */
export const isOperator = (actor: Pick<Actor, "role"> | null): boolean =>
  actor?.role === "operator";

/** Whether the market asks this role for a second factor, and none was proved. */
export const mustProve = ({ isProved, role }: Actor, proving: readonly Role[]): boolean =>
  !isProved && proving.includes(role);

/** Whether a password that somebody else set keeps the actor from what needs a second pair of eyes. */
export const isBarred = ({ barredUntil }: Actor): boolean =>
  barredUntil !== null && barredUntil > nowInstant();

/** Until when, for the refusal of somebody who is barred. */
export const barDetails = (_: unknown, { barredUntil }: Actor): ErrorDetails => ({
  detail: { en: `It is barred until ${barredUntil}.`, zh: `限制期至 ${barredUntil}。` },
  members: { barredUntil },
});

/** Where a request came from: who, with which id, from which address. Goes into audit records. */
export interface Origin {
  actor: Actor | null;
  requestId: string | null;
  address: string | null;
}

/** The origin of what the program does by itself, such as a timed job. */
export const systemOrigin: Origin = { actor: null, requestId: null, address: null };
