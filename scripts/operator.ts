/**
 * Makes the first operator organisation of an installation and invites its admin. Prints a
 * one-time token to set the password with; there is no default password.
 * Exit codes: 0 done, 1 refused or failed, 2 called wrongly.
 */
import { parseArgs } from "node:util";
import type { z } from "zod";
import { constraintErrors } from "../db/constraints.ts";
import { readConfig } from "../src/config.ts";
import { connect, type Database } from "../src/database/connect.ts";
import { openEmbedded } from "../src/database/embedded.ts";
import { explainSchema, schemaState } from "../src/database/schema-state.ts";
import { AppError, errorKind, type Fault } from "../src/lib/errors.ts";
import { faultsOf } from "../src/lib/faults.ts";
import { driverError, explainDatabase } from "../src/lib/loggable.ts";
import { InviteInput } from "../src/modules/members/members.schema.ts";
import { OrganizationByOperatorInput } from "../src/modules/organizations/organizations.schema.ts";
import { createFirstOperator, type FirstOperatorInput, OperatorRefusal } from "./first-operator.ts";

const usage = `Usage: DATABASE_URL=postgres://... npm run operator -- OPTIONS
       DATA_DIR=... npm run operator -- OPTIONS      (the embedded database, before npm start)

Makes the first operator organization of an installation and invites its admin.
Run it again with the same credit code and e-mail for a new token while nobody has used the first.

  --organization NAME   its full name, such as "新乡市科学技术局"
  --credit-code CODE    its unified social credit code (18 characters)
  --region CODE         GB/T 2260 code of the region it serves, such as 410700
  --name NAME           the admin's name
  --email E-MAIL        the admin's e-mail, the name to sign in with
  --help                this text
`;

const text = { type: "string" } as const;
const options = {
  organization: text,
  "credit-code": text,
  region: text,
  name: text,
  email: text,
  help: { type: "boolean" },
} as const;

/** Where the fields of the two inputs come from. */
const flags: Record<string, string> = {
  "/organization/name": "--organization",
  "/creditCode": "--credit-code",
  "/regionCode": "--region",
  "/name": "--name",
  "/email": "--email",
};

const describe = (fault: Fault, prefix = ""): string => {
  const pointer = fault.pointer ?? "";
  return `${flags[`${prefix}${pointer}`] ?? flags[pointer] ?? pointer}: ${fault.detail.en}`;
};

/** Called wrongly: told with the usage, exit code 2. */
class UsageError extends Error {}

function parse<S extends z.ZodType>(schema: S, input: unknown, prefix: string): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const lines = faultsOf(parsed.error, "body").map((fault) => describe(fault, prefix));
  throw new UsageError(lines.join("\n"));
}

function readArguments(): FirstOperatorInput | null {
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>["values"];
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  if (values.help) return null;
  const required = ["organization", "credit-code", "region", "name", "email"] as const;
  const missing = required.filter((option) => !values[option]?.trim());
  if (missing.length > 0) {
    throw new UsageError(`Missing: ${missing.map((option) => `--${option}`).join(", ")}`);
  }
  const { organization: name, "credit-code": creditCode, region: regionCode, email } = values;
  return {
    organization: parse(
      OrganizationByOperatorInput,
      { kind: "operator", name, creditCode, regionCode },
      "/organization",
    ),
    admin: parse(InviteInput, { name: values.name, email, isAdmin: true }, ""),
  };
}

/** What went wrong in words. A driver's error holds the statement's values: only its own message is told. */
function explain(error: unknown): string {
  if (error instanceof AppError) {
    const { faults } = error.details;
    const lines = faults?.map((fault) => describe(fault, "/organization")) ?? [];
    return lines.length > 0 ? lines.join("\n") : errorKind(error.code).en;
  }
  const constraint = driverError(error)?.constraint;
  const code = constraint ? constraintErrors[constraint] : undefined;
  return code ? errorKind(code).en : explainDatabase(error);
}

/**
 * The server that DATABASE_URL names, or the embedded database in DATA_DIR. That folder must be said:
 * the default one is where the demo market lives.
 */
async function openDatabase(): Promise<Database> {
  const { DATABASE_URL: url, DATA_DIR: folder } = process.env;
  if (url) return connect({ connectionString: url, max: 1 });
  if (!folder) {
    throw new UsageError(
      "DATABASE_URL is not set: it names the PostgreSQL server. For the embedded database set DATA_DIR.",
    );
  }
  const config = readConfig({ DATA_DIR: folder, UPGRADE_COPY: process.env.UPGRADE_COPY });
  return openEmbedded(config.dataDir, { copy: config.upgradeCopy, tell: console.log });
}

async function run(): Promise<void> {
  const input = readArguments();
  if (!input) {
    console.log(usage);
    return;
  }
  const database = await openDatabase();
  try {
    const state = await schemaState(database.db);
    if (state.kind !== "current") throw new OperatorRefusal(explainSchema(state, false));
    const { token, expiresAt } = await createFirstOperator(database.db, input);
    console.log(`${input.organization.name} operates this market; ${input.admin.name} administers it.

Hand this one-time token to ${input.admin.email}. It works once, until ${expiresAt}:

  ${token}

With it the password is set, then the sign-in is POST /v1/auth/login:

  POST /v1/auth/redeem-link
  {"token": "${token}", "password": "<at least 10 characters>"}
`);
  } finally {
    await database.close();
  }
}

try {
  await run();
} catch (error) {
  const isUsage = error instanceof UsageError;
  console.error(
    isUsage ? `${error.message}\n\n${usage}` : `No operator was made. ${explain(error)}`,
  );
  process.exitCode = isUsage ? 2 : 1;
}
