/**
 * Cooperation modes (合作方式): how the owner of a listing would like to work together.
 *
 * Source: the modes that results and needs platforms commonly offer; no standard fixes the list.
 * `results` and `needs` say for which listing a mode applies. Which licence: see `licence-kinds`.
 */
import type { Taxonomy } from "./types.ts";

const both = { results: true, needs: true };
const resultsOnly = { results: true, needs: false };
const needsOnly = { results: false, needs: true };

export const cooperationModes: Taxonomy = {
  name: "cooperation-modes",
  zh: "合作方式",
  en: "Cooperation modes",
  source: "Modes commonly offered by Chinese platforms for results and needs.",
  certainty: "proposed",
  items: [
    { code: "transfer", zh: "技术转让", en: "Transfer", attributes: both },
    { code: "licence", zh: "许可", en: "Licence", attributes: both },
    { code: "equity", zh: "作价入股", en: "Equity for technology", attributes: both },
    { code: "joint_development", zh: "合作开发", en: "Joint development", attributes: both },
    {
      code: "entrusted_development",
      zh: "委托研发",
      en: "Entrusted development",
      attributes: needsOnly,
    },
    { code: "service", zh: "技术服务", en: "Technology service", attributes: both },
    { code: "consulting", zh: "技术咨询", en: "Technology consulting", attributes: needsOnly },
    { code: "talent", zh: "人才引进", en: "Bringing in talent", attributes: needsOnly },
    { code: "testing", zh: "检测", en: "Testing", attributes: needsOnly },
    {
      code: "pay_after_use",
      zh: "先使用后付费",
      en: "Use first, pay later",
      attributes: resultsOnly,
    },
  ],
};
