/** A sentence in both languages of the market. */
export interface Text {
  en: string;
  zh: string;
}

export type Language = "en" | "zh";

/** The tag that `Content-Language` carries. */
export const languageTag: Record<Language, string> = { en: "en", zh: "zh-CN" };

/**
 * The better of Chinese and English for an `Accept-Language` header (RFC 9110 12.5.4): the language
 * named with the higher quality, Chinese when it names neither.
 */
export function preferredLanguage(header: string | undefined): Language {
  let best: Language = "zh";
  let bestQuality = 0;
  for (const part of (header ?? "").split(",")) {
    const [tag = "", ...parameters] = part.trim().toLowerCase().split(";");
    const language = tag.trim().split("-")[0];
    if (language !== "en" && language !== "zh") continue;
    const given = parameters.map((p) => p.trim()).find((p) => p.startsWith("q="));
    const quality = given ? Number(given.slice(2)) : 1;
    if (quality > bestQuality) {
      best = language;
      bestQuality = quality;
    }
  }
  return best;
}
