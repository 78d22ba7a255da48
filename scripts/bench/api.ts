/** This API as it runs in production, and what it asks of the database. */
import pg from "pg";
import { buildApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { connect } from "../../src/database/connect.ts";
import { newId } from "../../src/lib/ids.ts";
import { replySchema } from "../../src/lib/json-schema.ts";
import { loggerOptions } from "../../src/lib/logging.ts";
import { pageOf } from "../../src/lib/pagination.ts";
import { bucketNames } from "../../src/lib/rate-limits.ts";
import { readKeyFile } from "../../src/lib/signing-keys.ts";
import { Need } from "../../src/modules/needs/needs.schema.ts";
import { Result, ResultSummary } from "../../src/modules/results/results.schema.ts";
import {
  bodyOf,
  type Capture,
  type CaseName,
  caseNames,
  cases,
  type Job,
  momentIn,
  pathsOf,
} from "./cases.ts";
import { owner } from "./content.ts";

const manyOfEach = bucketNames.map((name) => `${name}=999999999/999999999`).join(",");

/** Builds the service as `src/server.ts` does; its log lines go to standard output. */
export async function openApi({
  databaseUrl,
  keyFile,
  connections,
  isCounted = true,
  runsJobs: runJobs = true,
}: Job) {
  const config = readConfig({
    NODE_ENV: "production",
    DATABASE_URL: databaseUrl,
    SIGNING_KEYS_FILE: keyFile,
    DATABASE_POOL_SIZE: String(connections),
    PUBLIC_URL: "http://127.0.0.1:3000",
    // Requests are counted as ever; a bench makes more of them than anybody may.
    RATE_LIMITS: isCounted ? manyOfEach : "off",
    MAX_DRAFTS: "1000000",
    // Where nothing is measured, a busy machine must not turn a request away.
    ...(runJobs ? {} : { MAX_EVENT_LOOP_DELAY: "0" }),
  });
  const database = connect({ connectionString: databaseUrl, max: config.databasePoolSize });
  const app = await buildApp(config, {
    database,
    keys: readKeyFile(keyFile),
    logger: loggerOptions(config.logLevel, false, (last) => process.on("exit", last)),
    runJobs,
  });
  await app.ready();
  const token = () =>
    app.signAccessToken({
      sub: owner.memberId,
      client_id: "grand-market",
      scope: "",
      sid: owner.sessionId,
    });
  const close = async () => {
    await app.close();
    await database.close();
  };
  return { app, database, token, close };
}

interface Query {
  text: string;
  values: unknown[];
}

/** Sends one request of each case and keeps the statement that the driver was given for it. */
export async function capture(job: Job): Promise<Capture> {
  const api = await openApi({ ...job, runsJobs: false });
  try {
    const first = await api.database.pool.query<{ id: string }>(
      "select r.id from results r join organizations o on o.id = r.organization_id where r.status = 'published' and o.status = 'verified' order by r.id limit 1",
    );
    const resultId = first.rows[0]?.id ?? "";
    const seen: Query[] = [];
    const prototype = pg.Client.prototype as { query: (...given: unknown[]) => unknown };
    const original = prototype.query;
    prototype.query = function (this: pg.Client, ...given: unknown[]) {
      const [query, second] = given as [Partial<Query> | undefined, unknown];
      const values = Array.isArray(second) ? second : query?.values;
      if (query?.text) seen.push({ text: query.text, values: values ?? [] });
      return original.apply(this, given);
    };
    const statements = {} as Capture["statements"];
    const replies = {} as Capture["replies"];
    let needId = "";
    let moment = "";
    let organization: Record<string, unknown> = {};
    for (const name of caseNames) {
      const cold = coldOf[name];
      if (cold) {
        // The second time this API answers with what it keeps; the floor asks as for the first.
        statements[name] = statements[cold];
        replies[name] = replies[cold];
        continue;
      }
      const [url = ""] = pathsOf(name, [resultId]);
      if (name === "page") moment = momentIn(url);
      const { method, signedIn } = cases[name];
      const payload = bodyOf(name);
      seen.length = 0;
      const response = await api.app.inject({
        method,
        url,
        headers: {
          ...(signedIn ? { authorization: `Bearer ${api.token()}` } : {}),
          ...(payload ? { "content-type": "application/json", "idempotency-key": newId() } : {}),
        },
        ...(payload ? { payload } : {}),
      });
      if (response.statusCode >= 300) throw new Error(`${method} ${url}: ${response.body}`);
      if (name === "create") ({ id: needId, organization } = response.json());
      statements[name] = statementOf(name, seen);
      replies[name] = response.body;
    }
    prototype.query = original;
    const schemas = {
      one: replySchema(Result),
      oneHot: replySchema(Result),
      page: replySchema(pageOf(ResultSummary)),
      pageHot: replySchema(pageOf(ResultSummary)),
      own: replySchema(pageOf(ResultSummary)),
      create: replySchema(Need),
    };
    return {
      statements,
      schemas,
      replies,
      sample: { resultId, fieldCode: "01", moment, needId },
      organization,
    };
  } finally {
    await api.close();
  }
}

const coldOf: Partial<Record<CaseName, CaseName>> = { oneHot: "one", pageHot: "page" };

/** The statement that a case is about, among all that its request caused. */
function statementOf(name: CaseName, seen: readonly Query[]): Query {
  const found = seen.find(({ text }) =>
    name === "create" ? text.startsWith('insert into "needs"') : text.includes('from "results"'),
  );
  if (!found) throw new Error(`the request of the case ${name} caused no such statement`);
  return { text: found.text, values: [...found.values] };
}
