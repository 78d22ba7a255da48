import { isUtf8 } from "node:buffer";
import fp from "fastify-plugin";
import { AppError } from "../lib/errors.ts";
import { noSuchRoute } from "./problems.ts";

/** Commas of a body at most: checking a value costs far more than the two bytes that it takes. */
const mostCommas = 50_000;

const comma = ",".charCodeAt(0);

function hasTooMany(body: Buffer): boolean {
  let commas = 0;
  for (let at = body.indexOf(comma); at !== -1; at = body.indexOf(comma, at + 1)) {
    if (++commas > mostCommas) return true;
  }
  return false;
}

/** RFC 8259 8.1: JSON is UTF-8; the parameter says nothing, but clients send it. */
const otherCharset = /;\s*charset\s*=\s*(?!"?(?:utf-?8|us-ascii)\b)/i;

const notInUtf8 = {
  en: "A body is read as UTF-8 and in no other charset.",
  zh: "请求体须为 UTF-8 编码，不支持其他 charset。",
};

const encoded = {
  en: "A body is read as it is: send it without Content-Encoding.",
  zh: "不支持经压缩编码的请求体：请勿使用 Content-Encoding。",
};

/**
 * Reads JSON bodies: what is not UTF-8 is refused, never repaired, and no body costs more than its size
 * warrants. An empty one is none, whatever its content type says: many clients send one with every POST.
 */
export default fp(
  async (app) => {
    const parse = app.getDefaultJsonParser("error", "error");
    const types = ["application/json", "application/merge-patch+json"];
    for (const type of types) app.removeContentTypeParser(type);
    app.addContentTypeParser(types, { parseAs: "buffer" }, (request, body, done) => {
      const bytes = body as Buffer;
      if (bytes.length === 0) return done(null, undefined);
      if (!isUtf8(bytes)) return done(new AppError("request.not_utf8"));
      if (hasTooMany(bytes)) {
        const detail = {
          en: `It holds more than ${mostCommas} commas.`,
          zh: `其中的逗号超过 ${mostCommas} 个。`,
        };
        return done(new AppError("request.too_large", { detail }));
      }
      parse(request, bytes.toString("utf8"), done);
    });
    app.addHook("preParsing", (request, reply, payload, done) => {
      // Nobody reads it, and Fastify has conditions of its own for the bodies of some methods.
      if (request.is404) return done(noSuchRoute(app, request));
      // Of these no body is read.
      if (request.method === "GET" || request.method === "HEAD") return done(null, payload);
      const { "content-type": type = "", "content-encoding": encoding = "identity" } =
        request.headers;
      if (encoding.toLowerCase() !== "identity") {
        // RFC 9110 12.5.3: what would have been taken.
        reply.header("accept-encoding", "identity");
        return done(new AppError("request.unsupported_media_type", { detail: encoded }));
      }
      if (otherCharset.test(type)) {
        return done(new AppError("request.unsupported_media_type", { detail: notInUtf8 }));
      }
      done(null, payload);
    });
  },
  { name: "bodies", dependencies: ["contract"] },
);
