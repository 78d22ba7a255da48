/** What the query string of a list asks for, as conditions by name. */
import { type Actor, isOperator, roleNeeded } from "../../lib/access.ts";
import { AppError } from "../../lib/errors.ts";
import type { Condition } from "./lists.store.ts";
import type { MoneyBand } from "./search.schema.ts";
import { bandBounds } from "./search.store.ts";

/** The shared part of a list's query string. */
interface SharedQuery {
  scope: "public" | "own" | "all";
  moneyBand?: MoneyBand | undefined;
  fieldCode?: string | undefined;
  "fieldCode[in]"?: string[] | undefined;
  industryCode?: string | undefined;
  regionCode?: string | undefined;
  cooperationMode?: string | undefined;
  tag?: string | undefined;
  organizationId?: string | undefined;
  externalId?: string | undefined;
  "publishedAt[gte]"?: string | undefined;
  "publishedAt[lte]"?: string | undefined;
  "validUntil[gte]"?: string | undefined;
  "validUntil[lte]"?: string | undefined;
  "completeness[gte]"?: number | undefined;
  "completeness[lte]"?: number | undefined;
  "updatedAt[gte]"?: string | undefined;
  "updatedAt[lte]"?: string | undefined;
}

/**
 * The query string's shared filters as conditions by name.
 * @throws AppError `auth.required` or `auth.forbidden_role` for a scope that is not the caller's
 */
export function conditionsOf(actor: Actor | null, query: SharedQuery): Condition[] {
  if (query.scope !== "public" && !actor) {
    const detail = {
      en: `Only the scope public is for those who are not signed in, not ${query.scope}.`,
      zh: `未登录时仅可查询 scope=public，不能查询 ${query.scope}。`,
    };
    throw new AppError("auth.required", { detail });
  }
  if (query.scope === "all" && actor && !isOperator(actor)) {
    throw roleNeeded(["operator"], actor);
  }
  const { fieldCode, industryCode } = query;
  const band = query.moneyBand && bandBounds(query.moneyBand);
  const conditions: Record<string, unknown> = {
    organization: query.scope === "own" ? actor?.organizationId : query.organizationId,
    externalId: query.externalId,
    field: fieldCode && fieldCode.length > 2 ? fieldCode : undefined,
    fieldTop: fieldCode?.slice(0, 2),
    fieldTops: query["fieldCode[in]"]?.map((code) => code.slice(0, 2)),
    fields: query["fieldCode[in]"],
    industry: industryCode && industryCode.length > 1 ? industryCode : undefined,
    industrySection: industryCode?.slice(0, 1),
    ...regionCondition(query.regionCode),
    cooperationMode: query.cooperationMode,
    tag: query.tag,
    moneyNegotiable: query.moneyBand === "negotiable" ? true : undefined,
    moneyFrom: band?.from,
    moneyBelow: band?.below ?? undefined,
    publishedFrom: query["publishedAt[gte]"],
    publishedTo: query["publishedAt[lte]"],
    validFrom: query["validUntil[gte]"],
    validTo: query["validUntil[lte]"],
    completenessFrom: query["completeness[gte]"],
    completenessTo: query["completeness[lte]"],
    updatedFrom: query["updatedAt[gte]"],
    updatedTo: query["updatedAt[lte]"],
  };
  return Object.entries(conditions)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ name, value }));
}

function regionCondition(code: string | undefined): Record<string, string> {
  if (!code) return {};
  if (code.endsWith("0000")) return { province: code.slice(0, 2) };
  return code.endsWith("00") ? { city: code.slice(0, 4) } : { region: code };
}
