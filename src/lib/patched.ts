import type { z } from "zod";
import { AppError } from "./errors.ts";
import { faultsOf } from "./faults.ts";
import { mergePatch } from "./merge-patch.ts";

/**
 * The whole that a merge patch makes of `current`, parsed with the resource's own input schema.
 * @throws AppError `request.invalid` (400) with a pointer to each fault
 */
export function parsePatched<T extends z.ZodType>(
  schema: T,
  current: Record<string, unknown>,
  patch: Record<string, unknown>,
): z.output<T> {
  const parsed = schema.safeParse(mergePatch(current, patch), { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new AppError("request.invalid", faultsOf(parsed.error, "body"));
}
