/**
 * Levels of a technology broker's certificate.
 *
 * Source: the Torch Centre's training outline for technology transfer professionals (2020, trial);
 * group standard T/CASTEM 1007-2022 has the same three levels.
 * Uncertain: the titles differ between provinces (broker 经纪人 or manager 经理人).
 */
import type { Taxonomy } from "./types.ts";

export const certificateLevels: Taxonomy = {
  name: "certificate-levels",
  closed: true,
  zh: "技术经纪人证书等级",
  en: "Broker certificate levels",
  source:
    "Torch Centre, training outline for the ability levels of national technology transfer professionals (2020, trial).",
  certainty: "official",
  items: [
    { code: "primary", zh: "初级技术经纪人", en: "Primary technology broker" },
    { code: "intermediate", zh: "中级技术经纪人", en: "Intermediate technology broker" },
    { code: "senior", zh: "高级技术经理人", en: "Senior technology manager" },
  ],
};
