import { and, asc, eq, gt, sql } from "drizzle-orm";
import { apiClients } from "../../../db/schema/api-clients.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { nowInstant } from "../../lib/clock.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { ListApiClientsQuery } from "./api-clients.schema.ts";

export type ApiClientRow = typeof apiClients.$inferSelect;

const ownedBy = (organizationId: string, id: string) =>
  and(eq(apiClients.id, id), eq(apiClients.organizationId, organizationId));

export const selectClient = async (db: Executor, organizationId: string, id: string) =>
  (await db.select().from(apiClients).where(ownedBy(organizationId, id)))[0];

export const lockClient = async (tx: Executor, organizationId: string, id: string) =>
  (await tx.select().from(apiClients).where(ownedBy(organizationId, id)).for("update"))[0];

/** An active client of any organization, with the state of that organization. */
export const selectActiveClient = async (db: Executor, id: string) =>
  (
    await db
      .select({ client: apiClients, organizationStatus: organizations.status })
      .from(apiClients)
      .innerJoin(organizations, eq(organizations.id, apiClients.organizationId))
      .where(and(eq(apiClients.id, id), eq(apiClients.status, "active")))
  )[0];

/** Notes the use of a client and of one of its secrets; it is no change of it, so the version stays. */
export const setLastUsed = (
  db: Executor,
  id: string,
  secret: "secretUsedAt" | "previousSecretUsedAt",
) => {
  const now = nowInstant();
  return db
    .update(apiClients)
    .set({ lastUsedAt: now, [secret]: now })
    .where(eq(apiClients.id, id));
};

const matches = (organizationId: string, query: ListApiClientsQuery) =>
  and(
    eq(apiClients.organizationId, organizationId),
    query.status ? eq(apiClients.status, query.status) : undefined,
  );

export const selectClients = (
  db: Executor,
  organizationId: string,
  query: ListApiClientsQuery,
  after: { id: string } | null,
) =>
  db
    .select()
    .from(apiClients)
    .where(and(matches(organizationId, query), after ? gt(apiClients.id, after.id) : undefined))
    .orderBy(asc(apiClients.id))
    .limit(query.limit + 1);

export const countClients = (db: Executor, organizationId: string, query: ListApiClientsQuery) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(apiClients)
      .where(matches(organizationId, query))
      .limit(countLimit + 1)
      .as("counted"),
  );
