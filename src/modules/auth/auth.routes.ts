import type { FastifyRequest } from "fastify";
import { ownAccount } from "../../lib/access.ts";
import { AppError } from "../../lib/errors.ts";
import { hashPassword } from "../../lib/passwords.ts";
import { originOf } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { callOf, noContent, write, writeOpen } from "../../plugins/writes.ts";
import { Member, MyDetailsPatch } from "../members/members.schema.ts";
import { updateMe } from "../members/members.service.ts";
import { findDeviceOf, logout, refreshSession, type SignIn } from "../sessions/sessions.service.ts";
import {
  ChangePasswordInput,
  LoginInput,
  Me,
  RedeemLinkInput,
  RefreshInput,
  RegisterInput,
  Registration,
  Tokens,
} from "./auth.schema.ts";
import {
  assertEmailFree,
  changePassword,
  checkCredentials,
  checkCurrentPassword,
  knowsPassword,
  login,
  readMe,
  redeemLink,
  register,
} from "./auth.service.ts";

const tags = ["accounts"];

/** `client_id` of tokens that people get by signing in here (RFC 9068 wants one). */
const firstParty = "grand-market";

const userAgentOf = ({ headers }: FastifyRequest) => headers["user-agent"];

export default async function authRoutes(app: App) {
  const { db } = app.database;
  const { accessTokenSeconds } = app.config;

  const toTokens = ({ memberId, sessionId, refreshToken }: SignIn): Tokens => ({
    accessToken: app.signAccessToken({
      sub: memberId,
      client_id: firstParty,
      scope: "",
      sid: sessionId,
    }),
    tokenType: "Bearer",
    expiresIn: accessTokenSeconds,
    refreshToken,
  });

  app.post(
    "/v1/auth/register",
    {
      config: {
        access: { public: true },
        idempotency: "refused",
        bucket: "registrations",
        countsItself: true,
        errors: ["member.email_taken"],
      },
      schema: {
        operationId: "register",
        summary: "Register an organization with its first member",
        description:
          "The member is an admin and can sign in at once. The organization can draft listings; it submits them once the operator has verified it.",
        tags,
        body: RegisterInput,
        response: { 201: Registration },
      },
    },
    async (request, reply) => {
      app.limit(reply, "registrations", { address: request.ip });
      app.limit(reply, "registrations", { caller: "all" });
      await assertEmailFree(app.callerDb, request.body.member.email);
      const passwordHash = await hashPassword(request.body.member.password);
      return writeOpen(
        request,
        reply,
        (tx, call) => register(tx, call, request.body, passwordHash),
        {
          status: 201,
          location: ({ organization }) => `/v1/organizations/${organization.id}`,
        },
      );
    },
  );

  app.post(
    "/v1/auth/login",
    {
      config: {
        access: { public: true },
        idempotency: "refused",
        bucket: "sign-in",
        countsItself: true,
        errors: [
          "auth.invalid_credentials",
          "auth.too_many_attempts",
          "auth.second_factor_required",
          "auth.invalid_second_factor",
        ],
      },
      schema: {
        operationId: "login",
        summary: "Sign in with e-mail and password",
        description:
          "After five wrong passwords for an account from one address each further one waits longer, up to 15 minutes: 429 with Retry-After. A device that shows a refresh token of an earlier sign-in waits only for its own. The operator can end the wait. An account with a second factor needs that too.",
        tags,
        body: LoginInput,
        response: { 200: Tokens },
      },
    },
    async (request, reply) => {
      const { ip, body } = request;
      const device = await findDeviceOf(app.callerDb, body.email, body.refreshToken);
      app.limit(reply, "sign-in", device ? { caller: device } : { address: ip });
      const from = { address: ip, device };
      const member = await checkCredentials(app.callerDb, originOf(request), from, body);
      const given = { secondFactor: body.secondFactor, userAgent: userAgentOf(request) };
      return writeOpen(request, reply, async (tx, call) => {
        const outcome = await login(tx, call, member, given, app.config);
        return outcome instanceof AppError ? outcome : toTokens(outcome);
      });
    },
  );

  app.post(
    "/v1/auth/refresh",
    {
      config: {
        access: { public: true },
        idempotency: "refused",
        changesAccess: true,
        errors: ["auth.invalid_refresh_token", "auth.refresh_token_reused"],
      },
      schema: {
        operationId: "refreshSession",
        summary: "Exchange a refresh token for new tokens",
        description:
          "Each refresh token works once; for 20 seconds it gives the same successor again, so that a lost reply or two tabs at once end no sign-in. One that comes later, or after its successor was used, was stolen: its whole sign-in is revoked.",
        tags,
        body: RefreshInput,
        response: { 200: Tokens },
      },
    },
    (request, reply) =>
      writeOpen(request, reply, async (tx, call) => {
        const outcome = await refreshSession(tx, call, request.body.refreshToken, app.config);
        return outcome instanceof AppError ? outcome : toTokens(outcome);
      }),
  );

  app.post(
    "/v1/auth/logout",
    {
      config: { access: ownAccount, idempotency: "refused", changesAccess: true },
      schema: {
        operationId: "logout",
        summary: "Sign out",
        description: "Ends the sign-in that the access token belongs to, and its refresh token.",
        tags,
        response: { 204: noContent },
      },
    },
    (request, reply) => write(request, reply, (tx, call) => logout(tx, call), { status: 204 }),
  );

  app.post(
    "/v1/auth/change-password",
    {
      config: {
        access: ownAccount,
        idempotency: "refused",
        changesAccess: true,
        bucket: "sign-in",
        errors: ["auth.invalid_credentials", "auth.too_many_attempts"],
      },
      schema: {
        operationId: "changePassword",
        summary: "Change one's own password",
        description: "Ends every sign-in of the person; the reply holds the tokens of a new one.",
        tags,
        body: ChangePasswordInput,
        response: { 200: Tokens },
      },
    },
    async (request, reply) => {
      const { currentPassword, newPassword } = request.body;
      const checked = await checkCurrentPassword(app.callerDb, callOf(request), currentPassword);
      const userAgent = userAgentOf(request);
      const passwordHash = await hashPassword(newPassword);
      return write(request, reply, async (tx, call) =>
        toTokens(await changePassword(tx, call, checked, passwordHash, userAgent, app.config)),
      );
    },
  );

  app.post(
    "/v1/auth/redeem-link",
    {
      config: {
        access: { public: true },
        idempotency: "refused",
        changesAccess: true,
        bucket: "sign-in",
        errors: [
          "auth.invalid_link",
          "auth.invalid_credentials",
          "auth.too_many_attempts",
          "auth.invalid_second_factor",
        ],
      },
      schema: {
        operationId: "redeemLink",
        summary: "Accept an invitation, or set a new password, with a one-time token",
        description:
          "The token works once, for seven days. Afterwards sign in with the password. A reset that somebody else made possible bars the account for 72 hours from reviews of cases and from confirming contracts, unless `currentPassword` or `secondFactor` proves that it is the same person.",
        tags,
        body: RedeemLinkInput,
        response: { 200: Member },
      },
    },
    async (request, reply) => {
      const { token, password, currentPassword } = request.body;
      // Before the costly hash: nobody gets one for a token made up.
      const origin = originOf(request);
      const knewPassword = await knowsPassword(app.callerDb, origin, token, currentPassword);
      const given = { passwordHash: await hashPassword(password), knewPassword };
      return writeOpen(request, reply, (tx, call) =>
        redeemLink(tx, call, request.body, given, app.config),
      );
    },
  );

  app.get(
    "/v1/me",
    {
      config: { access: { scope: "organization:read", withoutSecondFactor: true } },
      schema: {
        operationId: "readMe",
        summary: "Who am I",
        description: "The person or machine client behind the token, with the organization.",
        tags,
        response: { 200: Me },
      },
    },
    (request) => readMe(db, request.caller),
  );

  app.patch(
    "/v1/me",
    {
      config: { access: {}, ifMatch: "required", etag: "version", errors: ["member.not_found"] },
      schema: {
        operationId: "updateMe",
        summary: "Change one's own name or phone",
        description: 'JSON merge patch. The tag for If-Match is `"<member.version>-"`.',
        tags,
        body: MyDetailsPatch,
        response: { 200: Member },
      },
    },
    (request, reply) => write(request, reply, (tx, call) => updateMe(tx, call, request.body)),
  );
}
