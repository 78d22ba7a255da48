/** What kind of file it is, judged by its bytes: neither its name nor what the sender says counts. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { fileTypeFromFile } from "file-type";

const office = "application/vnd.openxmlformats-officedocument";

/**
 * Types that are taken, each with the endings that a file of this type may have: people
 * open a saved file by its ending, so bytes that pass as one thing must not be named as another.
 */
const endings: Readonly<Record<string, readonly string[]>> = {
  "application/pdf": ["pdf"],
  "application/zip": ["zip", "ofd"],
  // Office before 2007 and similar formats. An installer begins with the same bytes.
  "application/x-cfb": ["doc", "xls", "ppt", "wps", "et", "dps"],
  [`${office}.wordprocessingml.document`]: ["docx"],
  [`${office}.spreadsheetml.sheet`]: ["xlsx"],
  [`${office}.presentationml.presentation`]: ["pptx"],
  "image/png": ["png"],
  "image/jpeg": ["jpg", "jpeg"],
  "image/webp": ["webp"],
  "image/tiff": ["tif", "tiff"],
  "text/plain": ["txt", "md"],
  "text/csv": ["csv"],
};

export const mediaTypes = Object.keys(endings);

/** Endings that a file may have. */
export const takenEndings = Object.values(endings).flat();

/** What a browser might run, whatever it is called. */
const markup = /^\s*<(!doctype|html|head|body|script|svg|\?xml|iframe|style)/i;

/** Control characters that no text has. */
const binary = /(?![\t\n\r\f])\p{Cc}/u;

/**
 * The media type of a file, or null for one that is not taken.
 * @param fileName tells CSV from other text; an ending that does not fit the bytes is refused
 */
export async function sniff(path: string, fileName: string): Promise<string | null> {
  const ending = /\.([^.]*)$/.exec(fileName)?.[1]?.toLowerCase() ?? null;
  const found = await fileTypeFromFile(path);
  const isPdf = !found && (ending === null || ending === "pdf") && (await beginsAsPdf(path));
  const type = found ? found.mime : isPdf ? "application/pdf" : await textType(path, ending);
  const fitting = type === null ? undefined : endings[type];
  return fitting && (ending === null || fitting.includes(ending)) ? type : null;
}

/** ISO 32000-1, annex H.3.4.1: readers take a header within the first 1,024 bytes; scanners write there. */
async function beginsAsPdf(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1_024), 0, 1_024, 0);
    return buffer.subarray(0, bytesRead).includes("%PDF-");
  } finally {
    await file.close();
  }
}

/** Whether all of it is UTF-8 text, read piece by piece. */
async function textType(path: string, ending: string | null): Promise<string | null> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let isHead = true;
  try {
    for await (const chunk of createReadStream(path)) {
      const text = decoder.decode(chunk as Buffer, { stream: true });
      if (binary.test(text) || (isHead && markup.test(text))) return null;
      isHead = false;
    }
    decoder.decode();
  } catch (error) {
    // The decoder's word for bytes that are no UTF-8; a disk that cannot be read says otherwise.
    if (error instanceof TypeError) return null;
    throw error;
  }
  return ending === "csv" ? "text/csv" : "text/plain";
}
