/** A market to test: the app on a database of its own, people of every kind, and calls as any of them. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { InjectOptions, LightMyRequestResponse } from "fastify";
import type { Test } from "tap";
import { apiClients } from "../../db/schema/api-clients.ts";
import { members } from "../../db/schema/members.ts";
import { organizations } from "../../db/schema/organizations.ts";
import { sessions } from "../../db/schema/sessions.ts";
import { buildApp, type Parts } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import type { Database } from "../../src/database/connect.ts";
import type { Role, Scope } from "../../src/lib/access.ts";
import { clock, instantIn } from "../../src/lib/clock.ts";
import { newId, newSecret, sha256 } from "../../src/lib/ids.ts";
import { createKeyFile, readKeyFile } from "../../src/lib/signing-keys.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import type { App, RegisteredRoute } from "../../src/plugins/contract.ts";
import { openTestDatabase, type TestDatabase } from "./database.ts";
import { checkDetail } from "./details.ts";
import { replyChecker } from "./openapi.ts";

/** Somebody who calls: a person or a machine client, with the organization. */
export interface Caller {
  token: string;
  id: string;
  organizationId: string;
  email: string;
}

export interface Reply {
  status: number;
  // Tests read whatever the reply holds; its shape was checked against the OpenAPI document.
  // biome-ignore lint/suspicious/noExplicitAny: the shape is checked at run time
  body: any;
  headers: LightMyRequestResponse["headers"];
  text: string;
}

export type Call = (
  method: "GET" | "POST" | "PATCH" | "DELETE" | "PUT" | "HEAD",
  url: string,
  options?: { body?: unknown; headers?: Record<string, string> },
) => Promise<Reply>;

/** The password of every person made here; hashed once (a hash takes tens of milliseconds). */
export const password = "correct horse battery";
const passwordHash =
  "$argon2id$v=19$m=19456,t=2,p=1$KBS/laiy6n+wS1muEyeTcg$ze1h/SCSV0dxmUAnL/kvJz6ztgKWyWX4jXZw+64yRoY";

export interface Market {
  app: App;
  /** As its owner, for what a test does itself. */
  database: Database;
  /** As the app uses it: on a server, with a pool and a role of its own. */
  served: Database;
  /** Makes a person of a new organization. */
  person: (role: Role, options?: PersonOptions) => Promise<Caller>;
  /** Makes another person of an organization that is there. */
  colleague: (of: Caller, options?: { isAdmin?: boolean }) => Promise<Caller>;
  /** Makes a machine client of an organization. */
  client: (of: Caller, scopes: Scope[]) => Promise<Caller>;
  /** Calls as somebody, or as nobody; every reply is checked against the OpenAPI document. */
  as: (caller: Caller | null) => Call;
}

interface PersonOptions {
  isAdmin?: boolean;
  status?: typeof organizations.$inferSelect.status;
  name?: string;
  creditCode?: string;
  regionCode?: string;
}

let people = 0;

interface MarketOptions {
  /** One of one's own, migrated; else as for all tests. */
  database?: Database;
  logger?: Parts["logger"];
  /** Of the environment, other than those of all tests. */
  settings?: Record<string, string>;
  /** Whether jobs run by themselves; else a test runs them. */
  runJobs?: boolean;
}

