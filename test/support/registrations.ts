/** A registration office and cases to test with, in any state, brought about through the API. */
import { eq } from "drizzle-orm";
import { registrations } from "../../db/schema/registrations.ts";
import { type ContractOptions, effectiveContract, type MadeContract } from "./contracts.ts";
import type { Caller, Market, Reply } from "./market.ts";
import { must } from "./replies.ts";

/** An office with two people, competent for all of Xinxiang unless said otherwise. */
export interface Office {
  id: string;
  code: string;
  operator: Caller;
  first: Caller;
  second: Caller;
}

export async function openOffice(
  market: Market,
  { code = "410701", regionCodes = ["410700"] }: { code?: string; regionCodes?: string[] } = {},
): Promise<Office> {
  const operator = await market.person("operator");
  const first = await market.person("registry");
  const second = await market.colleague(first);
  const { id } = await must(
    market.as(operator)("POST", "/v1/registration-offices", {
      body: { organizationId: first.organizationId, code, name: `登记处${code}`, regionCodes },
    }),
  );
  return { id, code, operator, first, second };
}

export interface MadeCase extends MadeContract {
  office: Office;
  caseId: string;
  /** As the applicant reads it. */
  registration: Reply["body"];
}

/** A step of a case. */
export const stepOf = (
  market: Market,
  caller: Caller | null,
  id: string,
  action: string,
  body?: object,
): Promise<Reply> => market.as(caller)("POST", `/v1/registrations/${id}/${action}`, { body });

/** A case that waits to be accepted. */
export async function filedCase(
  market: Market,
  office: Office,
  options: ContractOptions = {},
): Promise<MadeCase> {
  const made = await effectiveContract(market, options);
  const registration = await must(
    market.as(made.seller)("POST", `/v1/contracts/${made.id}/file`, { body: {} }),
  );
  return { ...made, office, caseId: registration.id, registration };
}

/** A case that the office's first reviewer has accepted. */
export async function acceptedCase(
  market: Market,
  office: Office,
  options: ContractOptions = {},
): Promise<MadeCase> {
  const made = await filedCase(market, office, options);
  await must(stepOf(market, office.first, made.caseId, "accept"));
  return read(market, made);
}

/** A registered contract. */
export async function registeredCase(
  market: Market,
  office: Office,
  options: ContractOptions = {},
): Promise<MadeCase> {
  const made = await acceptedCase(market, office, options);
  await must(stepOf(market, office.second, made.caseId, "register"));
  return read(market, made);
}

async function read(market: Market, made: MadeCase): Promise<MadeCase> {
  const path = `/v1/registrations/${made.caseId}`;
  return { ...made, registration: await must(market.as(made.seller)("GET", path)) };
}

/** What is stored of a case. */
export async function caseRow({ database: { db } }: Market, id: string) {
  const [row] = await db.select().from(registrations).where(eq(registrations.id, id));
  if (!row) throw new Error(`no case ${id}`);
  return row;
}
