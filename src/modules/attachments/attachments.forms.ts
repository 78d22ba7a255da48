/** How a file comes in a form and goes out again: its name, and what is wrong with a form. */
import type { Readable } from "node:stream";
import { AppError } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { isPlainLine, plainLine } from "../../lib/wire.ts";

/** The refusal of a form's one file. */
export const refusedFile = (code: "required" | "invalid_characters" | "form.broken") =>
  new AppError("request.invalid", { faults: [bodyFault(["file"], code)] });

/** Characters that a file's name has at most. */
const longestName = 200;

/** The last part of the path that was sent, as one line; a long one keeps its extension. */
export function plainName(sent: string): string {
  const name = plainLine(sent.split(/[\\/]/).at(-1) ?? "");
  // What the parser of the form could not read as UTF-8 has become this sign.
  const isWhole = isPlainLine(name) && !name.includes("\ufffd");
  if (name === "" || !isWhole) throw refusedFile("invalid_characters");
  const ending = /\.\w{1,10}$/.exec(name)?.[0] ?? "";
  const stem = [...name.slice(0, name.length - ending.length)];
  return stem.slice(0, longestName - ending.length).join("") + ending;
}

/** Bytes of a part's head at most. */
const longestHead = 16 * 1024;

/** `filename*=UTF-8''%E5%90%88%E5%90%8C.pdf` (RFC 8187). */
const extended = /;\s*filename\*\s*=\s*"?([\w-]+)'[\w-]*'([^;\s"]+)/i;

/**
 * Reads along while a form's first part comes in: whether it gives its name in the form that can hold any
 * character, which goes before the plain one (RFC 6266 4.3). The parser of the form knows the plain one alone.
 * @returns what tells the name, once the part has begun
 * @throws AppError `request.invalid`, when asked, for one that cannot be decoded
 */
export function extendedName(form: Readable): () => string | null {
  let head = "";
  const read = (chunk: Buffer) => {
    head += chunk.toString("latin1");
    if (head.includes("\r\n\r\n") || head.length > longestHead) form.off("data", read);
  };
  form.on("data", read);
  return () => {
    form.off("data", read);
    const [lines = ""] = head.split("\r\n\r\n", 1);
    const disposition = /^content-disposition:(.*(?:\r\n[ \t].*)*)/im.exec(lines)?.[1] ?? "";
    const [, charset = "", encoded] = extended.exec(disposition) ?? [];
    if (encoded === undefined) return null;
    try {
      if (/^iso-8859-1$/i.test(charset)) {
        const byte = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
        return encoded.replaceAll(/%([\da-f]{2})/gi, byte);
      }
      if (/^utf-8$/i.test(charset)) return decodeURIComponent(encoded);
    } catch {
      // Falls through: what is encoded is no UTF-8.
    }
    throw refusedFile("invalid_characters");
  };
}

/** A form that cannot be read is the sender's fault; a disk that is full is not. */
export function refusalOf(error: unknown): unknown {
  const { code, name } = error as { code?: string; name?: string };
  // The parser's own errors are plain ones.
  const isBroken = code === undefined ? name === "Error" : code.startsWith("FST_");
  return isBroken && !(error instanceof AppError) ? refusedFile("form.broken") : error;
}

/** RFC 6266: the plain name for old clients, the whole one beside it. */
export function dispositionOf(fileName: string): string {
  const ascii = fileName.replaceAll(/[^\x20-\x7e]|["\\]/g, "_");
  const whole = encodeURIComponent(fileName).replaceAll(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${whole}`;
}