/** Opens a market for a test file; it is closed and removed when the file's tests have ended. */
export async function openMarket(t: Test, options: MarketOptions = {}): Promise<Market> {
  const database: Partial<TestDatabase> & Database = options.database ?? (await openTestDatabase());
  const served = database.asService ?? database;
  const dataDir = temporaryFolder("files");
  const keyFile = join(dataDir, "keys.json");
  createKeyFile(keyFile, clock.now());
  const keys = readKeyFile(keyFile);
  rmSync(keyFile);
  const config = readConfig({
    CHECK_REPLIES: "true",
    PUBLIC_URL: "https://market.test",
    DATA_DIR: dataDir,
    // A busy machine must not turn a test's request away.
    MAX_EVENT_LOOP_DELAY: "0",
    // A test file calls more in a minute than anybody should.
    RATE_LIMITS: "off",
    ...options.settings,
  });
  const app = await buildApp(config, {
    database: served,
    keys,
    logger: options.logger,
    runJobs: options.runJobs,
  });
  await app.ready();
  t.teardown(async () => {
    await app.close();
    await database.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const { db } = database;
  const checkReply = replyChecker();

  async function signIn(memberId: string, organizationId: string, email: string): Promise<Caller> {
    const sid = newId();
    await db.insert(sessions).values({ id: sid, memberId, expiresAt: instantIn(3600) });
    const token = app.signAccessToken({ sub: memberId, client_id: "grand-market", scope: "", sid });
    return { token, id: memberId, organizationId, email };
  }

  async function addMember(organizationId: string, isAdmin: boolean): Promise<Caller> {
    const id = newId();
    const email = `person${++people}.${id.slice(-6)}@example.test`;
    await db.insert(members).values({
      id,
      organizationId,
      status: "active",
      name: `测试员${people}`,
      email,
      isAdmin,
      passwordHash,
    });
    return signIn(id, organizationId, email);
  }

  return {
    app,
    database,
    served,
    async person(role, { isAdmin = true, status = "verified", name, creditCode, regionCode } = {}) {
      const id = newId();
      await db.insert(organizations).values({
        id,
        kind: role,
        status,
        name: name ?? `测试机构${id.slice(-6)}`,
        creditCode: creditCode ?? nextCreditCode(),
        legalType: "enterprise",
        regionCode: regionCode ?? "410702",
      });
      return addMember(id, isAdmin);
    },
    colleague: (of, { isAdmin = false } = {}) => addMember(of.organizationId, isAdmin),
    async client(of, scopes) {
      const id = newId();
      await db.insert(apiClients).values({
        id,
        organizationId: of.organizationId,
        name: `client ${id}`,
        scopes,
        secretHash: sha256(newSecret("gms")),
        createdBy: of.id,
      });
      const token = app.signAccessToken({ sub: id, client_id: id, scope: scopes.join(" ") });
      return { token, id, organizationId: of.organizationId, email: "" };
    },
    as: (caller) => async (method, url, options) => {
      const request: InjectOptions = { method, url, headers: { ...options?.headers } };
      if (caller) request.headers = { authorization: `Bearer ${caller.token}`, ...request.headers };
      if (options?.body !== undefined) request.payload = options.body as object;
      const response = await app.inject(request);
      const route = routeOf(app, method, url);
      checkReply(method, route?.url, url, response);
      // Nobody keeps what was made for somebody (RFC 9111 5.2.2.5), whatever it is.
      const kept = response.headers["cache-control"];
      if (request.headers?.authorization && !route?.config.sameForAll && kept !== "no-store") {
        throw new Error(`${method} ${url}: a reply to somebody may be kept (${kept})`);
      }
      const isJson = /^[^;]*(?<!nd)json/.test(String(response.headers["content-type"]));
      const body = isJson && response.payload ? response.json() : null;
      if (response.statusCode >= 400 && typeof body?.code === "string") {
        checkDetail(body, response.headers["content-language"]);
      }
      return {
        status: response.statusCode,
        body,
        headers: response.headers,
        text: response.payload,
      };
    },
  };
}

/** The route that a URL belongs to; undefined for an unknown address or method. */
function routeOf(app: App, method: string, url: string): RegisteredRoute | undefined {
  const path = url.split("?", 1)[0] ?? "/";
  const fits = app.registeredRoutes.filter((r) => r.method === method && r.pattern.test(path));
  // A route without parameters goes first, as in the router.
  return fits.find((r) => !r.url.includes(":")) ?? fits[0];
}

const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
let codes = 0;

/** A credit code with a right check character, another one each time. */
export function nextCreditCode(): string {
  const body = `91410700MA${String(++codes).padStart(7, "0")}`;
  let sum = 0;
  let weight = 1;
  for (const character of body) {
    sum += alphabet.indexOf(character) * weight;
    weight = (weight * 3) % 31;
  }
  return body + alphabet.charAt((31 - (sum % 31)) % 31);
}
