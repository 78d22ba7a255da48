/**
 * The shape of the built-in code lists.
 *
 * Codes are strings, never numbers: a leading zero counts.
 */

/** One entry of a code list. */
export interface TaxonomyItem {
  readonly code: string;
  /** Code of the parent item in the same taxonomy. */
  readonly parent?: string;
  readonly zh: string;
  readonly en: string;
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
}

/** A code list, with where it comes from and how sure that is. */
export interface Taxonomy {
  /** Kebab-case, in the URL: `/v1/taxonomies/{name}`. */
  readonly name: string;
  readonly zh: string;
  readonly en: string;
  /** The standard, law or form it comes from, in one sentence. */
  readonly source: string;
  /**
   * - `official`: the list is complete and sourced.
   * - `partial`: what is certain is here, the rest is to be added by the operator.
   * - `proposed`: the codes are this project's own.
   *
   * A code that is a word is always this project's; such a list is `official` if an instrument fixes
   * its members.
   */
  readonly certainty: "official" | "partial" | "proposed";
  /** The program's own rules are built on these codes: the operator adds none. */
  readonly closed?: true;
  readonly items: readonly TaxonomyItem[];
}
