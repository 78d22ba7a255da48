import { ownAccount } from "../../lib/access.ts";
import type { App } from "../../plugins/contract.ts";
import { callOf, noContent, write } from "../../plugins/writes.ts";
import {
  ConfirmedFactor,
  ConfirmFactorInput,
  FactorParams,
  PasswordInput,
  PendingSecondFactor,
  RecoveryCodes,
  SecondFactorInput,
  SecondFactors,
} from "../second-factors/second-factors.schema.ts";
import {
  addSecondFactor,
  confirmSecondFactor,
  listSecondFactors,
  removeSecondFactor,
  renewRecoveryCodes,
} from "../second-factors/second-factors.service.ts";
import { checkCurrentPassword } from "./auth.service.ts";

const tags = ["accounts"];
const path = "/v1/me/second-factors";

/** With the password in hand: a token that was left open is not enough to change how one signs in. */
const guarded = {
  access: ownAccount,
  idempotency: "refused",
  bucket: "sign-in",
  errors: [
    "auth.invalid_credentials",
    "auth.too_many_attempts",
    "auth.second_factor_needed",
    "second_factor.not_found",
  ],
} as const;

export default async function secondFactorRoutes(app: App) {
  const { callerDb } = app;
  const { site, secondFactorRoles } = app.config;

  app.get(
    path,
    {
      config: { access: ownAccount },
      schema: {
        operationId: "listSecondFactors",
        summary: "What one proves beside the password",
        description: "One's own authenticators and passkeys, and how many recovery codes are left.",
        tags,
        response: { 200: SecondFactors },
      },
    },
    ({ caller }) =>
      listSecondFactors(app.database.db, caller, secondFactorRoles.includes(caller.role)),
  );

  app.post(
    path,
    {
      config: { ...guarded, errors: [...guarded.errors, "second_factor.too_many"] },
      schema: {
        operationId: "addSecondFactor",
        summary: "Begin to set up a second factor",
        description:
          "A `totp` for an authenticator app (RFC 6238), or a `passkey` (WebAuthn). It protects the account once it is confirmed, within 15 minutes.",
        tags,
        body: SecondFactorInput,
        response: { 201: PendingSecondFactor },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const person = await checkCurrentPassword(callerDb, callOf(request), body.currentPassword);
      return write(request, reply, (tx, call) => addSecondFactor(tx, call, person, body, site), {
        status: 201,
        location: () => path,
      });
    },
  );

  app.post(
    `${path}/:id/confirm`,
    {
      config: {
        access: ownAccount,
        idempotency: "refused",
        changesAccess: true,
        bucket: "sign-in",
        errors: [
          "auth.invalid_second_factor",
          "auth.too_many_attempts",
          "auth.second_factor_needed",
          "second_factor.not_found",
          "second_factor.already_confirmed",
        ],
      },
      schema: {
        operationId: "confirmSecondFactor",
        summary: "Prove a second factor for the first time",
        description:
          "From now on a sign-in asks for it. With the first one come recovery codes, shown only here, and all other sign-ins end. Further ones need a sign-in that has proved one.",
        tags,
        params: FactorParams,
        body: ConfirmFactorInput,
        response: { 200: ConfirmedFactor },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) =>
        confirmSecondFactor(tx, call, request.params.id, request.body, site),
      ),
  );

  app.post(
    `${path}/:id/remove`,
    {
      config: { ...guarded, changesAccess: true },
      schema: {
        operationId: "removeSecondFactor",
        summary: "Remove a second factor",
        description: "One's own. With the last one the recovery codes go.",
        tags,
        params: FactorParams,
        body: PasswordInput,
        response: { 204: noContent },
      },
    },
    async (request, reply) => {
      const { body, params } = request;
      const person = await checkCurrentPassword(callerDb, callOf(request), body.currentPassword);
      return write(request, reply, (tx, call) => removeSecondFactor(tx, call, person, params.id), {
        status: 204,
      });
    },
  );

  app.post(
    `${path}/recovery-codes`,
    {
      config: guarded,
      schema: {
        operationId: "renewRecoveryCodes",
        summary: "Make new recovery codes",
        description: "The ones before stop working. Shown only here.",
        tags,
        body: PasswordInput,
        response: { 200: RecoveryCodes },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const person = await checkCurrentPassword(callerDb, callOf(request), body.currentPassword);
      return write(request, reply, (tx, call) => renewRecoveryCodes(tx, call, person));
    },
  );
}
