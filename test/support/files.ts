/** Uploads, as a client sends them. */
import type { Caller, Market, Reply } from "./market.ts";

/** Bytes that a PDF begins with, and a text that makes the file another one. */
export const pdf = (text: string): Buffer =>
  Buffer.from(`%PDF-1.4\n% ${text}\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n`);

/** A body with one file, and its content type. */
export function multipart(bytes: Buffer, fileName: string, name = "file") {
  const boundary = "----grandmarket0123456789";
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${fileName}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return { body, type: `multipart/form-data; boundary=${boundary}` };
}

/** Attaches a file. */
export function upload(
  market: Market,
  caller: Caller | null,
  query: Record<string, string>,
  bytes: Buffer,
  {
    fileName = "合同.pdf",
    headers = {},
  }: { fileName?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const { body, type } = multipart(bytes, fileName);
  return market.as(caller)("POST", `/v1/attachments?${new URLSearchParams(query)}`, {
    body,
    headers: { "content-type": type, ...headers },
  });
}
