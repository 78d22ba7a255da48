import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { eq, sql } from "drizzle-orm";
import t from "tap";
import { auditRecords } from "../../db/schema/audit.ts";
import { members } from "../../db/schema/members.ts";
import { organizations } from "../../db/schema/organizations.ts";
import { oneTimeLinks } from "../../db/schema/sessions.ts";
import { createFirstOperator, type FirstOperatorInput } from "../../scripts/first-operator.ts";
import { argumentsFor } from "../../scripts/program.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { InviteInput } from "../../src/modules/members/members.schema.ts";
import { OrganizationByOperatorInput } from "../../src/modules/organizations/organizations.schema.ts";
import { openTestDatabase } from "../support/database.ts";
import { openMarket } from "../support/market.ts";

const operator = {
  organization: "新乡市科学技术局",
  "credit-code": "11410700MB0T000585",
  region: "410700",
  name: "张三",
  email: "ops@example.gov.cn",
};

function inputOf(changes: Partial<typeof operator> = {}): FirstOperatorInput {
  const given = { ...operator, ...changes };
  return {
    organization: OrganizationByOperatorInput.parse({
      kind: "operator",
      name: given.organization,
      creditCode: given["credit-code"],
      regionCode: given.region,
    }),
    admin: InviteInput.parse({ name: given.name, email: given.email }),
  };
}

t.test("createFirstOperator", async (t) => {
  const market = await openMarket(t);
  const { db } = market.database;
  const redeem = (token: string) =>
    market.as(null)("POST", "/v1/auth/redeem-link", {
      body: { token, password: "a long pass phrase" },
    });

  t.test("a wrong code is refused and nothing is written", async (t) => {
    const wrong = [{ "credit-code": "11410700MB0T000586" }, { region: "999999" }];
    for (const changes of wrong) {
      await t.rejects(createFirstOperator(db, inputOf(changes)), { code: "request.invalid" });
    }
    t.equal(await db.$count(organizations), 0);
    t.equal(await db.$count(members), 0);
  });

  t.test("two runs at once make one operator", async (t) => {
    const tokens = await Promise.all([
      createFirstOperator(db, inputOf()),
      createFirstOperator(db, inputOf()),
    ]);
    t.equal(await db.$count(organizations), 1);
    t.equal(await db.$count(members), 1);
    t.equal(await db.$count(oneTimeLinks, sql`used_at is null`), 1, "one of the tokens works");
    t.not(tokens[0].token, tokens[1].token);
    const [organization] = await db.select().from(organizations);
    t.match(organization, {
      kind: "operator",
      status: "verified",
      name: operator.organization,
      creditCode: operator["credit-code"],
      legalType: "government_agency",
    });
    const [member] = await db.select().from(members);
    t.match(member, {
      status: "invited",
      isAdmin: true,
      passwordHash: null,
      email: operator.email,
    });
    const audit = await db.select().from(auditRecords);
    t.same(new Set(audit.map(({ actorKind }) => actorKind)), new Set(["system"]));
    t.same(audit.map(({ type }) => type).sort(), [
      "member.invite",
      "member.issue_link",
      "organization.create",
    ]);
  });

  t.test("a second operator is refused while the first one waits", async (t) => {
    const other = inputOf({ "credit-code": "11410700MB0T21019T", email: "other@example.gov.cn" });
    await t.rejects(createFirstOperator(db, other), { message: /give its credit code/ });
    t.equal(await db.$count(organizations), 1);
  });

  t.test("another admin of the same operator may be invited instead", async (t) => {
    await market.person("enterprise");
    const [taken] = await db.select().from(members).where(eq(members.status, "active"));
    const stranger = createFirstOperator(db, inputOf({ email: taken?.email ?? "" }));
    await t.rejects(stranger, { message: /has an account already/ });
    const { token } = await createFirstOperator(db, inputOf({ email: "second@example.gov.cn" }));
    t.match(token, /^gml_/);
    t.equal(await db.$count(organizations, eq(organizations.kind, "operator")), 1);
  });

  t.test("the token sets the password, once, and the admin operates the market", async (t) => {
    const { token, expiresAt } = await createFirstOperator(db, inputOf());
    t.ok(expiresAt > new Date().toISOString());
    t.equal((await redeem(token)).status, 200);
    t.equal((await redeem(token)).status, 400, "used up");
    const login = await market.as(null)("POST", "/v1/auth/login", {
      body: { email: operator.email, password: "a long pass phrase" },
    });
    t.equal(login.status, 200);
    const caller = { token: login.body.accessToken, id: "", organizationId: "", email: "" };
    const me = await market.as(caller)("GET", "/v1/me");
    t.match(me.body, { member: { isAdmin: true }, organization: { kind: "operator" } });
    const all = await market.as(caller)("GET", "/v1/organizations?status=verified&kind=operator");
    t.equal(all.body.data.length, 1);
  });

  t.test("from then on it refuses", async (t) => {
    const before = await db.$count(auditRecords);
    for (const email of [operator.email, "x@example.gov.cn"]) {
      const again = createFirstOperator(db, inputOf({ email }));
      await t.rejects(again, { message: /operates this market already/ });
    }
    t.equal(await db.$count(auditRecords), before);
  });
});

