/** Uploads, as a client sends them, and what of them lies in the store. */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { crc32 } from "node:zlib";
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

/** The folder in which a market keeps files. */
export const folderOf = ({ app }: Pick<Market, "app">): string => join(app.config.dataDir, "files");

/** Names of what lies in a market's store: kept under its hash, or coming in. */
export function filesIn(market: Pick<Market, "app">): { kept: string[]; incoming: string[] } {
  let entries: { name: string; parentPath: string }[] = [];
  try {
    const all = readdirSync(folderOf(market), { recursive: true, withFileTypes: true });
    entries = all.filter((entry) => entry.isFile());
  } catch {
    // Nothing was ever kept.
  }
  const isIncoming = ({ parentPath }: { parentPath: string }) => parentPath.endsWith("incoming");
  const names = (of: typeof entries) => of.map(({ name }) => name).sort();
  return {
    kept: names(entries.filter((entry) => !isIncoming(entry))),
    incoming: names(entries.filter(isIncoming)),
  };
}

/** The same, once what a call was done with has been thrown away: a reply may go out before. */
export async function settledFiles(market: Pick<Market, "app">) {
  for (let i = 0; i < 200 && filesIn(market).incoming.length > 0; i++) await setTimeout(10);
  return filesIn(market);
}

/** A ZIP archive of these files, not compressed. */
export function zip(contents: Record<string, string>): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(contents)) {
    const [path, data] = [Buffer.from(name), Buffer.from(text)];
    // What both headers say: version, flags, method, time, date, checksum, sizes, lengths.
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt32LE(crc32(data), 10);
    facts.writeUInt32LE(data.length, 14);
    facts.writeUInt32LE(data.length, 18);
    facts.writeUInt16LE(path.length, 22);
    locals.push(Buffer.from("PK\x03\x04"), facts, path, data);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x00"), facts, place, path);
    offset += 30 + path.length + data.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  const count = Object.keys(contents).length;
  end.writeUInt16LE(count, 4);
  end.writeUInt16LE(count, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, central, Buffer.from("PK\x05\x06"), end]);
}

/** The name under which the store keeps these bytes. */
export const hashOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Where the store keeps the bytes of that name. */
export const placeOf = (market: Pick<Market, "app">, hash: string): string =>
  join(folderOf(market), hash.slice(0, 2), hash.slice(2, 4), hash);
