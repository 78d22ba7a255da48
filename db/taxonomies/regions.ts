/**
 * Regions (行政区划): all provinces, the provincial capitals, all of Henan's cities, and Xinxiang's
 * districts and counties.
 *
 * Source: GB/T 2260. A register keeps the code valid at signing, so a retired code stays, with the
 * code that replaced it in `retiredFor`.
 * Uncertain: 410771, 410772 and 410773 (`statistical: true`) are codes of the National Bureau of
 * Statistics, not of GB/T 2260. Left out: other cities, districts and counties.
 */
import type { Taxonomy, TaxonomyItem } from "./types.ts";

type Attributes = TaxonomyItem["attributes"];

const province = (code: string, zh: string, en: string): TaxonomyItem => ({
  code,
  zh,
  en,
  attributes: { level: "province" },
});

const city = (code: string, zh: string, en: string): TaxonomyItem => ({
  code,
  parent: `${code.slice(0, 2)}0000`,
  zh,
  en,
  attributes: { level: "prefecture" },
});

const county = (code: string, zh: string, en: string, more: Attributes = {}): TaxonomyItem => ({
  code,
  parent: `${code.slice(0, 4)}00`,
  zh,
  en,
  attributes: { level: "county", ...more },
});

const provinces = [
  province("110000", "北京市", "Beijing"),
  province("120000", "天津市", "Tianjin"),
  province("130000", "河北省", "Hebei"),
  province("140000", "山西省", "Shanxi"),
  province("150000", "内蒙古自治区", "Inner Mongolia"),
  province("210000", "辽宁省", "Liaoning"),
  province("220000", "吉林省", "Jilin"),
  province("230000", "黑龙江省", "Heilongjiang"),
  province("310000", "上海市", "Shanghai"),
  province("320000", "江苏省", "Jiangsu"),
  province("330000", "浙江省", "Zhejiang"),
  province("340000", "安徽省", "Anhui"),
  province("350000", "福建省", "Fujian"),
  province("360000", "江西省", "Jiangxi"),
  province("370000", "山东省", "Shandong"),
  province("410000", "河南省", "Henan"),
  province("420000", "湖北省", "Hubei"),
  province("430000", "湖南省", "Hunan"),
  province("440000", "广东省", "Guangdong"),
  province("450000", "广西壮族自治区", "Guangxi"),
  province("460000", "海南省", "Hainan"),
  province("500000", "重庆市", "Chongqing"),
  province("510000", "四川省", "Sichuan"),
  province("520000", "贵州省", "Guizhou"),
  province("530000", "云南省", "Yunnan"),
  province("540000", "西藏自治区", "Xizang (Tibet)"),
  province("610000", "陕西省", "Shaanxi"),
  province("620000", "甘肃省", "Gansu"),
  province("630000", "青海省", "Qinghai"),
  province("640000", "宁夏回族自治区", "Ningxia"),
  province("650000", "新疆维吾尔自治区", "Xinjiang"),
  province("710000", "台湾省", "Taiwan"),
  province("810000", "香港特别行政区", "Hong Kong"),
  province("820000", "澳门特别行政区", "Macao"),
];

const capitals = [
  city("130100", "石家庄市", "Shijiazhuang"),
  city("140100", "太原市", "Taiyuan"),
  city("150100", "呼和浩特市", "Hohhot"),
  city("210100", "沈阳市", "Shenyang"),
  city("220100", "长春市", "Changchun"),
  city("230100", "哈尔滨市", "Harbin"),
  city("320100", "南京市", "Nanjing"),
  city("330100", "杭州市", "Hangzhou"),
  city("340100", "合肥市", "Hefei"),
  city("350100", "福州市", "Fuzhou"),
  city("360100", "南昌市", "Nanchang"),
  city("370100", "济南市", "Jinan"),
  city("420100", "武汉市", "Wuhan"),
  city("430100", "长沙市", "Changsha"),
  city("440100", "广州市", "Guangzhou"),
  city("450100", "南宁市", "Nanning"),
  city("460100", "海口市", "Haikou"),
  city("510100", "成都市", "Chengdu"),
  city("520100", "贵阳市", "Guiyang"),
  city("530100", "昆明市", "Kunming"),
  city("540100", "拉萨市", "Lhasa"),
  city("610100", "西安市", "Xi'an"),
  city("620100", "兰州市", "Lanzhou"),
  city("630100", "西宁市", "Xining"),
  city("640100", "银川市", "Yinchuan"),
  city("650100", "乌鲁木齐市", "Urumqi"),
];

const henan = [
  city("410100", "郑州市", "Zhengzhou"),
  city("410200", "开封市", "Kaifeng"),
  city("410300", "洛阳市", "Luoyang"),
  city("410400", "平顶山市", "Pingdingshan"),
  city("410500", "安阳市", "Anyang"),
  city("410600", "鹤壁市", "Hebi"),
  city("410700", "新乡市", "Xinxiang"),
  city("410800", "焦作市", "Jiaozuo"),
  city("410900", "濮阳市", "Puyang"),
  city("411000", "许昌市", "Xuchang"),
  city("411100", "漯河市", "Luohe"),
  city("411200", "三门峡市", "Sanmenxia"),
  city("411300", "南阳市", "Nanyang"),
  city("411400", "商丘市", "Shangqiu"),
  city("411500", "信阳市", "Xinyang"),
  city("411600", "周口市", "Zhoukou"),
  city("411700", "驻马店市", "Zhumadian"),
  // A county-level city directly under the province, counted among Henan's 18 cities.
  city("419001", "济源市", "Jiyuan"),
];

const xinxiang = [
  county("410702", "红旗区", "Hongqi District"),
  county("410703", "卫滨区", "Weibin District"),
  county("410704", "凤泉区", "Fengquan District"),
  county("410711", "牧野区", "Muye District"),
  county("410721", "新乡县", "Xinxiang County"),
  county("410724", "获嘉县", "Huojia County"),
  county("410725", "原阳县", "Yuanyang County"),
  county("410726", "延津县", "Yanjin County"),
  county("410727", "封丘县", "Fengqiu County"),
  county("410728", "长垣县", "Changyuan County", { retiredFor: "410783" }),
  county("410771", "新乡高新技术产业开发区", "Xinxiang High-tech Zone", { statistical: true }),
  county("410772", "新乡经济技术开发区", "Xinxiang Economic and Technological Zone", {
    statistical: true,
  }),
  county("410773", "新乡市平原城乡一体化示范区", "Pingyuan Demonstration Zone", {
    statistical: true,
  }),
  county("410781", "卫辉市", "Weihui City"),
  county("410782", "辉县市", "Huixian City"),
  county("410783", "长垣市", "Changyuan City"),
];

export const regions: Taxonomy = {
  name: "regions",
  zh: "行政区划",
  en: "Regions",
  source: "GB/T 2260, codes of the administrative divisions of the People's Republic of China.",
  certainty: "partial",
  items: [...provinces, ...capitals, ...henan, ...xinxiang],
};