const serverUrl = process.env.TEST_DATABASE_URL;

/** Runs the script with this much of an environment of its own. */
function runScript(options: Record<string, string>, environment: NodeJS.ProcessEnv) {
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const { DATABASE_URL: _, DATA_DIR: __, ...inherited } = process.env;
  const script = spawn(process.execPath, [...argumentsFor("scripts/operator.ts"), ...flags], {
    cwd: projectRoot,
    env: { ...inherited, ...environment },
  });
  return new Promise<{ code: number | null; out: string; error: string }>((resolve) => {
    let [out, error] = ["", ""];
    script.stdout.on("data", (text) => {
      out += text;
    });
    script.stderr.on("data", (text) => {
      error += text;
    });
    script.on("close", (code) => resolve({ code, out, error }));
  });
}

t.test("npm run operator, on the embedded database", async (t) => {
  const folder = temporaryFolder("operator");
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));

  const nowhere = await runScript(operator, {});
  t.match(nowhere, { code: 2, error: /DATABASE_URL is not set[\s\S]*DATA_DIR/ });

  const { code, out, error } = await runScript(operator, { DATA_DIR: folder });
  t.equal(code, 0, error);
  t.match(out, /gml_[\w-]{43}/);
  const database = await openEmbedded(folder);
  t.teardown(() => database.close());
  t.equal(await database.db.$count(members, eq(members.email, operator.email)), 1);

  const busy = await runScript(operator, { DATA_DIR: folder });
  t.match(busy, { code: 1, error: /in use by process/ }, "while a market runs on the folder");
});

t.test("npm run operator", { skip: serverUrl ? false : "needs TEST_DATABASE_URL" }, async (t) => {
  const database = await openTestDatabase();
  t.teardown(() => database.close());
  const named = await database.pool.query<{ name: string }>("select current_database() as name");
  const url = new URL(serverUrl ?? "");
  url.pathname = `/${named.rows[0]?.name}`;

  const run = (options: Record<string, string>, databaseUrl = url.href) =>
    runScript(options, { DATABASE_URL: databaseUrl });

  t.test("called wrongly it explains itself, exit code 2", async (t) => {
    const { email: _, ...withoutEmail } = operator;
    const [missing, faulty] = await Promise.all([
      run(withoutEmail),
      run({ ...operator, email: "nobody" }),
    ]);
    t.match(missing, { code: 2, error: /Missing: --email[\s\S]*Usage:/ });
    t.match(faulty, { code: 2, error: /--email: [\s\S]*Usage:/ });
  });

  t.test("refusals name what to mend, exit code 1", async (t) => {
    const unmigrated = new URL(serverUrl ?? "");
    unmigrated.pathname = "/template1";
    const [code, bare] = await Promise.all([
      run({ ...operator, "credit-code": "11410700MB0T000586" }),
      run(operator, unmigrated.href),
    ]);
    t.match(code, { code: 1, error: /--credit-code: .*check digit/ });
    t.match(bare, { code: 1, error: /npm run db:migrate/ });
    t.equal(await database.db.$count(organizations), 0);
  });

  t.test("it prints the token and no password", async (t) => {
    const { code, out, error } = await run(operator);
    t.equal(code, 0, error);
    t.match(out, /gml_[\w-]{43}/);
    t.match(out, "/v1/auth/redeem-link");
    t.equal(await database.db.$count(members, eq(members.email, operator.email)), 1);
  });
});
