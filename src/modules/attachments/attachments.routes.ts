import multipart from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { transact } from "../../database/transact.ts";
import { AppError } from "../../lib/errors.ts";
import { noneMatches } from "../../lib/etag.ts";
import { bodyFault } from "../../lib/faults.ts";
import { IdParams, isPlainLine } from "../../lib/wire.ts";
import { actorOf, originOf } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { noContent, write } from "../../plugins/writes.ts";
import type { Received } from "../../storage/files.ts";
import { Attachment, SubjectQuery, UploadQuery } from "./attachments.schema.ts";
import {
  authorizeUpload,
  createAttachment,
  deleteAttachment,
  listAttachments,
  readAttachment,
  releaseBytes,
  typeOf,
} from "./attachments.service.ts";
import { mediaTypes } from "./attachments.types.ts";

const tags = ["attachments"];
const missing = [
  "result.not_found",
  "need.not_found",
  "contract.not_found",
  "registration.not_found",
] as const;

const refusedFile = (code: "required" | "invalid_characters" | "form.broken") =>
  new AppError("request.invalid", { faults: [bodyFault(["file"], code)] });

/** Characters that a file's name has at most. */
const longestName = 200;

/** The last part of whatever path was sent, as one line; a long one keeps its ending. */
function plainName(sent: string): string {
  const name = sent.split(/[\\/]/).at(-1)?.trim() ?? "";
  if (name === "" || !isPlainLine(name)) throw refusedFile("invalid_characters");
  const ending = /\.\w{1,10}$/.exec(name)?.[0] ?? "";
  const stem = [...name.slice(0, name.length - ending.length)];
  return stem.slice(0, longestName - ending.length).join("") + ending;
}

/** A form that cannot be read is the sender's fault; a disk that is full is not. */
function refusalOf(error: unknown): unknown {
  const { code, name } = error as { code?: string; name?: string };
  // The parser's own errors are plain ones.
  const isBroken = code === undefined ? name === "Error" : code.startsWith("FST_");
  return isBroken && !(error instanceof AppError) ? refusedFile("form.broken") : error;
}

