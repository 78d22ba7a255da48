const shape = /^(?:CN|ZL)?(\d{12}|\d{8})\.?([\dX])$/;

/** `CN`/`ZL`, blanks and the dot are how people write a number; this is how it is kept: `201110047567.0`. */
export function normalizePatentNumber(text: string): string {
  const match = shape.exec(text.replace(/\s+/g, "").toUpperCase());
  return match ? `${match[1]}.${match[2]}` : text.trim();
}

/**
 * Whether a Chinese patent or application number is well formed and its check character is right:
 * weights 2 to 9, repeating from the left, sum mod 11, ten is X (numbers of 12 digits since
 * October 2003, of 8 before; digit 5, or 3 in the old form, is the kind of right).
 */
export function isChinesePatentNumber(text: string): boolean {
  const match = shape.exec(text.replace(/\s+/g, "").toUpperCase());
  const digits = match?.[1];
  if (!digits) return false;
  if (!patentTypeCode(text)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) sum += Number(digits.charAt(i)) * (2 + (i % 8));
  const rest = sum % 11;
  return (rest === 10 ? "X" : String(rest)) === match?.[2];
}

/** The kind of right that a number names: 1 and 8 invention, 2 and 9 utility model, 3 design. */
export function patentTypeCode(text: string): "21" | "22" | "23" | null {
  const match = shape.exec(text.replace(/\s+/g, "").toUpperCase());
  const digits = match?.[1];
  if (!digits) return null;
  const kind = digits.length === 12 ? digits.charAt(4) : digits.charAt(2);
  if (kind === "1" || kind === "8") return "21";
  if (kind === "2" || kind === "9") return "22";
  return kind === "3" ? "23" : null;
}
