/** GB 32100-2015: digits and capitals without I, O, S, V and Z. */
const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const shape = /^[0-9A-HJ-NPQRTUWXY]{18}$/;

/**
 * Whether a unified social credit code (统一社会信用代码) is well formed and its last character is
 * the check character of GB 32100-2015: C18 = (31 - sum(Ci * 3^(i-1) mod 31) mod 31) mod 31.
 */
export function isCreditCode(code: string): boolean {
  if (!shape.test(code)) return false;
  let sum = 0;
  let weight = 1;
  for (let i = 0; i < 17; i++) {
    sum += alphabet.indexOf(code.charAt(i)) * weight;
    weight = (weight * 3) % 31;
  }
  return alphabet.charAt((31 - (sum % 31)) % 31) === code.charAt(17);
}

/** Whether it has the 18 characters of the alphabet, right check character or not. */
export const looksLikeCreditCode = (code: string): boolean => shape.test(code);

/** Authority and class characters -> legal type (codes of the taxonomy `legal-types`). */
const legalTypes: Record<string, string> = {
  "11": "government_agency",
  "12": "public_institution",
  "13": "mass_organization",
  "51": "social_organization",
  "52": "private_non_enterprise",
  "53": "foundation",
  "91": "enterprise",
  "92": "individual_business",
  "93": "farmers_cooperative",
};

/** The legal type that the first two characters of a credit code stand for (GB 32100-2015, annex). */
export const legalTypeOf = (code: string): string => legalTypes[code.slice(0, 2)] ?? "other";
