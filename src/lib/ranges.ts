/** A part of a file that a caller asks for: the first and the last byte, both included. */
export interface Part {
  first: number;
  last: number;
}

const spec = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/i;

/**
 * Reads `Range` (RFC 9110 14.1.2) of a file that is not empty.
 * @returns null for the whole: none is asked for, or several are, or it is no range of bytes, all of
 *   which a server may ignore (14.2); "unsatisfiable" when it lies beyond the end
 */
export function partOf(header: string | undefined, size: number): Part | "unsatisfiable" | null {
  const [, from, to, suffix] = spec.exec(header?.replaceAll(/\s/g, "") ?? "") ?? [];
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? "unsatisfiable" : { first: size - length, last: size - 1 };
  }
  if (from === undefined) return null;
  const first = Number(from);
  const last = to ? Number(to) : size - 1;
  if (to && last < first) return null;
  return first >= size ? "unsatisfiable" : { first, last: Math.min(last, size - 1) };
}
