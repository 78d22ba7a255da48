/**
 * Money: how a listing states its price, and how a contract is paid.
 *
 * Source: Civil Code, article 846, for the first four payment modes. Equity is not in that article;
 * it is usual when results are converted.
 */
import type { Taxonomy } from "./types.ts";

export const priceKinds: Taxonomy = {
  name: "price-kinds",
  closed: true,
  zh: "定价方式",
  en: "Price kinds",
  source: "Ways in which Chinese results platforms state a price.",
  certainty: "proposed",
  items: [
    { code: "fixed", zh: "一口价", en: "Fixed" },
    { code: "range", zh: "价格区间", en: "Range" },
    { code: "negotiable", zh: "面议", en: "Negotiable" },
    { code: "appraised", zh: "评估定价", en: "Appraised" },
  ],
};

export const paymentModes: Taxonomy = {
  name: "payment-modes",
  zh: "支付方式",
  en: "Payment modes",
  source: "Civil Code article 846, with equity and other added.",
  certainty: "proposed",
  items: [
    { code: "lump_sum", zh: "一次总算、一次总付", en: "One sum, paid at once" },
    { code: "installment", zh: "一次总算、分期支付", en: "One sum, paid in instalments" },
    { code: "royalty", zh: "提成支付", en: "Royalty" },
    {
      code: "entry_fee_plus_royalty",
      zh: "提成支付附加预付入门费",
      en: "Entry fee plus royalty",
    },
    { code: "equity", zh: "作价入股", en: "Equity" },
    { code: "other", zh: "其他", en: "Other" },
  ],
};
