import { createHash } from "node:crypto";
import QRCode from "qrcode";
import { z } from "zod";
import type { App } from "../../plugins/contract.ts";
import { certificatePage, style } from "./certificates.page.ts";
import { readCertificate } from "./certificates.service.ts";
import { Certificate, CertificateQuery, NumberParams } from "./registrations.schema.ts";

/** Nothing but the page's own style is let in; no script, no picture, no frame. */
const policy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; frame-ancestors 'none'`;

/** Whether the caller would rather have a page: a browser does. */
const wantsPage = (accept: string | undefined): boolean =>
  accept
    ?.split(",")
    .find((type) => /text\/html|application\/json/.test(type))
    ?.includes("html") ?? false;

export default async function certificateRoutes(app: App) {
  const { publicUrl } = app.config;

  app.get(
    "/v1/registrations/:number/certificate",
    {
      config: {
        access: { public: true },
        bucket: "certificates",
        etag: "hash",
      },
      schema: {
        operationId: "readCertificate",
        summary: "The certificate of a registration number",
        description:
          "For anybody: whether a registration of this number is in force, and nothing else; a number that was never given is not. With the check code in the certificate's QR code all of it, also of one that has ended. JSON, or a page to print when the caller prefers HTML.",
        tags: ["registrations"],
        params: NumberParams,
        querystring: CertificateQuery,
        response: {
          200: {
            description: "The certificate.",
            content: {
              "application/json": { schema: Certificate },
              "text/html": { schema: z.string() },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { number } = request.params;
      const { code } = request.query;
      const certificate = await readCertificate(app.database.db, number, code);
      reply.header("vary", "Accept, Authorization");
      // All of it is for whoever holds the code.
      if (code !== undefined) reply.header("cache-control", "no-store");
      if (!wantsPage(request.headers.accept)) return certificate;
      const address = `${publicUrl}/v1/registrations/${number}/certificate?code=${code}`;
      const isWhole = certificate.revision !== undefined;
      const qr = isWhole ? await QRCode.toString(address, { type: "svg", margin: 1 }) : null;
      reply.header("content-security-policy", policy).type("text/html; charset=utf-8");
      // A page is no object of the contract: its type is declared with its own content type.
      return reply.send(certificatePage(number, certificate, qr) as never);
    },
  );
}
