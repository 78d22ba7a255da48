import { STATUS_CODES } from "node:http";
import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifyServerOptions,
} from "fastify";
import fp from "fastify-plugin";
import type { z } from "zod";
import { AppError, type ErrorCode, type Fault } from "../lib/errors.ts";
import { firstOf } from "../lib/faults.ts";
import { gathered } from "../lib/gathered.ts";
import { newId } from "../lib/ids.ts";
import { type Language, languageTag, preferredLanguage } from "../lib/language.ts";
import { driverError, loggable } from "../lib/loggable.ts";
import { causesOf, outageOf, outageRefusal } from "../lib/outages.ts";
import { constraintErrors, errorKind, sentenceOf, statusOf } from "../words.ts";
import {
  type ItemProblem,
  isDeclaredError,
  type Problem,
  problemType,
  unreadableBy,
} from "./contract.ts";

/** Fastify's own refusals in this API's words. */
const frameworkErrors: Record<string, ErrorCode> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "request.unsupported_media_type",
  FST_ERR_CTP_BODY_TOO_LARGE: "request.too_large",
  FST_ERR_CTP_EMPTY_JSON_BODY: "request.malformed_json",
  FST_ERR_CTP_INVALID_JSON_BODY: "request.malformed_json",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "request.malformed_json",
  FST_ERR_BAD_URL: "request.malformed_url",
  FST_ERR_MAX_PARAM_LENGTH: "request.malformed_url",
  FST_UNDER_PRESSURE: "server.overloaded",
};

/** Refusals of packages that have no code that is known here, such as those of the files of the docs. */
const byStatus: Record<number, ErrorCode> = {
  400: "request.malformed_url",
  403: "request.not_found",
  404: "request.not_found",
  413: "request.too_large",
  415: "request.unsupported_media_type",
};

/** What is to be answered where no route is: 405 if another method has one. */
export function noSuchRoute(app: FastifyInstance, { url }: FastifyRequest): AppError {
  const path = url.split("?", 1)[0] ?? "/";
  const methods = app.registeredRoutes.filter((r) => r.pattern.test(path)).map((r) => r.method);
  if (methods.length === 0) return new AppError("request.not_found");
  const allow = [...new Set(methods)].sort().join(", ");
  const detail = { en: `It takes ${allow}.`, zh: `此地址支持：${allow}。` };
  return new AppError("request.method_not_allowed", { detail, headers: { allow } });
}

/** The refusal that a thrown thing is, or that it means: a constraint of the database that a race has reached. */
export function refusalIn(error: unknown): AppError | undefined {
  // Drizzle also wraps the error of a statement that was refused before it was sent: its turn never came.
  for (const cause of causesOf(error)) if (cause instanceof AppError) return cause;
  const constraint = driverError(error)?.constraint;
  const violated = constraint ? constraintErrors.get(constraint) : undefined;
  if (violated === "idempotency.in_progress") {
    return new AppError(violated, { headers: { "retry-after": "1" } });
  }
  return violated && new AppError(violated);
}

/** Any thrown thing -> a refusal of the closed list; what is not known is a 500 that tells nothing. */
function toAppError(error: unknown, request: FastifyRequest): AppError {
  const refusal = refusalIn(error);
  if (refusal) return refusal;
  const { code, message } = error as FastifyError;
  // The caller hung up in the middle of its request: nobody reads this, and it is no fault of ours.
  if (code === "ECONNRESET" && message === "aborted") return new AppError("request.malformed_http");
  const known = frameworkErrors[code];
  if (known === "server.overloaded") {
    return new AppError(known, { headers: { "retry-after": "5" } });
  }
  if (known === "request.unsupported_media_type") return unreadableBy(request);
  if (known === "request.too_large") {
    const { bodyLimit } = request.routeOptions;
    const detail = {
      en: `It may have ${bodyLimit} bytes.`,
      zh: `请求体不超过 ${bodyLimit} 字节。`,
    };
    return new AppError(known, { detail });
  }
  if (known) return new AppError(known);
  // The JSON parser throws a SyntaxError, with status 400 set by Fastify.
  if (error instanceof SyntaxError) return new AppError("request.malformed_json");
  const { statusCode, status = statusCode } = error as { statusCode?: number; status?: number };
  const byItsStatus = byStatus[status ?? 0];
  return outageRefusal(error) ?? new AppError(byItsStatus ?? "server.internal");
}

