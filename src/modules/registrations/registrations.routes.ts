import { z } from "zod";
import type { ErrorCode } from "../../lib/errors.ts";
import { pageOf } from "../../lib/pagination.ts";
import { IdParams, ReasonInput } from "../../lib/wire.ts";
import { actorOf } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { DryRun, DryRunQuery, dryRun, write } from "../../plugins/writes.ts";
import {
  amendRegistration,
  cancelRegistration,
  retractRegistrationStep,
  revokeRegistration,
} from "./corrections.service.ts";
import { refuseRegistration, registerContract } from "./decisions.service.ts";
import {
  AmendInput,
  CancelRegistrationInput,
  ConclusionInput,
  DueDateInput,
  FileInput,
  ListRegistrationsQuery,
  NoteInput,
  RefuseInput,
  Registration,
  RevokeInput,
  SupplementRequestInput,
} from "./registrations.schema.ts";
import {
  acceptRegistration,
  beginExpertReview,
  concludeExpertReview,
  disputeRegistration,
  fileContract,
  listRegistrations,
  readRegistration,
  requestSupplement,
  setDueDate,
  supplementRegistration,
  withdrawRegistration,
} from "./registrations.service.ts";

const tags = ["registrations"];
const params = IdParams;
const response = { 200: Registration };
const step = { idempotency: "accepted", ifMatch: "honoured", etag: "version" } as const;
/** Only people review and decide. */
const registrar = { roles: ["registry"], verified: true } as const;
const applicant = { roles: ["university", "enterprise", "brokerage"], verified: true } as const;
const either = {
  roles: ["university", "enterprise", "brokerage", "registry"],
  verified: true,
} as const;
const refusals = [
  "registration.not_found",
  "registration.not_owner",
  "registration.invalid_transition",
] as const;
const reviewing = [...refusals, "registration.reviewer_of_applicant"] as const;
/** What the contract's own lifecycle may say to a step that moves it too. */
const moving: readonly ErrorCode[] = ["contract.invalid_transition"];

