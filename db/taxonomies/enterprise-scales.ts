/**
 * Enterprise scales (企业规模).
 *
 * Source: the National Bureau of Statistics' Measures for the Statistical Classification of Large,
 * Medium, Small and Micro Enterprises (2017). The thresholds differ by industry and are not here.
 */
import type { Taxonomy } from "./types.ts";

export const enterpriseScales: Taxonomy = {
  name: "enterprise-scales",
  zh: "企业规模",
  en: "Enterprise scales",
  source:
    "Measures for the Statistical Classification of Large, Medium, Small and Micro Enterprises (2017).",
  certainty: "official",
  items: [
    { code: "large", zh: "大型", en: "Large" },
    { code: "medium", zh: "中型", en: "Medium" },
    { code: "small", zh: "小型", en: "Small" },
    { code: "micro", zh: "微型", en: "Micro" },
  ],
};