function toFault(fault: Fault, language: Language) {
  return { ...fault, detail: sentenceOf(fault)[language] };
}

/** A refusal as it goes over a connection on which there is no request that hooks could see. */
export function bareProblem(publicUrl: string, code: ErrorCode): string {
  const { status, zh, en } = errorKind(code);
  const requestId = newId();
  const problem = {
    type: `${publicUrl}/problems/${code}`,
    title: zh,
    status,
    detail: en,
    instance: "/",
    code,
    requestId,
  };
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `Request-Id: ${requestId}`,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** Answers a path that the router cannot read: broken percent-encoding, a part too long. No hook sees it. */
export const refuseUnroutable =
  (publicUrl: string): FastifyServerOptions["frameworkErrors"] =>
  (error, request, reply) => {
    reply.header("request-id", request.id);
    sendProblem(publicUrl, request, reply, toAppError(error, request));
  };

/** What a challenge adds to its realm (RFC 6750 3); null where a refusal challenges nobody. */
function challengeOf({ code, details }: AppError): string | null {
  if (code === "auth.insufficient_scope") {
    return `, error="insufficient_scope", scope="${details.members?.requiredScope}"`;
  }
  if (code === "auth.invalid_token") return ', error="invalid_token"';
  return errorKind(code).status === 401 ? "" : null;
}

/** What a refusal says, in the caller's language. */
export function refusalOf(
  publicUrl: string,
  request: FastifyRequest,
  { code, details }: AppError,
): z.input<typeof ItemProblem> {
  const language = preferredLanguage(request.headers["accept-language"]);
  const { status, [language]: title } = errorKind(code);
  const named = details.faults && firstOf(details.faults, details.more);
  return {
    type: `${publicUrl}/problems/${code}`,
    title,
    status,
    detail: details.detail?.[language],
    code,
    errors: named?.faults.map((fault) => toFault(fault, language)),
    moreErrors: named?.more || undefined,
    ...details.members,
  };
}

function sendProblem(
  publicUrl: string,
  request: FastifyRequest,
  reply: FastifyReply,
  error: AppError,
) {
  const { code, details } = error;
  const language = preferredLanguage(request.headers["accept-language"]);
  reply.refusedWith = code;
  const problem: z.input<typeof Problem> = {
    ...refusalOf(publicUrl, request, error),
    instance: request.url.split("?", 1)[0] ?? "/",
    requestId: request.id,
  };
  const challenged = challengeOf(error);
  if (challenged !== null) {
    reply.header("www-authenticate", `Bearer realm="${publicUrl}"${challenged}`);
  }
  return (
    reply
      .code(problem.status)
      .headers(details.headers ?? {})
      .header("content-language", languageTag[language])
      .header("cache-control", "no-store")
      .header("vary", "Accept-Language")
      .type(problemType)
      // Built here from parts that are safe to show: no serializer has to filter it.
      .serializer(JSON.stringify)
      .send(problem)
  );
}

/** Every failure as a problem document (RFC 9457), in the caller's language. */
export default fp<{ publicUrl: string }>(
  async (app, { publicUrl }) => {
    const send = (request: FastifyRequest, reply: FastifyReply, error: AppError) =>
      sendProblem(publicUrl, request, reply, error);

    // An operator wants one line a second, not a stack for each of thousands.
    const outages = gathered((requests) =>
      app.log.error({ requests }, "requests were refused for want of a part that is away or full"),
    );
    app.addHook("onClose", async () => outages.flush());

    app.setErrorHandler((thrown, request, reply) => {
      let error = toAppError(thrown, request);
      if (!isDeclaredError(request, error.code)) {
        request.log.error({ code: error.code }, "the route did not declare this error");
        error = new AppError("server.internal");
      } else if (statusOf(error.code) > 500) {
        outages.note(`${error.code} ${outageOf(thrown)?.state ?? ""}`.trim());
      } else if (statusOf(error.code) === 500) {
        request.log.error({ error: loggable(thrown) }, "request failed");
      }
      return send(request, reply, error);
    });

    app.setNotFoundHandler((request, reply) => send(request, reply, noSuchRoute(app, request)));
  },
  { name: "problems", dependencies: ["contract"] },
);
