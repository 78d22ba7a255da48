import { z } from "zod";
import { mailLanguages } from "../../../db/schema/mails.ts";
import { patchOf } from "../../lib/wire.ts";

/** What a person chooses. */
export const MailChoice = z.strictObject({
  language: z.enum(mailLanguages).describe("Of all mail to this person."),
  interestReceived: z.boolean().describe("When somebody asks about a listing of the organization."),
  matchProposed: z.boolean().describe("When a broker proposes a match that it can accept."),
  contractToConfirm: z.boolean().describe("When a contract waits for its confirmation."),
  supplementRequested: z.boolean().describe("When a registration office asks it for a supplement."),
  digest: z.boolean().describe("Each morning what waits for it, if anything does."),
});

export const MailPreferencesPatch = patchOf(MailChoice).meta({
  id: "MailPreferencesPatch",
  examples: [{ language: "en", digest: false }],
});

export const MailPreferences = z
  .object({
    isOn: z.boolean().describe("Whether this market sends mail at all."),
    email: z.string().describe("Where it goes."),
    ...MailChoice.shape,
    version: z.int(),
  })
  .meta({
    id: "MailPreferences",
    description: "Invitations, password links and changes of the password are always told.",
  });
export type MailPreferences = z.output<typeof MailPreferences>;
