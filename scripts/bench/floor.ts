/**
 * The floor: a bare Fastify handler that sends the statement of this API with `pg`, prepared, and
 * serializes the reply with a compiled serializer. No rules, no token check, no log, no metrics.
 */
import { getTableColumns } from "drizzle-orm";
import Fastify from "fastify";
import pg from "pg";
import { v7 } from "uuid";
import { searchColumns } from "../../db/schema/listings.ts";
import { needs } from "../../db/schema/needs.ts";
import type { CaseName, Job, Statement } from "./cases.ts";

type Row = Record<string, unknown>;

const { builtins } = pg.types;

/** An instant's text as RFC 3339, in UTC sessions. */
function toInstant(text: string): string {
  const dot = text.indexOf(".", 19);
  const fraction = dot === -1 ? "" : text.slice(dot + 1, text.indexOf("+", dot));
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction.padEnd(3, "0")}Z`;
}

const asText = (text: string) => text;
const types = {
  getTypeParser: (id: number, format?: "text" | "binary") => {
    if (id === builtins.TIMESTAMPTZ) return toInstant;
    if (id === builtins.DATE) return asText;
    return pg.types.getTypeParser(id, format);
  },
};

/** The insert alone, and the row as it is stored: what else this API asks for, the owner, is known here. */
function plainInsert({ text, values }: Statement): Statement {
  const hidden: readonly string[] = searchColumns;
  const columns = Object.entries(getTableColumns(needs))
    .filter(([name]) => !hidden.includes(name))
    .map(([, column]) => `"${column.name}"`);
  const insert = text.slice(0, text.indexOf(" returning "));
  return { text: `${insert} returning ${columns.join(", ")}`, values };
}

/**
 * A row in the order of its columns -> an object, as one would write it by hand: `{id: r[0], ...}`.
 * The columns of the organization are nested, as in this API's reply.
 */
function mapperOf(text: string): (row: unknown[]) => Row {
  const list = text.startsWith("insert")
    ? text.slice(text.lastIndexOf(" returning ") + 11)
    : text.slice("select ".length, text.indexOf(" from "));
  const own: string[] = [];
  const organization: string[] = [];
  for (const [i, column] of list.split(", ").entries()) {
    const [name = "", table] = column.replaceAll('"', "").split(".").reverse();
    const key = name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    (table === "organizations" ? organization : own).push(`${JSON.stringify(key)}: r[${i}]`);
  }
  if (organization.length > 0) own.push(`organization: {${organization.join(", ")}}`);
  return new Function("r", `return {${own.join(", ")}}`) as (row: unknown[]) => Row;
}

const money = (amount: unknown) => (amount === null ? null : { amount, currency: "CNY" });

function priceOf(row: Row) {
  const { priceKind, priceMin, priceMax } = row;
  if (priceKind === null) return null;
  const single = priceKind === "fixed";
  return {
    kind: priceKind,
    amount: single ? money(priceMin) : null,
    min: single ? null : money(priceMin),
    max: single ? null : money(priceMax),
  };
}

/** Opens the floor; it listens on a free port. */
export async function openFloor({ databaseUrl, connections, capture }: Job) {
  if (!capture) throw new Error("the floor needs what was captured of the API");
  const { schemas, sample, organization } = capture;
  const statements = { ...capture.statements, create: plainInsert(capture.statements.create) };
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: connections,
    options: "-c timezone=UTC -c statement_timeout=15000 -c jit=off",
  });
  const mappers = Object.fromEntries(
    Object.entries(statements).map(([name, { text }]) => [name, mapperOf(text)]),
  ) as Record<CaseName, (row: unknown[]) => Row>;

  async function run(name: CaseName, { text }: Statement, values: unknown[]): Promise<Row[]> {
    const query = { name, text, values, rowMode: "array" as const, types };
    const { rows } = await pool.query<unknown[]>(query);
    return rows.map(mappers[name]);
  }
  /** Also where this API asks for several at once: the floor asks for each by itself. */
  const put = ({ values }: Statement, sampled: string, value: string) =>
    values.map((given) => {
      if (Array.isArray(given)) return given.map((one) => (one === sampled ? value : one));
      return given === sampled ? value : given;
    });

  const toPage = (rows: Row[], isOwn: boolean) => {
    const hasMore = rows.length > 20;
    const kept = hasMore ? rows.slice(0, 20) : rows;
    const data = kept.map((row) => {
      row.price = priceOf(row);
      // What its owner calls it is told to nobody else.
      if (!isOwn) row.externalId = undefined;
      return row;
    });
    const last = kept.at(-1);
    if (!hasMore || !last) return { data, page: { hasMore } };
    const key = JSON.stringify([last.publishedAt ?? last.updatedAt, last.id]);
    return { data, page: { next: Buffer.from(key).toString("base64url"), hasMore } };
  };

  const app = Fastify({ logger: false });
  app.get<{ Params: { id: string } }>(
    "/v1/results/:id",
    { schema: { response: { 200: schemas.one } } },
    async (request) => {
      const values = put(statements.one, sample.resultId, request.params.id);
      const [row = {}] = await run("one", statements.one, values);
      row.price = priceOf(row);
      row.funding = money(row.funding);
      row.contact = null;
      row.externalId = undefined;
      row.completeness = { score: row.completeness, missing: [] };
      return row;
    },
  );
  app.get<{ Querystring: { fieldCode?: string; "publishedAt[lte]"?: string } }>(
    "/v1/results",
    { schema: { response: { 200: schemas.page } } },
    async (request) => {
      const { fieldCode, "publishedAt[lte]": moment = "" } = request.query;
      if (!fieldCode) return toPage(await run("own", statements.own, statements.own.values), true);
      const ofField = {
        ...statements.page,
        values: put(statements.page, sample.fieldCode, fieldCode),
      };
      const values = put(ofField, sample.moment, moment);
      return toPage(await run("page", statements.page, values), false);
    },
  );
  app.post(
    "/v1/needs",
    { schema: { response: { 201: schemas.create } } },
    async (_request, reply) => {
      const values = put(statements.create, sample.needId, v7());
      const [row = {}] = await run("create", statements.create, values);
      row.organization = organization;
      row.completeness = { score: row.completeness, missing: [] };
      row.budget = { min: money(row.budgetMin), max: money(row.budgetMax), negotiable: false };
      row.review = null;
      row.allowedActions = ["submit"];
      reply.code(201);
      return row;
    },
  );
  const close = async () => {
    await app.close();
    await pool.end();
  };
  return { app, close };
}
