/** The atoms that every resource's schema is made of. */
import { z } from "zod";
import { isCreditCode, looksLikeCreditCode } from "./credit-code.ts";
import { fault } from "./faults.ts";
import { invisible } from "./invisible.ts";

// Newline and tab are the only control characters that belong in a text of several lines.
const controls = /\p{Cc}/u;
const controlsButLines = /(?![\n\t])\p{Cc}/u;

/** A character that is seen. The empty pattern of Braille, U+2800, is a symbol to Unicode. */
const seen = /(?!\u2800)[\p{L}\p{N}\p{P}\p{S}]/u;

/** Whether a text is one line of whole characters: no control characters, no broken Unicode. */
export const isPlainLine = (text: string): boolean => text.isWellFormed() && !controls.test(text);

/**
 * One line as it is kept: what is not seen is taken out, because two names that look the same must be
 * the same, and a mark of direction shows a text in another order than it has. Nothing, if nothing is seen.
 */
export function plainLine(text: string): string {
  const plain = text.replaceAll(invisible, "").trim();
  return seen.test(plain) || !plain.isWellFormed() || controls.test(plain) ? plain : "";
}

/** One line of text, without outer blanks, invisible and control characters or broken Unicode. */
export const line = (max: number, min = 1) =>
  z
    .string()
    .overwrite(plainLine)
    .min(min)
    .max(max)
    .refine(isPlainLine, fault("invalid_characters"));

/** Several lines as they are kept: joiners stay, which emoji and some scripts need; nothing, if nothing is seen. */
function plainProse(text: string): string {
  const plain = text.replaceAll("\r\n", "\n").trim();
  const isBlank = plain.isWellFormed() && plainLine(plain.replaceAll(/[\n\t]/g, " ")) === "";
  return isBlank ? "" : plain;
}

/** Text of several lines. */
export const prose = (max: number, min = 1) =>
  z
    .string()
    .overwrite(plainProse)
    .min(min)
    .max(max)
    .refine(
      (text) => text.isWellFormed() && !controlsButLines.test(text),
      fault("invalid_characters"),
    );

/** In lower case, as the database prints it, so that two of them compare as text. */
export const uuid = z
  .uuid()
  .overwrite((id) => id.toLowerCase())
  .describe("A UUIDv7.");

/** A whole number in a query string, written with digits: neither `0x10` nor `1e1`, `+5` or nothing. */
export const wholeNumber = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z.preprocess(
    (given) => (typeof given === "string" && /^-?\d+$/.test(given) ? Number(given) : given),
    z.int().min(min).max(max),
  );

/** Path parameters of a route about one resource. */
export const IdParams = z.strictObject({ id: uuid });

/** An instant on the way out: RFC 3339 in UTC. */
export const instant = z.iso
  .datetime({ precision: 3 })
  .meta({ example: "2026-03-02T01:30:00.000Z" });

/** A civil date that exists. 30 February does not, nor does the year 0. */
export const civilDate = z.iso
  .date()
  .refine((date) => !date.startsWith("0000"), fault("date.invalid"))
  .meta({ example: "2026-12-31" });

/** An instant on the way in, with any offset; handed on in UTC, of a year that PostgreSQL reads. */
export const instantInput = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  .refine((utc) => /^(?!0000)\d{4}-/.test(utc), fault("date.invalid"));

const amountShape = /^(0|[1-9]\d{0,15})(\.\d{1,2})?$/;

/** An amount of money: a decimal string, never a float. Listings are priced in yuan. */
export const Money = z
  .strictObject({
    amount: z
      .string()
      .refine((text) => amountShape.test(text), fault("money.invalid"))
      .meta({ example: "1234567.89", pattern: amountShape.source }),
    currency: z.literal("CNY"),
  })
  .meta({ id: "Money", description: "A decimal string and its ISO 4217 currency." });
export type Money = z.output<typeof Money>;

/** Money -> its amount as PostgreSQL prints `numeric(18,2)`: `5` and `5.00` are no change. */
export const toAmount = (money: Money | null): string | null =>
  money && fromFen(toFen(money.amount));

/** `numeric(18,2)` as PostgreSQL prints it -> money. */
export const toMoney = (amount: string | null): Money | null =>
  amount === null ? null : { amount, currency: "CNY" };

