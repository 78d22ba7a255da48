/** What kind of file it is, told by its bytes: neither the name nor the sender's word counts. */
import { open } from "node:fs/promises";
import { fileTypeFromFile } from "file-type";

/** Types that are taken, each with the endings that a file of this type may have. */
export const mediaTypes = [
  "application/pdf",
  "application/zip",
  "application/x-cfb",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/tiff",
  "text/plain",
  "text/csv",
] as const;

const taken: ReadonlySet<string> = new Set(mediaTypes);

/** Bytes at the beginning by which text is told. */
const headLength = 4096;

/** What a browser might run, whatever it is called. */
const markup = /^\s*<(!doctype|html|head|body|script|svg|\?xml|iframe|style)/i;

/** Control characters that no text has. */
const binary = /(?![\t\n\r\f])\p{Cc}/u;

/**
 * The media type of a file, or null for one that is not taken.
 * @param fileName tells CSV from other text, nothing else
 */
export async function sniff(path: string, fileName: string): Promise<string | null> {
  const found = await fileTypeFromFile(path);
  if (found) return taken.has(found.mime) ? found.mime : null;
  const handle = await open(path, "r");
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(headLength), 0, headLength, 0);
    return textType(buffer.subarray(0, bytesRead), fileName);
  } finally {
    await handle.close();
  }
}

function textType(head: Buffer, fileName: string): string | null {
  // The last character may be cut off: as a stream it is waited for.
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    const text = decoder.decode(head, { stream: true });
    if (binary.test(text) || markup.test(text)) return null;
  } catch {
    return null;
  }
  return /\.csv$/i.test(fileName) ? "text/csv" : "text/plain";
}
