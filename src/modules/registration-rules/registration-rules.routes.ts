import { z } from "zod";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import {
  RegistrationRules,
  RegistrationRulesPatch,
  RulesParams,
} from "./registration-rules.schema.ts";
import { listRegistrationRules, updateRegistrationRules } from "./registration-rules.service.ts";

const tags = ["registrations"];

export default async function registrationRulesRoutes(app: App) {
  app.get(
    "/v1/registration-rules",
    {
      config: { access: { public: true } },
      schema: {
        operationId: "listRegistrationRules",
        summary: "The rules of registration",
        description:
          "Day counts, thresholds and reviewers by rule set; the day of acceptance decides which one a case comes under.",
        tags,
        response: { 200: z.object({ data: z.array(RegistrationRules) }) },
      },
    },
    () => listRegistrationRules(app.database.db),
  );

  app.patch(
    "/v1/registration-rules/:code",
    {
      config: {
        access: { roles: ["operator"] },
        ifMatch: "required",
        etag: "version",
        errors: ["registration_rules.not_found"],
      },
      schema: {
        operationId: "updateRegistrationRules",
        summary: "Change the numbers of a rule set",
        description: "JSON merge patch. Cases that began keep the numbers that they began under.",
        tags,
        params: RulesParams,
        body: RegistrationRulesPatch,
        response: { 200: RegistrationRules },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) =>
        updateRegistrationRules(tx, call, request.params.code, request.body),
      ),
  );
}