/** Compares two amounts of the wire without going through a float. */
export function compareAmounts(a: string, b: string): number {
  const [x, y] = [toFen(a), toFen(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The sum of amounts of the wire, exact. */
export const sumAmounts = (amounts: readonly string[]): string =>
  fromFen(amounts.reduce((sum, amount) => sum + toFen(amount), 0n));

/** `a - b`, exact; null when it would be negative. */
export function subtractAmounts(a: string, b: string): string | null {
  const fen = toFen(a) - toFen(b);
  return fen < 0n ? null : fromFen(fen);
}

/** An amount times a rate of up to eight decimals, rounded half up to the fen. */
export function convertAmount(amount: string, rate: string): string {
  const [whole = "0", decimals = ""] = rate.split(".");
  const scaled = BigInt(whole) * 10n ** 8n + BigInt(decimals.padEnd(8, "0"));
  return fromFen((toFen(amount) * scaled + 5n * 10n ** 7n) / 10n ** 8n);
}

const fromFen = (fen: bigint): string => `${fen / 100n}.${String(fen % 100n).padStart(2, "0")}`;

/** An amount of the wire in fen. */
export function toFen(amount: string): bigint {
  const [yuan = "0", fen = ""] = amount.split(".");
  return BigInt(yuan) * 100n + BigInt(fen.padEnd(2, "0"));
}

export const email = z
  .email()
  .max(254)
  .overwrite((text) => text.toLowerCase())
  .meta({ example: "li.wei@example.edu.cn" });

/** A telephone number in one form: narrow digits and brackets, an extension as `转802`. */
const foldPhone = (text: string): string =>
  text
    .normalize("NFKC")
    .replaceAll(/[\u2010-\u2015\u2212]/g, "-")
    .trim()
    .replace(/\s*(?:转|轉|分机|分機|ext\.?|x)\s*(?=\d{1,6}$)/i, "转");

/** As people write it; brackets around an area code and an extension are kept. */
export const phone = z
  .string()
  .overwrite(foldPhone)
  .regex(/^\+?(?:\(\+?\d{1,5}\) ?)?\d[\d -]{3,22}\d(?:转\d{1,6})?$/)
  .meta({ example: "0373-3326000" });

/** A person to speak to about something. */
export const Contact = z
  .strictObject({
    name: line(60),
    phone: phone.nullable().default(null),
    email: email.nullable().default(null),
  })
  .meta({ id: "Contact", description: "A person to speak to. Personal data." });

export const creditCode = z
  .string()
  .trim()
  .refine(looksLikeCreditCode, { ...fault("credit_code.shape"), abort: true })
  .refine(isCreditCode, fault("credit_code.check_digit"))
  .describe("Unified social credit code 统一社会信用代码 (GB 32100-2015), check digit included.")
  .meta({ example: "12410700MB0T00015L" });

export const taxonomyCode = (taxonomy: string, max = 40) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[0-9A-Za-z_]+$/)
    .meta({ description: `A code of the taxonomy \`${taxonomy}\`.`, taxonomy });

/** What may be left out, and is null then. */
export const codeOrNull = (taxonomy: string) => taxonomyCode(taxonomy).nullable().default(null);
export const textOrNull = (max: number) => line(max).nullable().default(null);

/** What an organization calls something in its own system. */
const externalId = line(100);

/** The same as it is given, where it may be left out. */
export const externalIdOrNull = externalId
  .nullable()
  .default(null)
  .describe(
    "What the organization calls it in its own system. Unique for the organization and the kind; told to nobody else.",
  );

/** Path parameters of a route about what the caller's organization calls so. */
export const ExternalIdParams = z.strictObject({ externalId });

/** A filter for what the caller's organization calls so. */
export const externalIdFilter = externalId
  .optional()
  .describe("What the caller's organization calls it.");

/** A reason that a person gives for a decision about somebody else's resource. */
export const ReasonInput = z
  .strictObject({ reason: prose(1000).describe("Why; the other side reads it.") })
  .meta({
    id: "ReasonInput",
    examples: [{ reason: "提交的材料与登记信息不符，请核对后重新提交。" }],
  });

/** Removes `.default()` and `.optional()`: in a patch, what is absent stays as it is. */
function bare(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) {
    return bare(schema.unwrap() as z.ZodType);
  }
  return schema;
}

/**
 * The JSON merge patch (RFC 7396) that fits `input`: every member optional; `null` removes what may be left out. The
 * merged whole is parsed with `input` itself afterwards, so cross-field rules hold there.
 */
export function patchOf(input: z.ZodObject): z.ZodType<Record<string, unknown>> {
  const shape: Record<string, z.ZodType> = {};
  for (const [key, field] of Object.entries(input.shape)) {
    const inner = bare(field as z.ZodType);
    const value = inner instanceof z.ZodNullable ? (inner.unwrap() as z.ZodType) : inner;
    const plain = value instanceof z.ZodObject ? patchOf(value) : value;
    // What cannot be left out cannot be taken out.
    const isNeeded = field === value;
    shape[key] = isNeeded ? plain.optional() : plain.nullable().optional();
  }
  return z.strictObject(shape) as unknown as z.ZodType<Record<string, unknown>>;
}
