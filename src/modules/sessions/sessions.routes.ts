import { ownAccount } from "../../lib/access.ts";
import { IdParams } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import { noContent, write } from "../../plugins/writes.ts";
import { SignIns } from "./sessions.schema.ts";
import { endOtherSignIns, endSignIn, listSignIns } from "./sessions.service.ts";

const tags = ["accounts"];
const path = "/v1/me/sign-ins";

export default async function sessionRoutes(app: App) {
  app.get(
    path,
    {
      config: { access: ownAccount },
      schema: {
        operationId: "listSignIns",
        summary: "One's own sign-ins that are open",
        description:
          "Where each came from and when it was last used: what one does not know, one ends.",
        tags,
        response: { 200: SignIns },
      },
    },
    ({ caller }) => listSignIns(app.database.db, caller, app.config),
  );

  app.delete(
    path,
    {
      config: { access: ownAccount, changesAccess: true },
      schema: {
        operationId: "endOtherSignIns",
        summary: "End all of one's own sign-ins but this one",
        description:
          "Their refresh tokens stop working at once, their access tokens within five seconds.",
        tags,
        response: { 204: noContent },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => endOtherSignIns(tx, call), { status: 204 }),
  );

  app.delete(
    `${path}/:id`,
    {
      config: { access: ownAccount, changesAccess: true, errors: ["sign_in.not_found"] },
      schema: {
        operationId: "endSignIn",
        summary: "End one of one's own sign-ins",
        description:
          "Its refresh token stops working at once, its access token within five seconds.",
        tags,
        params: IdParams,
        response: { 204: noContent },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => endSignIn(tx, call, request.params.id, app.config), {
        status: 204,
      }),
  );
}
