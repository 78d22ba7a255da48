/** What kind of file it is, told by its bytes: neither the name nor the sender's word counts. */
import { createReadStream } from "node:fs";
import { fileTypeFromFile } from "file-type";

const office = "application/vnd.openxmlformats-officedocument";

/**
 * Types that are taken, each with the endings that a file of this type may have: whoever saves it
 * opens it by its ending, so bytes that pass as one thing must not be named as another.
 */
const endings: Readonly<Record<string, readonly string[]>> = {
  "application/pdf": ["pdf"],
  "application/zip": ["zip", "ofd"],
  // Office before 2007, and its likes. An installer has such bytes as well.
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
  const type = found ? found.mime : await textType(path, ending);
  const fitting = type === null ? undefined : endings[type];
  return fitting && (ending === null || fitting.includes(ending)) ? type : null;
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