export default async function attachmentRoutes(app: App) {
  const { db, pool } = app.database;
  const { files } = app;
  const fileSize = app.config.maxUploadMegabytes * 1024 * 1024;
  // Here only: elsewhere a body of this type is refused.
  await app.register(multipart, { limits: { fileSize, files: 1, fields: 0, parts: 1 } });

  /** The one file of a request, written down as it comes. */
  async function receive(request: FastifyRequest) {
    let received: Received | undefined;
    try {
      if (!request.isMultipart()) throw refusedFile("required");
      const parts = request.files();
      const { value: part } = await parts.next();
      if (part?.fieldname !== "file" || !part.filename) throw refusedFile("required");
      const fileName = plainName(part.filename);
      received = await files.receive(part.file);
      if (part.file.truncated) throw new AppError("request.too_large");
      if (received.size === 0) throw refusedFile("required");
      // Whether the form ends here: neither a further part nor a cut.
      if (!(await parts.next()).done) throw refusedFile("form.broken");
      return { ...received, fileName };
    } catch (error) {
      await received?.discard();
      // What still comes is read and thrown away, so that the sender hears of the refusal.
      request.raw.unpipe().resume();
      throw refusalOf(error);
    }
  }

  app.post(
    "/v1/attachments",
    {
      config: {
        transfers: true,
        access: {
          roles: ["university", "enterprise", "brokerage", "registry"],
          scope: "attachments:write",
        },
        idempotency: "accepted",
        errors: [
          ...missing,
          "result.not_owner",
          "need.not_owner",
          "contract.not_owner",
          "registration.not_owner",
          "registration.reviewer_of_applicant",
          "attachment.locked",
          "attachment.other_side",
          "attachment.limit",
          "attachment.type_refused",
          "auth.person_required",
          "contract.already_confirmed",
          "contract.not_in_force",
          "match.not_found",
          "match.invalid_transition",
        ],
      },
      schema: {
        operationId: "createAttachment",
        summary: "Attach a file",
        description:
          "To a listing, a contract or a case, by whoever may change it. One part `file`; its type is told by its bytes. A signed copy stands for the confirmation of the contract's outside party.",
        tags,
        consumes: ["multipart/form-data"],
        querystring: UploadQuery,
        response: { 201: Attachment },
      },
    },
    async (request, reply) => {
      const actor = actorOf(request);
      const { query } = request;
      // Who may not attach it need not send it.
      await authorizeUpload(app.callerDb, { ...originOf(request), expected: null }, actor, query);
      const received = await receive(request);
      try {
        const mediaType = await typeOf(received, received.fileName);
        const file = { ...received, mediaType };
        return await write(
          request,
          reply,
          (tx, context) => createAttachment(tx, context, actor, files, query, file),
          {
            status: 201,
            location: ({ id }) => `/v1/attachments/${id}`,
            fingerprint: `${received.sha256} ${received.fileName}`,
          },
        );
      } catch (error) {
        await transact(pool, (tx) => releaseBytes(tx, files, received.sha256));
        throw error;
      } finally {
        await received.discard();
      }
    },
  );

  app.get(
    "/v1/attachments",
    {
      config: { access: { public: true, scope: "attachments:read" }, errors: missing },
      schema: {
        operationId: "listAttachments",
        summary: "Files of a listing, a contract or a case",
        description: "Those that the caller may download, oldest first.",
        tags,
        querystring: SubjectQuery,
        response: { 200: z.object({ data: z.array(Attachment) }) },
      },
    },
    (request) => listAttachments(db, request.actor, request.query),
  );

  app.get(
    "/v1/attachments/:id",
    {
      config: {
        access: { public: true, scope: "attachments:read" },
        etag: "hash",
        errors: ["attachment.not_found"],
      },
      schema: {
        operationId: "readAttachment",
        summary: "What is known of a file",
        description: "Name, type, size and SHA-256, to whoever may download it.",
        tags,
        params: IdParams,
        response: { 200: Attachment },
      },
    },
    (request) => readAttachment(db, request.actor, request.params.id),
  );

  app.get(
    "/v1/attachments/:id/content",
    {
      config: {
        transfers: true,
        access: { public: true, scope: "attachments:read" },
        etag: "hash",
        errors: ["attachment.not_found"],
      },
      schema: {
        operationId: "downloadAttachment",
        summary: "Download a file",
        description: "Always to be saved, never shown in place.",
        tags,
        params: IdParams,
        response: {
          200: {
            description: "The bytes.",
            content: Object.fromEntries(mediaTypes.map((type) => [type, { schema: z.string() }])),
          },
        },
      },
    },
    async (request, reply) => {
      const file = await readAttachment(db, request.actor, request.params.id);
      const etag = `"${file.sha256}"`;
      reply.header("etag", etag);
      const known = request.headers["if-none-match"];
      if (known && noneMatches(known, etag)) return reply.code(304 as 200).send();
      const ascii = file.fileName.replaceAll(/[^\x20-\x7e]|["\\]/g, "_");
      reply.headers({
        "content-type": file.mediaType,
        "content-length": file.size,
        // RFC 6266: the plain name for old clients, the whole one beside it.
        "content-disposition": `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(file.fileName).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}`,
      });
      // A stream goes past the serializers; its declared type is text.
      return reply.send(files.read(file.sha256) as never);
    },
  );

  app.delete(
    "/v1/attachments/:id",
    {
      config: {
        access: {
          roles: ["university", "enterprise", "brokerage"],
          scope: "attachments:write",
        },
        errors: [
          "attachment.not_found",
          "attachment.not_owner",
          "attachment.locked",
          "contract.not_found",
          "contract.not_owner",
        ],
      },
      schema: {
        operationId: "deleteAttachment",
        summary: "Take a file away",
        description: "A listing's at any time; of a contract what no party has confirmed.",
        tags,
        params: IdParams,
        response: { 204: noContent },
      },
    },
    async (request, reply) => {
      let released = "";
      const done = await write(
        request,
        reply,
        async (tx, context) => {
          const gone = await deleteAttachment(tx, context, actorOf(request), request.params.id);
          released = gone.sha256;
          return undefined;
        },
        { status: 204 },
      );
      await transact(pool, (tx) => releaseBytes(tx, files, released));
      return done;
    },
  );
}
