/** Of an application or a patent (GB/T 32390-2015, and the eight digits before October 2003). */
const shape = /^(?:CN|ZL)?(\d{12}|\d{8})\.?([\dX])$/;

/**
 * Of a publication (ZC 0007-2012): no check digit, but a letter that tells the kind. A and B are of
 * inventions, U and Y of utility models, S and D of designs.
 */
const publication = /^CN(\d{7}|\d{9})([ABUYSD])\d?$/;

/** Of an international application (PCT administrative instructions, section 307): it has no kind yet. */
const international = /^PCT\/?([A-Z]{2})(\d{4})\/?(\d{6})$/;

const kindOfLetter = { A: "21", B: "21", U: "22", Y: "22", S: "23", D: "23" } as const;

const plain = (text: string): string => text.replace(/\s+/g, "").toUpperCase();

/** `CN`/`ZL`, blanks and the dot are how people write a number; this is how it is kept: `201110047567.0`. */
export function normalizePatentNumber(text: string): string {
  const given = plain(text);
  const match = shape.exec(given);
  if (match) return `${match[1]}.${match[2]}`;
  const [, office, year, serial] = international.exec(given) ?? [];
  if (office) return `PCT/${office}${year}/${serial}`;
  return publication.test(given) ? given : text.trim();
}

/**
 * Whether a number of a Chinese patent, application or publication, or of an international application, is
 * well formed. Of a patent and of an application the check character must be right:
 * weights 2 to 9, repeating from the left, sum mod 11, ten is X (numbers of 12 digits since
 * October 2003, of 8 before; digit 5, or 3 in the old form, is the kind of right).
 */
export function isChinesePatentNumber(text: string): boolean {
  const given = plain(text);
  if (publication.test(given) || international.test(given)) return true;
  const match = shape.exec(given);
  const digits = match?.[1];
  if (!digits) return false;
  if (!patentTypeCode(text)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) sum += Number(digits.charAt(i)) * (2 + (i % 8));
  const rest = sum % 11;
  return (rest === 10 ? "X" : String(rest)) === match?.[2];
}

/**
 * The kind of right that a number names: 1 and 8 invention, 2 and 9 utility model, 3 design; null where it
 * names none.
 */
export function patentTypeCode(text: string): "21" | "22" | "23" | null {
  const given = plain(text);
  const letter = publication.exec(given)?.[2];
  if (letter) return kindOfLetter[letter as keyof typeof kindOfLetter];
  const match = shape.exec(given);
  const digits = match?.[1];
  if (!digits) return null;
  const kind = digits.length === 12 ? digits.charAt(4) : digits.charAt(2);
  if (kind === "1" || kind === "8") return "21";
  if (kind === "2" || kind === "9") return "22";
  return kind === "3" ? "23" : null;
}
