import { AppError } from "../../lib/errors.ts";
import { hashPassword } from "../../lib/passwords.ts";
import { actorOf } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { noContent, write } from "../../plugins/writes.ts";
import { Member, MyDetailsPatch } from "../members/members.schema.ts";
import { redeemMemberLink, updateMe } from "../members/members.service.ts";
import { logout, ownerOfLink, refreshSession, type SignIn } from "../sessions/sessions.service.ts";
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
  changePassword,
  checkCredentials,
  checkCurrentPassword,
  login,
  readMe,
  register,
} from "./auth.service.ts";

const tags = ["accounts"];

/** `client_id` of tokens that people get by signing in here (RFC 9068 wants one). */
const firstParty = "grand-market";

export default async function authRoutes(app: App) {
  const { db } = app.database;
  const { accessTokenSeconds, sessionDays } = app.config;

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
      const passwordHash = await hashPassword(request.body.member.password);
      return write(
        request,
        reply,
        (tx, context) => register(tx, context, request.body, passwordHash),
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
        errors: ["auth.invalid_credentials", "auth.too_many_attempts"],
      },
      schema: {
        operationId: "login",
        summary: "Sign in with e-mail and password",
        description:
          "Ten attempts at one account, or a hundred from one address, within 15 minutes: then 429 with Retry-After.",
        tags,
        body: LoginInput,
        response: { 200: Tokens },
      },
    },
    async (request, reply) => {
      const member = await checkCredentials(app.callerDb, request.ip, request.body);
      return write(request, reply, async (tx, context) =>
        toTokens(await login(tx, context, member, sessionDays)),
      );
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
          "Each refresh token works once. One that comes twice was stolen: its whole sign-in is revoked.",
        tags,
        body: RefreshInput,
        response: { 200: Tokens },
      },
    },
    (request, reply) =>
      write(request, reply, async (tx, context) => {
        const outcome = await refreshSession(tx, context, request.body.refreshToken);
        return outcome instanceof AppError ? outcome : toTokens(outcome);
      }),
  );

  app.post(
    "/v1/auth/logout",
    {
      config: { access: { whileSuspended: true }, idempotency: "refused", changesAccess: true },
      schema: {
        operationId: "logout",
        summary: "Sign out",
        description: "Ends the sign-in that the access token belongs to, and its refresh token.",
        tags,
        response: { 204: noContent },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) => logout(tx, context), { status: 204 }),
  );

  app.post(
    "/v1/auth/change-password",
    {
      config: {
        access: { whileSuspended: true },
        idempotency: "refused",
        changesAccess: true,
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
      const actor = actorOf(request);
      const { currentPassword, newPassword } = request.body;
      const checked = await checkCurrentPassword(app.callerDb, actor, request.ip, currentPassword);
      const passwordHash = await hashPassword(newPassword);
      return write(request, reply, async (tx, context) =>
        toTokens(await changePassword(tx, context, checked, passwordHash, sessionDays)),
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
        errors: ["auth.invalid_link"],
      },
      schema: {
        operationId: "redeemLink",
        summary: "Accept an invitation, or set a new password, with a one-time token",
        description: "The token works once, for seven days. Afterwards sign in with the password.",
        tags,
        body: RedeemLinkInput,
        response: { 200: Member },
      },
    },
    async (request, reply) => {
      // Before the costly hash: nobody gets one for a token made up.
      await ownerOfLink(app.callerDb, request.body.token);
      const passwordHash = await hashPassword(request.body.password);
      return write(request, reply, (tx, context) =>
        redeemMemberLink(tx, context, request.body.token, passwordHash),
      );
    },
  );

  app.get(
    "/v1/me",
    {
      config: { access: { scope: "organization:read" } },
      schema: {
        operationId: "readMe",
        summary: "Who am I",
        description: "The person or machine client behind the token, with the organization.",
        tags,
        response: { 200: Me },
      },
    },
    (request) => readMe(db, actorOf(request)),
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
    (request, reply) =>
      write(request, reply, (tx, context) => updateMe(tx, context, actorOf(request), request.body)),
  );
}
