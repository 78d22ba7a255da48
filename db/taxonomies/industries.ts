/**
 * Industries (国民经济行业): all sections (门类) A to T, and the divisions (大类) of the three sections
 * that technology contracts mostly come from.
 *
 * Source: GB/T 4754-2017. A code is the section's letter and up to four digits, e.g. `C35`.
 * Left out: the divisions of the other sections, and all groups and classes.
 */
import type { Taxonomy, TaxonomyItem } from "./types.ts";

const division = (code: string, zh: string, en: string): TaxonomyItem => ({
  code,
  parent: code.slice(0, 1),
  zh,
  en,
});

const sections: readonly TaxonomyItem[] = [
  { code: "A", zh: "农、林、牧、渔业", en: "Agriculture, forestry, animal husbandry and fishery" },
  { code: "B", zh: "采矿业", en: "Mining" },
  { code: "C", zh: "制造业", en: "Manufacturing" },
  {
    code: "D",
    zh: "电力、热力、燃气及水生产和供应业",
    en: "Production and supply of electricity, heat, gas and water",
  },
  { code: "E", zh: "建筑业", en: "Construction" },
  { code: "F", zh: "批发和零售业", en: "Wholesale and retail trade" },
  { code: "G", zh: "交通运输、仓储和邮政业", en: "Transport, storage and post" },
  { code: "H", zh: "住宿和餐饮业", en: "Accommodation and catering" },
  {
    code: "I",
    zh: "信息传输、软件和信息技术服务业",
    en: "Information transmission, software and information technology services",
  },
  { code: "J", zh: "金融业", en: "Finance" },
  { code: "K", zh: "房地产业", en: "Real estate" },
  { code: "L", zh: "租赁和商务服务业", en: "Leasing and business services" },
  {
    code: "M",
    zh: "科学研究和技术服务业",
    en: "Scientific research and technical services",
  },
  {
    code: "N",
    zh: "水利、环境和公共设施管理业",
    en: "Management of water conservancy, environment and public facilities",
  },
  {
    code: "O",
    zh: "居民服务、修理和其他服务业",
    en: "Resident services, repair and other services",
  },
  { code: "P", zh: "教育", en: "Education" },
  { code: "Q", zh: "卫生和社会工作", en: "Health and social work" },
  { code: "R", zh: "文化、体育和娱乐业", en: "Culture, sports and entertainment" },
  {
    code: "S",
    zh: "公共管理、社会保障和社会组织",
    en: "Public management, social security and social organizations",
  },
  { code: "T", zh: "国际组织", en: "International organizations" },
];

const divisions: readonly TaxonomyItem[] = [
  division("C13", "农副食品加工业", "Processing of food from agricultural products"),
  division("C14", "食品制造业", "Foods"),
  division("C15", "酒、饮料和精制茶制造业", "Liquor, beverages and refined tea"),
  division("C16", "烟草制品业", "Tobacco"),
  division("C17", "纺织业", "Textiles"),
  division("C18", "纺织服装、服饰业", "Textile wearing apparel and accessories"),
  division("C19", "皮革、毛皮、羽毛及其制品和制鞋业", "Leather, fur, feather and footwear"),
  division("C20", "木材加工和木、竹、藤、棕、草制品业", "Timber, bamboo, rattan, palm and straw"),
  division("C21", "家具制造业", "Furniture"),
  division("C22", "造纸和纸制品业", "Paper and paper products"),
  division("C23", "印刷和记录媒介复制业", "Printing and reproduction of recording media"),
  division(
    "C24",
    "文教、工美、体育和娱乐用品制造业",
    "Articles for culture, education, arts and crafts, sport and entertainment",
  ),
  division("C25", "石油、煤炭及其他燃料加工业", "Processing of petroleum, coal and other fuels"),
  division("C26", "化学原料和化学制品制造业", "Raw chemical materials and chemical products"),
  division("C27", "医药制造业", "Medicines"),
  division("C28", "化学纤维制造业", "Chemical fibres"),
  division("C29", "橡胶和塑料制品业", "Rubber and plastics products"),
  division("C30", "非金属矿物制品业", "Non-metallic mineral products"),
  division("C31", "黑色金属冶炼和压延加工业", "Smelting and rolling of ferrous metals"),
  division("C32", "有色金属冶炼和压延加工业", "Smelting and rolling of non-ferrous metals"),
  division("C33", "金属制品业", "Metal products"),
  division("C34", "通用设备制造业", "General-purpose machinery"),
  division("C35", "专用设备制造业", "Special-purpose machinery"),
  division("C36", "汽车制造业", "Automobiles"),
  division(
    "C37",
    "铁路、船舶、航空航天和其他运输设备制造业",
    "Railway, ship, aerospace and other transport equipment",
  ),
  division("C38", "电气机械和器材制造业", "Electrical machinery and apparatus"),
  division(
    "C39",
    "计算机、通信和其他电子设备制造业",
    "Computers, communication and other electronic equipment",
  ),
  division("C40", "仪器仪表制造业", "Measuring instruments and meters"),
  division("C41", "其他制造业", "Other manufacturing"),
  division("C42", "废弃资源综合利用业", "Comprehensive use of waste resources"),
  division(
    "C43",
    "金属制品、机械和设备修理业",
    "Repair of metal products, machinery and equipment",
  ),
  division(
    "I63",
    "电信、广播电视和卫星传输服务",
    "Telecommunications, broadcasting and satellite transmission services",
  ),
  division("I64", "互联网和相关服务", "Internet and related services"),
  division("I65", "软件和信息技术服务业", "Software and information technology services"),
  division("M73", "研究和试验发展", "Research and experimental development"),
  division("M74", "专业技术服务业", "Professional technical services"),
  division("M75", "科技推广和应用服务业", "Promotion and application of science and technology"),
];

export const industries: Taxonomy = {
  name: "industries",
  zh: "国民经济行业",
  en: "Industries",
  source: "GB/T 4754-2017, industrial classification for national economic activities.",
  certainty: "partial",
  items: [...sections, ...divisions],
};
