/** What tests say of replies: taken for granted, refused, and what stands in them. */
import type { Test } from "tap";
import type { Reply } from "./market.ts";

/** A call that the test takes for granted; gives its reply. */
export async function granted(reply: Promise<Reply>): Promise<Reply> {
  const got = await reply;
  if (got.status >= 300) throw new Error(`setting up failed with ${got.status}: ${got.text}`);
  return got;
}

/** A call that the test takes for granted; gives its body. */
export const must = async (reply: Promise<Reply>): Promise<Reply["body"]> =>
  (await granted(reply)).body;

/** Asserts a refusal, and gives its problem document. */
export function refused(t: Test, reply: Reply, status: number, code: string): Reply["body"] {
  t.equal(reply.status, status, `${code}: ${reply.text.slice(0, 300)}`);
  t.equal(reply.body?.code, code);
  t.equal(reply.body?.requestId, reply.headers["request-id"]);
  t.match(reply.headers["content-type"], /^application\/problem\+json/);
  return reply.body;
}

/** The places that a problem document names. */
export const pointersOf = (body: Reply["body"]): string[] =>
  (body.errors ?? []).map((error: { pointer?: string }) => error.pointer).sort();

/** The statuses of several replies, in order of their numbers. */
export const statusesOf = (replies: readonly Reply[]): number[] =>
  replies.map(({ status }) => status).sort();

/** The ids of a list's items, as they come. */
export const idsOf = ({ body }: Reply): string[] => body.data.map(({ id }: { id: string }) => id);
