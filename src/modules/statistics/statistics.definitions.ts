/** What each figure means, in both languages. */

interface Definition {
  name: string;
  kind: "figure" | "basis" | "flow" | "band" | "view";
  label: { zh: string; en: string };
  definition: { zh: string; en: string };
}

const define = (
  kind: Definition["kind"],
  name: string,
  label: [string, string],
  definition: [string, string],
): Definition => ({
  name,
  kind,
  label: { zh: label[0], en: label[1] },
  definition: { zh: definition[0], en: definition[1] },
});

const band = (name: string, zh: string, en: string) =>
  define(
    "band",
    name,
    [zh, en],
    [
      "按合同成交总额分档，含下限、不含上限。",
      "By total amount; the lower bound is included, the upper one is not.",
    ],
  );

export const definitions: readonly Definition[] = [
  define(
    "figure",
    "count",
    ["合同数", "Contracts"],
    [
      "已登记且未注销、未撤销的技术合同数。",
      "Registered contracts, without cancelled and revoked ones.",
    ],
  ),
  define(
    "figure",
    "totalAmount",
    ["合同成交额", "Total amount"],
    ["合同成交总额之和，人民币元。", "The contracts' total amounts added up, in yuan."],
  ),
  define(
    "figure",
    "technologyAmount",
    ["技术交易额", "Technology amount"],
    [
      "合同成交总额扣除设备、仪器、零部件、原材料等非技术性费用后的金额之和。",
      "The total amounts less equipment, parts, materials and other cost that is not technology.",
    ],
  ),
  define(
    "basis",
    "registered",
    ["按登记日期", "By registration day"],
    ["以认定登记日期（北京时间）归期。", "By the day of registration, Asia/Shanghai."],
  ),
  define(
    "basis",
    "signed",
    ["按签订日期", "By signing day"],
    ["同一批已登记合同，以签订日期归期。", "The same registered contracts, by the day of signing."],
  ),
  define(
    "basis",
    "paid",
    ["按到账日期", "By day of payment"],
    [
      "已登记合同在该期内的到账金额；合同数为该期有到账的不同合同数。",
      "What was paid in the period under registered contracts; each contract counts once.",
    ],
  ),
  define(
    "flow",
    "output",
    ["输出", "Output"],
    ["主要卖方在该地区。", "The seller that leads lies in the region."],
  ),
  define(
    "flow",
    "absorption",
    ["吸纳", "Absorption"],
    ["主要买方在该地区。", "The buyer that leads lies in the region."],
  ),
  define(
    "flow",
    "local",
    ["本地成交", "Local"],
    [
      "主要买卖双方均在该地区；输出与吸纳之和减本地成交为不重复合计。",
      "Both lie in it; output plus absorption less local counts each contract once.",
    ],
  ),
  band("lt_10k", "1万元以下", "Below 10,000 yuan"),
  band("10k_100k", "1万—10万元", "10,000 to 100,000 yuan"),
  band("100k_1m", "10万—100万元", "100,000 to 1,000,000 yuan"),
  band("1m_10m", "100万—1000万元", "1 to 10 million yuan"),
  band("10m_100m", "1000万—1亿元", "10 to 100 million yuan"),
  band("gte_100m", "1亿元及以上", "100 million yuan and more"),
  define(
    "view",
    "suppressed",
    ["隐去", "Suppressed"],
    [
      "公开统计中，主要卖方或主要买方不足三家，或者其中一家占合同成交额或技术交易额超过 85% 的数据，以及可能推算出该数据的其他数据，不予显示。",
      "In the public view, figures of fewer than three lead sellers or lead buyers, or of which one has more than 85 % of either amount, are hidden, and others by which they could be worked out.",
    ],
  ),
  define(
    "view",
    "release",
    ["发布", "Release"],
    [
      "公开统计于每季度结束后发布该季度数据；此后的更正累计涉及三份以上合同时一并发布，不足三份的每年发布一次。",
      "The public view of a quarter is released when it has ended; later corrections are released once three contracts or more were corrected, and otherwise once a year.",
    ],
  ),
];
