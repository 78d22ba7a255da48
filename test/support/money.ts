/** An amount as the API takes and gives it. */
export const yuan = (amount: string) => ({ amount, currency: "CNY" as const });
