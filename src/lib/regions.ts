/**
 * GB/T 2260: two digits province, two city, two county. What a region includes is what starts with
 * this: `410000` is `41`, `410700` is `4107`, `410711` itself.
 */
export function regionPrefix(code: string): string {
  if (code.endsWith("0000")) return code.slice(0, 2);
  return code.endsWith("00") ? code.slice(0, 4) : code;
}

/**
 * The city that a region lies in. Places that a province governs directly (`4190xx`, such as
 * Jiyuan) are cities of their own.
 */
export function cityOf(code: string): string {
  if (code.slice(2, 4) === "90") return code;
  return `${code.slice(0, 4)}00`;
}
