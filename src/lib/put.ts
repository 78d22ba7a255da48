/** Creating or replacing what an organization calls by an id of its own: the same request again changes nothing. */
import type { Call } from "./call.ts";
import { AppError } from "./errors.ts";
import { assertUnwanted, type Expected, type Versioned } from "./etag.ts";
import { bodyFault } from "./faults.ts";

/** A call that says what it wants to find, and what not. */
export interface PutCall extends Call {
  /** What the caller said with `If-None-Match`. */
  unwanted: Expected;
}

/** What came of it. */
export interface Put<T> {
  body: T;
  isNew: boolean;
}

interface Ways<Input, T> {
  /** What the caller's organization calls so; nobody else makes one meanwhile. */
  find: () => Promise<Versioned | undefined>;
  create: (input: Input) => Promise<T>;
  replace: (id: string, input: Input) => Promise<T>;
}

/**
 * @param externalId of the address
 * @param input whole; it may name the id of the address
 * @throws AppError `request.invalid` (400) for an input that names another id,
 *   `request.precondition_failed` (412)
 */
export async function createOrReplace<Input extends { externalId: string | null }, T>(
  call: PutCall,
  externalId: string,
  input: Input,
  { find, create, replace }: Ways<Input, T>,
): Promise<Put<T>> {
  if (input.externalId !== null && input.externalId !== externalId) {
    const faults = [bodyFault(["externalId"], "external_id.other")];
    throw new AppError("request.invalid", { faults });
  }
  const whole = { ...input, externalId };
  const found = await find();
  if (found) {
    assertUnwanted(found, call.unwanted);
    return { body: await replace(found.id, whole), isNew: false };
  }
  // Whoever names a version, or any, wants to find one.
  if (call.expected !== null) throw new AppError("request.precondition_failed");
  return { body: await create(whole), isNew: true };
}

/** The refusal of an id that something else of the organization has. */
export const externalIdTaken = (noun: "result" | "need" | "contract" | "payment") =>
  new AppError(`${noun}.external_id_taken`, {
    faults: [bodyFault(["externalId"], "external_id.taken")],
  });
