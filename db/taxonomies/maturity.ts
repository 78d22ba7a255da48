/**
 * Maturity of a result: technology maturity levels (技术成熟度), and how far a sample has come.
 *
 * Source: GB/T 22900-2022, levels 1 to 9, with the English descriptions of ISO 16290; sample statuses
 * as a Chinese university's results site lists them.
 * Uncertain: the Chinese names of the levels are from memory. The standard's level 5 lies between
 * bench and pilot scale and is given as bench here. A scale of 13 levels exists in practice: left out.
 */
import type { Taxonomy } from "./types.ts";

export const maturityLevels: Taxonomy = {
  name: "maturity-levels",
  closed: true,
  zh: "技术成熟度",
  en: "Maturity levels",
  source: "GB/T 22900-2022, evaluation of science and technology research projects, levels 1 to 9.",
  certainty: "partial",
  items: [
    {
      code: "1",
      zh: "报告级",
      en: "Basic principles observed and reported",
      attributes: { stage: "lab" },
    },
    {
      code: "2",
      zh: "方案级",
      en: "Technology concept formulated",
      attributes: { stage: "lab" },
    },
    {
      code: "3",
      zh: "功能级",
      en: "Proof of concept by analysis or experiment",
      attributes: { stage: "lab" },
    },
    {
      code: "4",
      zh: "仿真级",
      en: "Component validated in the laboratory",
      attributes: { stage: "bench" },
    },
    {
      code: "5",
      zh: "初样级",
      en: "Component validated in a relevant environment",
      attributes: { stage: "bench" },
    },
    {
      code: "6",
      zh: "正样级",
      en: "Prototype demonstrated in a relevant environment",
      attributes: { stage: "pilot" },
    },
    {
      code: "7",
      zh: "环境级",
      en: "Prototype demonstrated in an operational environment",
      attributes: { stage: "pilot" },
    },
    {
      code: "8",
      zh: "产品级",
      en: "Actual system complete and qualified",
      attributes: { stage: "small_batch" },
    },
    {
      code: "9",
      zh: "系统级",
      en: "Actual system proven in operation",
      attributes: { stage: "production" },
    },
  ],
};

export const sampleStatuses: Taxonomy = {
  name: "sample-statuses",
  zh: "样品状态",
  en: "Sample statuses",
  source: "Six-value list in use on a Chinese university's results site; no standard fixes it.",
  certainty: "proposed",
  items: [
    { code: "in_development", zh: "正在研发", en: "In development" },
    { code: "sample_available", zh: "已有样品", en: "Sample available" },
    { code: "bench_tested", zh: "通过小试", en: "Passed bench test" },
    { code: "pilot_tested", zh: "通过中试", en: "Passed pilot test" },
    { code: "mass_producible", zh: "可以量产", en: "Ready for mass production" },
    { code: "other", zh: "其他", en: "Other" },
  ],
};
