import type { Gap } from "./listings.schema.ts";

/** One thing a complete listing has. The weights of a list add up to 100. */
export interface Requirement<Row> {
  field: string;
  weight: number;
  /** It cannot be submitted without. */
  required?: true;
  zh: string;
  en: string;
  /** Whether the row has it; when absent, whether the column of the field's name is filled. */
  has?: (row: Row) => boolean;
}

const isFilled = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0
    : value !== null && value !== undefined && value !== false;

/** A function that names what a row lacks of these requirements. */
export function gapsFrom<Row extends object>(requirements: readonly Requirement<Row>[]) {
  return (row: Row): Gap[] => {
    const gaps: Gap[] = [];
    for (const { field, weight, required = false, zh, en, has } of requirements) {
      const filled = has ? has(row) : isFilled((row as Record<string, unknown>)[field]);
      if (!filled) gaps.push({ field: `/${field}`, required, weight, zh, en });
    }
    return gaps;
  };
}
