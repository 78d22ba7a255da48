/**
 * Technology contract types with their sub-types, and kinds of licence.
 *
 * Source: Civil Code, Book III, chapter 20 (articles 843-887) for the five types and the sub-types;
 * the Supreme People's Court's interpretation on technology contract disputes, article 25, for the
 * kinds of licence (cited from memory), and Patent Law, articles 50-52, for open ones.
 * Uncertain: the numeric codes are this project's own; the sub-types of a licence in the 2026 rules
 * were not seen; 27 and 36 are statistics categories without an article of their own; 28 appears in
 * statistics by intellectual property and may be no sub-type at all (`certain: false`).
 */
import type { Taxonomy } from "./types.ts";

export const contractTypes: Taxonomy = {
  name: "contract-types",
  closed: true,
  zh: "技术合同类别",
  en: "Technology contract types",
  source:
    "Civil Code of the People's Republic of China, Book III, chapter 20 (technology contracts).",
  certainty: "proposed",
  items: [
    {
      code: "development",
      zh: "技术开发",
      en: "Technology development",
      attributes: { civilCode: "851-861" },
    },
    {
      code: "11",
      parent: "development",
      zh: "委托开发",
      en: "Entrusted development",
      attributes: { civilCode: "851-854" },
    },
    {
      code: "12",
      parent: "development",
      zh: "合作开发",
      en: "Cooperative development",
      attributes: { civilCode: "851, 855-856" },
    },
    {
      code: "transfer",
      zh: "技术转让",
      en: "Technology transfer",
      attributes: { civilCode: "862-877" },
    },
    {
      code: "21",
      parent: "transfer",
      zh: "专利权转让",
      en: "Patent transfer",
      attributes: { civilCode: "863" },
    },
    {
      code: "22",
      parent: "transfer",
      zh: "专利申请权转让",
      en: "Transfer of the right to apply for a patent",
      attributes: { civilCode: "863" },
    },
    {
      code: "23",
      parent: "transfer",
      zh: "技术秘密转让",
      en: "Know-how transfer",
      attributes: { civilCode: "863" },
    },
    {
      code: "24",
      parent: "transfer",
      zh: "计算机软件著作权转让",
      en: "Software copyright transfer",
      attributes: { civilCode: "876" },
    },
    {
      code: "25",
      parent: "transfer",
      zh: "集成电路布图设计专有权转让",
      en: "Integrated circuit layout design transfer",
      attributes: { civilCode: "876" },
    },
    {
      code: "26",
      parent: "transfer",
      zh: "植物新品种权转让",
      en: "Plant variety right transfer",
      attributes: { civilCode: "876" },
    },
    {
      code: "27",
      parent: "transfer",
      zh: "生物、医药新品种权转让",
      en: "Biological or pharmaceutical variety right transfer",
    },
    {
      code: "28",
      parent: "transfer",
      zh: "设计著作权转让",
      en: "Design copyright transfer",
      attributes: { certain: false },
    },
    {
      code: "licence",
      zh: "技术许可",
      en: "Technology licence",
      attributes: { civilCode: "862-877" },
    },
    {
      code: "31",
      parent: "licence",
      zh: "专利实施许可",
      en: "Patent licence",
      attributes: { civilCode: "863-866" },
    },
    {
      code: "32",
      parent: "licence",
      zh: "技术秘密使用许可",
      en: "Know-how licence",
      attributes: { civilCode: "863, 868" },
    },
    {
      code: "33",
      parent: "licence",
      zh: "计算机软件著作权许可",
      en: "Software copyright licence",
      attributes: { civilCode: "876" },
    },
    {
      code: "34",
      parent: "licence",
      zh: "集成电路布图设计专有权许可",
      en: "Integrated circuit layout design licence",
      attributes: { civilCode: "876" },
    },
    {
      code: "35",
      parent: "licence",
      zh: "植物新品种权许可",
      en: "Plant variety right licence",
      attributes: { civilCode: "876" },
    },
    {
      code: "36",
      parent: "licence",
      zh: "生物、医药新品种权许可",
      en: "Biological or pharmaceutical variety right licence",
    },
    {
      code: "37",
      parent: "licence",
      zh: "其他技术许可",
      en: "Other technology licence",
      attributes: { civilCode: "876" },
    },
    {
      code: "consulting",
      zh: "技术咨询",
      en: "Technology consulting",
      attributes: { civilCode: "878" },
    },
    {
      code: "41",
      parent: "consulting",
      zh: "技术咨询",
      en: "Technology consulting",
      attributes: { civilCode: "878" },
    },
    {
      code: "service",
      zh: "技术服务",
      en: "Technology service",
      attributes: { civilCode: "878, 887" },
    },
    {
      code: "51",
      parent: "service",
      zh: "一般技术服务",
      en: "General technology service",
      attributes: { civilCode: "878" },
    },
    {
      code: "52",
      parent: "service",
      zh: "技术中介",
      en: "Technology intermediary service",
      attributes: { civilCode: "887" },
    },
    {
      code: "53",
      parent: "service",
      zh: "技术培训",
      en: "Technology training",
      attributes: { civilCode: "887" },
    },
  ],
};

export const licenceKinds: Taxonomy = {
  name: "licence-kinds",
  zh: "许可方式",
  en: "Licence kinds",
  source:
    "Supreme People's Court interpretation on technology contract disputes, article 25; Patent Law, articles 50-52 (open).",
  certainty: "official",
  items: [
    { code: "exclusive", zh: "独占许可", en: "Exclusive: not even the owner uses it" },
    { code: "sole", zh: "排他许可", en: "Sole: only the licensee and the owner use it" },
    { code: "ordinary", zh: "普通许可", en: "Ordinary: others may be licensed too" },
    { code: "open", zh: "开放许可", en: "Open: anyone may take it on the published terms" },
  ],
};
