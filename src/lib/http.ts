/** What a route says about itself, besides its paths and schemas. */
import type { Access } from "./access.ts";
import type { ErrorCode } from "./errors.ts";
import type { Bucket } from "./rate-limits.ts";
import type { Relation } from "./shape.ts";

/** What a reply is made of, as the database has it. */
export interface Marked {
  /** Tells apart all that it is made of. */
  mark: string;
  /** What else was committed when that was read (`database/moment.ts`). */
  moment: string;
}

/** A reply that is the same for all who are not signed in. */
export interface OpenReply<T> {
  /** Of what it would be made now; null when there is nothing to make it of. */
  markOf: () => Promise<Marked | null>;
  /** Makes it, with the mark of just what it was made of. */
  make: () => Promise<{ mark: string; body: T }>;
}

/** Things that others are joined with; the files of each kind of subject are seen by rules of its own. */
export type RelatedKind =
  | Exclude<Relation, "attachments">
  | `files of ${"result" | "need" | "contract" | "registration"}`;

/** What a reply, or an item of a list, is joined with. */
export interface Related {
  kind: RelatedKind;
  /** Which one; null for none. */
  of: (item: never) => string | null;
}

export interface RouteContract {
  /** Who may call it. A route without it does not boot. */
  access?: Access;
  /** The refusals of its own; those that every such route shares are added by the contract plugin. */
  errors?: readonly ErrorCode[];
  /** What one of the items of its request can be refused with, while the others are not. */
  itemErrors?: readonly ErrorCode[];
  /**
   * `version`: the reply is one resource with a version, `hash`: a document without one. It carries
   * an ETag and answers `If-None-Match`.
   */
  etag?: "version" | "hash";
  /** The change needs `If-Match` (428 without). */
  ifMatch?: "required" | "honoured";
  /** Whether a POST takes an Idempotency-Key; `refused` where the reply holds a secret. */
  idempotency?: "accepted" | "refused";
  /** It reads its own `Authorization` header (client credentials). */
  ownAuthorization?: true;
  /** It changes who may do what: what is remembered about callers is forgotten before it answers. */
  changesAccess?: true;
  /** It takes or sends a whole file, which may last as long as UPLOAD_SECONDS while it gets on. */
  transfers?: true;
  /** The quota that it counts against (`lib/rate-limits.ts`), where that is neither reads nor writes. */
  bucket?: Bucket;
  /** Its handler counts it (`app.limit`), by what the body says. */
  countsItself?: true;
  /** The parameter that its next page is asked for by, where that is not `cursor`. */
  pagesBy?: string;
  /** It searches, and costs by what its query asks for, or it makes suggestions. */
  searches?: "listings" | "suggestions";
  /** Its reply may be kept by shared caches for a while, when nobody is signed in. */
  cacheSeconds?: number;
  /** It takes `fields` and `expand` (`lib/shape.ts`), and what it may be joined with. */
  expands?: Readonly<Partial<Record<Relation, Related>>>;
  /** Its reply is public and the same, whoever asks: who is signed in may keep it too, to ask whether it changed. */
  sameForAll?: true;
  /** Answered in every state of the service: no caller is turned away for load. */
  vital?: true;
  /** It is answered from what the process knows: nobody waits there for connections. */
  withoutDatabase?: true;
}
