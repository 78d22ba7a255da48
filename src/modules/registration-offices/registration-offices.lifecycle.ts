import { registrationOffices } from "../../../db/schema/registration-offices.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { resource, type Standing } from "../../lifecycle/resource.ts";
import { RegistrationOffice } from "./registration-offices.schema.ts";

export interface OfficeFound {
  row: typeof registrationOffices.$inferSelect;
  /** What it is competent for. */
  regionCodes: string[];
}

const standingOf = (_: OfficeFound, actor: Actor): Standing[] =>
  isOperator(actor) ? ["operator"] : [];

/** A closed office gives no more numbers; its code is never used again. */
export const registrationOffice = resource({
  noun: "registration_office",
  table: registrationOffices,
  path: "/v1/registration-offices/:id",
  tag: "registrations",
  reply: RegistrationOffice,
  standing: standingOf,
  otherwise: "auth.forbidden_role",
  audit: ({ row }) => ({ owner: row.organizationId }),
  recorded: ({ row, regionCodes }) => ({ ...row, regionCodes }),
  steps: {
    closeRegistrationOffice: {
      action: "close",
      from: ["active"],
      by: "operator",
      to: "closed",
      roles: ["operator"],
      summary: "Close a registration office",
      description: "It takes no more cases; those that it has it finishes.",
    },
  },
});