export default async function registrationRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/registrations",
    {
      config: { access: { scope: "registrations:read" } },
      schema: {
        operationId: "listRegistrations",
        summary: "The queue of cases",
        description:
          "An office's own; for others the cases that they have a part in; for the operator all but trade secrets.",
        tags,
        querystring: ListRegistrationsQuery,
        response: { 200: pageOf(Registration) },
      },
    },
    (request) => listRegistrations(db, actorOf(request), request.query),
  );

  app.get(
    "/v1/registrations/:id",
    {
      config: {
        access: { scope: "registrations:read" },
        etag: "version",
        errors: ["registration.not_found"],
      },
      schema: {
        operationId: "readRegistration",
        summary: "One case",
        description: "What screening found and who reviews is for the office's registrars.",
        tags,
        params,
        response,
      },
    },
    (request) => readRegistration(db, actorOf(request), request.params.id),
  );

  // Here, not with the contracts: what it makes is a registration.
  app.post(
    "/v1/contracts/:id/file",
    {
      config: {
        ...step,
        access: applicant,
        errors: [
          "contract.not_found",
          "contract.invalid_transition",
          "amendment.already_open",
          "registration.not_applicant",
          "registration.no_office",
          "registration.incomplete",
          "registration.already_filed",
        ],
      },
      schema: {
        operationId: "fileContract",
        summary: "File an effective contract for registration",
        description:
          "By the seller that leads; of an import by the domestic buyer. It goes to the office of that party's region. `dryRun=true` only says what blocks it.",
        tags,
        params,
        querystring: DryRunQuery,
        body: FileInput,
        response: { 200: z.union([Registration, DryRun]), 201: Registration },
      },
    },
    (request, reply) => {
      const { id } = request.params;
      const { note } = request.body;
      const actor = actorOf(request);
      if (request.query.dryRun) {
        return dryRun(request, (tx, context) => fileContract(tx, context, actor, id, note));
      }
      return write(request, reply, (tx, context) => fileContract(tx, context, actor, id, note), {
        status: 201,
        location: (made) => `/v1/registrations/${made.id}`,
      });
    },
  );

  app.post(
    "/v1/registrations/:id/accept",
    {
      config: { ...step, access: registrar, errors: reviewing },
      schema: {
        operationId: "acceptRegistration",
        summary: "Accept a case",
        description:
          "Whoever does is its first reviewer. The clock runs from today, or from the day of a supplement that was asked for before.",
        tags,
        params,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        acceptRegistration(tx, context, actorOf(request), request.params.id),
      ),
  );

  app.post(
    "/v1/registrations/:id/request-supplement",
    {
      config: {
        ...step,
        access: registrar,
        errors: [...reviewing, "registration.not_first_reviewer"],
      },
      schema: {
        operationId: "requestSupplement",
        summary: "Ask the applicant for something",
        description: "With a deadline; a case without an answer by then is withdrawn.",
        tags,
        params,
        body: SupplementRequestInput,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        requestSupplement(tx, context, actorOf(request), request.params.id, request.body),
      ),
  );

  app.post(
    "/v1/registrations/:id/supplement",
    {
      config: { ...step, access: applicant, errors: refusals },
      schema: {
        operationId: "supplementRegistration",
        summary: "Hand in what was asked for",
        description: "Files are attached to the case before. The clock starts again.",
        tags,
        params,
        body: NoteInput,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) => {
        const { note } = request.body;
        return supplementRegistration(tx, context, actorOf(request), request.params.id, note);
      }),
  );

  app.post(
    "/v1/registrations/:id/withdraw",
    {
      config: { ...step, access: applicant, errors: [...refusals, ...moving] },
      schema: {
        operationId: "withdrawRegistration",
        summary: "Take a case back",
        description: "By the applicant, before acceptance. The contract may be filed again.",
        tags,
        params,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        withdrawRegistration(tx, context, actorOf(request), request.params.id),
      ),
  );

  app.post(
    "/v1/registrations/:id/expert-review",
    {
      config: {
        ...step,
        access: registrar,
        errors: [...reviewing, "registration.not_first_reviewer"],
      },
      schema: {
        operationId: "beginExpertReview",
        summary: "Give a case to experts",
        description: "By the first reviewer. Large and disputed cases need it.",
        tags,
        params,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        beginExpertReview(tx, context, actorOf(request), request.params.id),
      ),
  );

  app.post(
    "/v1/registrations/:id/conclude-review",
    {
      config: {
        ...step,
        access: registrar,
        errors: [...reviewing, "registration.not_first_reviewer"],
      },
      schema: {
        operationId: "concludeExpertReview",
        summary: "Write down what the experts found",
        description: "By the first reviewer; the second one decides then.",
        tags,
        params,
        body: ConclusionInput,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) => {
        const { conclusion } = request.body;
        return concludeExpertReview(tx, context, actorOf(request), request.params.id, conclusion);
      }),
  );

  app.post(
    "/v1/registrations/:id/dispute",
    {
      config: { ...step, access: registrar, errors: reviewing },
      schema: {
        operationId: "disputeRegistration",
        summary: "Mark a case as disputed",
        description: "Experts look at it then, and it may take longer.",
        tags,
        params,
        body: ReasonInput,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) => {
        const { reason } = request.body;
        return disputeRegistration(tx, context, actorOf(request), request.params.id, reason);
      }),
  );

  app.post(
    "/v1/registrations/:id/set-due-date",
    {
      config: { ...step, access: registrar, errors: reviewing },
      schema: {
        operationId: "setDueDate",
        summary: "Set another due date",
        description: "With a reason, which the applicant reads.",
        tags,
        params,
        body: DueDateInput,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        setDueDate(tx, context, actorOf(request), request.params.id, request.body),
      ),
  );

  app.post(
    "/v1/registrations/:id/register",
    {
      config: {
        ...step,
        access: registrar,
        errors: [
          ...reviewing,
          ...moving,
          "registration.same_reviewer",
          "registration.expert_review_needed",
        ],
      },
      schema: {
        operationId: "registerContract",
        summary: "Register a contract",
        description:
          "By a second reviewer. It gets its number, gap-free for each office and year, and is counted. `dryRun=true` only says what blocks it.",
        tags,
        params,
        querystring: DryRunQuery,
        response: { 200: z.union([Registration, DryRun]) },
      },
    },
    (request, reply) => {
      const { id } = request.params;
      const actor = actorOf(request);
      if (request.query.dryRun) {
        return dryRun(request, (tx, context) => registerContract(tx, context, actor, id));
      }
      return write(request, reply, (tx, context) => registerContract(tx, context, actor, id));
    },
  );

  app.post(
    "/v1/registrations/:id/refuse",
    {
      config: {
        ...step,
        access: registrar,
        errors: [...reviewing, ...moving, "registration.same_reviewer"],
      },
      schema: {
        operationId: "refuseRegistration",
        summary: "Refuse to register a contract",
        description:
          "With grounds from `registration-grounds`. Before acceptance any registrar does, afterwards a second reviewer. The contract may be filed again.",
        tags,
        params,
        body: RefuseInput,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        refuseRegistration(tx, context, actorOf(request), request.params.id, request.body),
      ),
  );

  app.post(
    "/v1/registrations/:id/amend",
    {
      config: {
        ...step,
        access: either,
        errors: [
          ...reviewing,
          "registration.not_agreed",
          "registration.same_reviewer",
          "registration.expert_review_needed",
        ],
      },
      schema: {
        operationId: "amendRegistration",
        summary: "Amend a registration after its contract",
        description:
          "The applicant asks, naming the confirmed revision; then a first and a second registrar call the same. The number stays, the revision is the next one. Where the technology amount newly reaches the threshold, the first registrar says what experts found.",
        tags,
        params,
        body: AmendInput,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        amendRegistration(tx, context, actorOf(request), request.params.id, request.body),
      ),
  );

  app.post(
    "/v1/registrations/:id/cancel",
    {
      config: {
        ...step,
        access: either,
        errors: [...reviewing, ...moving, "registration.not_agreed"],
      },
      schema: {
        operationId: "cancelRegistration",
        summary: "Cancel a registration with its contract",
        description:
          "The applicant asks once all parties have agreed to cancel the contract; then a registrar calls the same.",
        tags,
        params,
        body: CancelRegistrationInput,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) => {
        const { note } = request.body;
        return cancelRegistration(tx, context, actorOf(request), request.params.id, note);
      }),
  );

  app.post(
    "/v1/registrations/:id/revoke",
    {
      config: {
        ...step,
        access: registrar,
        errors: [...reviewing, ...moving, "registration.same_reviewer"],
      },
      schema: {
        operationId: "revokeRegistration",
        summary: "Revoke a registration",
        description:
          "One registrar proposes it with a ground from `revocation-grounds`, another one calls the same.",
        tags,
        params,
        body: RevokeInput,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        revokeRegistration(tx, context, actorOf(request), request.params.id, request.body),
      ),
  );

  app.post(
    "/v1/registrations/:id/retract",
    {
      config: { ...step, access: either, errors: reviewing },
      schema: {
        operationId: "retractRegistrationStep",
        summary: "End what was begun",
        description: "The applicant its own request, a registrar any.",
        tags,
        params,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        retractRegistrationStep(tx, context, actorOf(request), request.params.id),
      ),
  );
}
