import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { MailPreferences, MailPreferencesPatch } from "./mail.schema.ts";
import { readMailPreferences, updateMailPreferences } from "./mail.service.ts";

const tags = ["accounts"];
const path = "/v1/me/mail-preferences";

export default async function mailRoutes(app: App) {
  const isOn = app.config.mail !== null;

  app.get(
    path,
    {
      config: { access: {}, etag: "version", errors: ["member.not_found"] },
      schema: {
        operationId: "readMailPreferences",
        summary: "What one is written, and in which language",
        description: "Of people of verified organizations; where nothing was chosen, all of it.",
        tags,
        response: { 200: MailPreferences },
      },
    },
    ({ caller }) => readMailPreferences(app.database.db, caller, isOn),
  );

  app.patch(
    path,
    {
      config: { access: {}, ifMatch: "required", etag: "version", errors: ["member.not_found"] },
      schema: {
        operationId: "updateMailPreferences",
        summary: "Choose what one is written, and in which language",
        description: "JSON merge patch. Holds for mail that has not gone out yet, too.",
        tags,
        body: MailPreferencesPatch,
        response: { 200: MailPreferences },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => updateMailPreferences(tx, call, request.body, isOn)),
  );
}
