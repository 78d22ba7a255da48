import type { FastifyReply, FastifyRequest } from "fastify";
import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import { accessOf } from "../../lifecycle/resource.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import type { App } from "../../plugins/contract.ts";
import { noContent, write } from "../../plugins/writes.ts";
import { member } from "./members.lifecycle.ts";
import {
  InviteInput,
  ListMembersQuery,
  Member,
  type MemberKey,
  MemberParams,
  MemberPatch,
  OneTimeLink,
} from "./members.schema.ts";
import * as verbs from "./members.service.ts";
import {
  inviteMember,
  issueMemberLink,
  listMembers,
  readMember,
  removeMemberFactors,
  unlockMember,
  updateMember,
  withdrawInvitation,
} from "./members.service.ts";

const tags = ["accounts"];
const path = "/v1/organizations/:id/members";

const locationOf = ({ member }: { member: Member }) =>
  `/v1/organizations/${member.organizationId}/members/${member.id}`;

export default async function memberRoutes(app: App) {
  const isMailOn = app.config.mail !== null;
  /** What is mailed goes to whomever an organization names, in the market's name: so many an hour. */
  const limitMail = (request: FastifyRequest, reply: FastifyReply) => {
    if (isMailOn) app.limit(reply, "mails", { caller: request.caller.organizationId });
  };
  const redeemAt = `${app.config.publicUrl}/v1/auth/redeem-link`;

  app.get(
    path,
    {
      config: {
        access: { scope: "organization:read" },
        errors: ["organization.not_owner", "organization.not_found"],
      },
      schema: {
        operationId: "listMembers",
        summary: "The people of an organization",
        description: "Members see their colleagues; the operator sees everybody's.",
        tags,
        params: IdParams,
        querystring: ListMembersQuery,
        response: { 200: pageOf(Member) },
      },
    },
    (request) => listMembers(app.database.db, request.caller, request.params.id, request.query),
  );

  app.post(
    path,
    {
      config: {
        access: { admin: true },
        idempotency: "refused",
        errors: ["organization.not_owner", "organization.not_found", "member.email_taken"],
      },
      schema: {
        operationId: "inviteMember",
        summary: "Invite a person",
        description:
          "Makes an account without a password and a one-time token, shown only here, to hand over. The operator invites the first admin of an organization that has none.",
        tags,
        params: IdParams,
        body: InviteInput,
        response: { 201: OneTimeLink },
      },
    },
    (request, reply) => {
      limitMail(request, reply);
      return write(
        request,
        reply,
        async (tx, call) => ({
          ...(await inviteMember(tx, call, request.params.id, request.body, isMailOn)),
          redeemAt,
        }),
        { status: 201, location: locationOf },
      );
    },
  );

  app.get(
    `${path}/:memberId`,
    {
      config: {
        access: { scope: "organization:read" },
        etag: "version",
        errors: ["organization.not_owner", "organization.not_found", "member.not_found"],
      },
      schema: {
        operationId: "readMember",
        summary: "One person of an organization",
        description: "For colleagues and the operator.",
        tags,
        params: MemberParams,
        response: { 200: Member },
      },
    },
    (request) => readMember(app.database.db, request.caller, request.params),
  );

  app.delete(
    `${path}/:memberId`,
    {
      config: {
        access: { admin: true },
        ifMatch: "honoured",
        errors: [
          "organization.not_owner",
          "organization.not_found",
          "member.not_found",
          "member.invalid_transition",
        ],
      },
      schema: {
        operationId: "withdrawInvitation",
        summary: "Take an invitation back",
        description: "Only until it is accepted: the account goes and its e-mail is free again.",
        tags,
        params: MemberParams,
        response: { 204: noContent },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => withdrawInvitation(tx, call, request.params), {
        status: 204,
      }),
  );

  app.patch(
    `${path}/:memberId`,
    {
      config: {
        access: { admin: true },
        ifMatch: "required",
        etag: "version",
        changesAccess: true,
        errors: [
          "organization.not_owner",
          "organization.not_found",
          "member.not_found",
          "member.last_admin",
        ],
      },
      schema: {
        operationId: "updateMember",
        summary: "Change a member's name, phone or admin right",
        description: 'JSON merge patch. The tag for If-Match is `"<version>-"`.',
        tags,
        params: MemberParams,
        body: MemberPatch,
        response: { 200: Member },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => updateMember(tx, call, request.params, request.body)),
  );

  app.delete(
    `${path}/:memberId/sign-in-attempts`,
    {
      config: {
        access: { roles: ["operator"] },
        errors: ["organization.not_found", "member.not_found"],
      },
      schema: {
        operationId: "unlockMember",
        summary: "End what a member has to wait for after wrong passwords",
        description:
          "By the operator, who has made sure whom it speaks to. The next attempt is not delayed; the password stays.",
        tags,
        params: MemberParams,
        response: { 204: noContent },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => unlockMember(tx, call, request.params), { status: 204 }),
  );

  app.delete(
    `${path}/:memberId/second-factors`,
    {
      config: {
        access: { admin: true },
        changesAccess: true,
        errors: [
          "organization.not_owner",
          "organization.not_found",
          "member.not_found",
          "second_factor.not_found",
          "second_factor.own",
        ],
      },
      schema: {
        operationId: "removeMemberFactors",
        summary: "Take the second factors from a member who has lost them",
        description:
          "Ends all sign-ins of the person, and bars the account for 72 hours from reviews of cases and from confirming contracts. The operator does it for an organization's last admin.",
        tags,
        params: MemberParams,
        response: { 204: noContent },
      },
    },
    (request, reply) =>
      write(
        request,
        reply,
        (tx, call) => removeMemberFactors(tx, call, request.params, app.config.resetBarHours),
        { status: 204 },
      ),
  );

  registerSteps(app, member, verbs, (key: MemberKey) => key);

  const issuing = member.steps.issueMemberLink;
  app.post(
    `${path}/:memberId/${issuing.action}`,
    {
      config: {
        access: accessOf(issuing),
        idempotency: issuing.idempotency,
        errors: [
          "organization.not_owner",
          "organization.not_found",
          "member.not_found",
          "member.invalid_transition",
        ],
      },
      schema: {
        operationId: "issueMemberLink",
        summary: issuing.summary,
        description: issuing.description,
        tags,
        params: MemberParams,
        response: { 201: issuing.reply },
      },
    },
    (request, reply) => {
      limitMail(request, reply);
      return write(
        request,
        reply,
        async (tx, call) => ({
          ...(await issueMemberLink(tx, call, request.params, isMailOn)),
          redeemAt,
        }),
        { status: 201, location: locationOf },
      );
    },
  );
}
