import { Readable } from "node:stream";
import multipart from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import { Counter } from "prom-client";
import { z } from "zod";
import type { Executor } from "../../database/connect.ts";
import { transact } from "../../database/transact.ts";
import { AppError } from "../../lib/errors.ts";
import { noneMatches } from "../../lib/etag.ts";
import { loggable } from "../../lib/loggable.ts";
import { partOf } from "../../lib/ranges.ts";
import { IdParams } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import { callOf, noContent, write } from "../../plugins/writes.ts";
import type { Received } from "../../storage/files.ts";
import { DamagedFile, damages } from "../../storage/stored-file.ts";
import {
  dispositionOf,
  extendedName,
  plainName,
  refusalOf,
  refusedFile,
} from "./attachments.forms.ts";
import { Attachment, SubjectQuery, UploadQuery } from "./attachments.schema.ts";
import {
  authorizeUpload,
  createAttachment,
  deleteAttachment,
  filesOfDeals,
  filesOfListings,
  listAttachments,
  mendBytes,
  openAttachment,
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

const headerOf = (description: string) => ({ type: "string", description });

/** What a reply with bytes says of them. */
const byteHeaders = {
  "Accept-Ranges": headerOf("`bytes`"),
  "Repr-Digest": headerOf("SHA-256 of the whole file (RFC 9530), also beside a part of it."),
};

const bytes = Object.fromEntries(mediaTypes.map((type) => [type, { schema: z.string() }]));

export default async function attachmentRoutes(app: App) {
  for (const noun of ["result", "need"] as const) {
    app.addRelated(`files of ${noun}`, filesOfListings(noun), "attachments:read");
  }
  for (const noun of ["contract", "registration"] as const) {
    app.addRelated(`files of ${noun}`, filesOfDeals(noun), "attachments:read");
  }
  const { db, pool } = app.database;
  const { files } = app;
  const damaged = new Counter({
    name: "attachments_damaged_total",
    help: "Downloads of files whose stored bytes are not what was uploaded.",
    labelNames: ["reason"] as const,
    registers: [app.metrics],
  });
  for (const reason of damages) damaged.inc({ reason }, 0);

  /** Raises the alarm about lost bytes. The operator finds the file by its id; its name may be confidential. */
  function alarm(request: FastifyRequest, attachment: string, { reason }: DamagedFile): void {
    damaged.inc({ reason });
    request.log.error({ attachment, damage: reason }, "the stored bytes of a file are damaged");
  }

  /** A transaction of its own beside the request's, which takes its turn in the same way. */
  const alone = (request: FastifyRequest, work: (tx: Executor) => Promise<void>) =>
    app.throughGate(request, () => transact(pool, work));

  /** Removes bytes that nothing refers to; what remains for now the next sweep removes. */
  async function release(request: FastifyRequest, sha256: string): Promise<void> {
    await alone(request, (tx) => releaseBytes(tx, files, sha256)).catch((error: unknown) => {
      request.log.warn({ error: loggable(error) }, "bytes were not released");
    });
  }
  const quota = app.config.maxOrganizationMegabytes * 1024 * 1024;
  const fileSize = app.config.maxUploadMegabytes * 1024 * 1024;
  // Here only: elsewhere a body of this type is refused.
  await app.register(multipart, { limits: { fileSize, files: 1, fields: 0, parts: 1 } });

  /** The one file of a request, written down as it comes. */
  async function receive(request: FastifyRequest) {
    let received: Received | undefined;
    try {
      if (!request.isMultipart()) throw refusedFile("required");
      const nameOf = extendedName(request.raw);
      const parts = request.files();
      const { value: part } = await parts.next();
      if (part?.fieldname !== "file" || !part.filename) throw refusedFile("required");
      const fileName = plainName(nameOf() ?? part.filename);
      received = await files.receive(part.file);
      if (part.file.truncated) {
        const detail = {
          en: `A file has ${fileSize} bytes at most.`,
          zh: `单个文件不超过 ${fileSize} 字节。`,
        };
        throw new AppError("request.too_large", { detail });
      }
      if (received.size === 0) throw refusedFile("required");
      // Whether the form ends here: neither a further part nor a cut.
      if (!(await parts.next()).done) throw refusedFile("form.broken");
      await app.scanFile(request, received);
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
        bucket: "uploads",
        access: {
          roles: ["university", "enterprise", "brokerage", "registry"],
          scope: "attachments:write",
          verified: true,
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
          "organization.file_quota",
          "attachment.type_refused",
          "attachment.infected",
          "attachment.not_scanned",
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
          "To a listing, a contract or a case, by those who may change it. One part `file`; its type is told by its bytes. A signed copy stands for the confirmation of the contract's outside party.",
        tags,
        consumes: ["multipart/form-data"],
        querystring: UploadQuery,
        response: { 201: Attachment },
      },
    },
    async (request, reply) => {
      const { query } = request;
      // Who may not attach it need not send it.
      await authorizeUpload(app.callerDb, callOf(request), query, quota);
      const received = await receive(request);
      try {
        const mediaType = await typeOf(received, received.fileName);
        const file = { ...received, mediaType };
        // A reply that is stored already comes without the verb, but the bytes have come.
        if (request.headers["idempotency-key"] !== undefined) {
          await alone(request, (tx) => mendBytes(tx, files, received));
        }
        return await write(
          request,
          reply,
          (tx, call) => createAttachment(tx, call, files, query, file, quota),
          {
            status: 201,
            location: ({ id }) => `/v1/attachments/${id}`,
            fingerprint: `${received.sha256} ${received.fileName}`,
          },
        );
      } catch (error) {
        await release(request, received.sha256);
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
        description: "Name, type, size and SHA-256, to those who may download it.",
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
        errors: ["attachment.not_found", "attachment.damaged", "request.range_not_satisfiable"],
      },
      schema: {
        operationId: "downloadAttachment",
        summary: "Download a file",
        description:
          "Always to be saved, never shown in place. Its bytes are verified before they are sent. One range of bytes can be asked for, with `If-Range` where the ETag was kept.",
        tags,
        params: IdParams,
        response: {
          200: { description: "The bytes.", headers: byteHeaders, content: bytes },
          206: {
            description: "The bytes of the range.",
            headers: {
              ...byteHeaders,
              "Content-Range": headerOf("Which bytes of how many (RFC 9110 14.4)."),
            },
            content: bytes,
          },
        },
      },
    },
    async (request, reply) => {
      const file = await readAttachment(db, request.actor, request.params.id);
      // Reading and sending the bytes takes no connection, however long the disk does.
      request.leaveGate?.();
      const { id, size } = file;
      const etag = `"${file.sha256}"`;
      reply.header("etag", etag);
      const { headers, method } = request;
      const known = headers["if-none-match"];
      if (known && noneMatches(known, etag)) return reply.code(304 as 200).send();
      // A range applies to GET only, and to the very file that the caller has a part of (RFC 9110 13.1.5).
      const isAsked = method === "GET" && (headers["if-range"] ?? etag) === etag;
      const part = isAsked ? partOf(headers.range, size) : null;
      if (part === "unsatisfiable") {
        throw new AppError("request.range_not_satisfiable", {
          detail: { en: `The file has ${size} bytes.`, zh: `该文件共 ${size} 字节。` },
          headers: { "content-range": `bytes */${size}`, "accept-ranges": "bytes" },
        });
      }
      const stored = await openAttachment(db, files, request.actor, file).catch(
        (error: unknown) => {
          if (!(error instanceof DamagedFile)) throw error;
          alarm(request, id, error);
          throw new AppError("attachment.damaged");
        },
      );
      const { first, last } = part ?? { first: 0, last: size - 1 };
      reply.headers({
        "accept-ranges": "bytes",
        "content-disposition": dispositionOf(file.fileName),
        "content-length": last - first + 1,
        // Text is taken as UTF-8 alone (`attachments.types.ts`).
        "content-type": `${file.mediaType}${file.mediaType.startsWith("text/") ? "; charset=utf-8" : ""}`,
        "repr-digest": `sha-256=:${Buffer.from(file.sha256, "hex").toString("base64")}:`,
      });
      if (part) reply.code(206).header("content-range", `bytes ${first}-${last}/${size}`);
      if (method === "HEAD") {
        await stored.close();
        // Fastify would say of a payload that is missing that its length is 0.
        return reply.send(Readable.from([]) as never);
      }
      const stream = stored.stream(first, last);
      // The head has been sent: the connection is ended, so that nobody takes a part for the whole.
      stream.once("error", (error) => {
        if (error instanceof DamagedFile) alarm(request, id, error);
      });
      // A stream goes past the serializers; its declared type is text.
      return reply.send(stream as never);
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
        async (tx, call) => {
          const gone = await deleteAttachment(tx, call, request.params.id);
          released = gone.sha256;
          return undefined;
        },
        { status: 204 },
      );
      await release(request, released);
      return done;
    },
  );
}
