import type { Executor } from "../../src/database/connect.ts";
export async function loadDemoMarket(_db: Executor): Promise<void> {}
export async function demoAccounts(
  _db: Executor,
): Promise<{ email: string; password: string; who: string }[]> {
  return [];
}
