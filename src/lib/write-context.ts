import type { Origin } from "./access.ts";
import type { Expected } from "./etag.ts";

/** What a verb needs besides its transaction and its input. */
export interface WriteContext extends Origin {
  /** What the caller said with `If-Match`. */
  expected: Expected;
}
