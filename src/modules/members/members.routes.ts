import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import { actorOf } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { noContent, write } from "../../plugins/writes.ts";
import {
  InviteInput,
  ListMembersQuery,
  Member,
  MemberParams,
  MemberPatch,
  OneTimeLink,
} from "./members.schema.ts";
import {
  inviteMember,
  issueMemberLink,
  listMembers,
  moveMember,
  readMember,
  updateMember,
  withdrawInvitation,
} from "./members.service.ts";

const tags = ["accounts"];
const path = "/v1/organizations/:id/members";

const locationOf = ({ member }: { member: Member }) =>
  `/v1/organizations/${member.organizationId}/members/${member.id}`;

export default async function memberRoutes(app: App) {
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
    (request) => listMembers(app.database.db, actorOf(request), request.params.id, request.query),
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
    (request, reply) =>
      write(
        request,
        reply,
        async (tx, context) => ({
          ...(await inviteMember(tx, context, actorOf(request), request.params.id, request.body)),
          redeemAt,
        }),
        { status: 201, location: locationOf },
      ),
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
    (request) =>
      readMember(app.database.db, actorOf(request), request.params.id, request.params.memberId),
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
      write(
        request,
        reply,
        (tx, context) =>
          withdrawInvitation(
            tx,
            context,
            actorOf(request),
            request.params.id,
            request.params.memberId,
          ),
        { status: 204 },
      ),
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
      write(request, reply, (tx, context) =>
        updateMember(
          tx,
          context,
          actorOf(request),
          request.params.id,
          request.params.memberId,
          request.body,
        ),
      ),
  );

  for (const action of ["suspend", "reinstate"] as const) {
    app.post(
      `${path}/:memberId/${action}`,
      {
        config: {
          access: { admin: true },
          idempotency: "accepted",
          ifMatch: "honoured",
          etag: "version",
          changesAccess: true,
          errors: [
            "organization.not_owner",
            "organization.not_found",
            "member.not_found",
            "member.invalid_transition",
            "member.last_admin",
          ],
        },
        schema: {
          operationId: `${action}Member`,
          summary: action === "suspend" ? "Suspend a member" : "Let a suspended member back in",
          description:
            action === "suspend"
              ? "Ends all sign-ins of the person at once. The last active admin cannot be suspended."
              : "The person signs in with the password as before.",
          tags,
          params: MemberParams,
          response: { 200: Member },
        },
      },
      (request, reply) =>
        write(request, reply, (tx, context) =>
          moveMember(
            tx,
            context,
            actorOf(request),
            request.params.id,
            request.params.memberId,
            action,
          ),
        ),
    );
  }

  app.post(
    `${path}/:memberId/issue-link`,
    {
      config: {
        access: { admin: true },
        idempotency: "refused",
        errors: [
          "organization.not_owner",
          "organization.not_found",
          "member.not_found",
          "member.invalid_transition",
        ],
      },
      schema: {
        operationId: "issueMemberLink",
        summary: "Make a one-time token for a member",
        description:
          "An invitation while the person has no password, else a password reset. Earlier tokens stop working. The operator does it for an organization's last admin.",
        tags,
        params: MemberParams,
        response: { 201: OneTimeLink },
      },
    },
    (request, reply) =>
      write(
        request,
        reply,
        async (tx, context) => ({
          ...(await issueMemberLink(
            tx,
            context,
            actorOf(request),
            request.params.id,
            request.params.memberId,
          )),
          redeemAt,
        }),
        { status: 201, location: locationOf },
      ),
  );
}
