import type { Actor, Origin } from "./access.ts";
import type { Expected } from "./etag.ts";

/** What a verb that anybody may call needs besides its transaction and its input. */
export interface OpenCall extends Origin {
  /** What the caller said with `If-Match`. */
  expected: Expected;
}

/** The same where somebody is signed in. */
export interface Call extends OpenCall {
  actor: Actor;
}
