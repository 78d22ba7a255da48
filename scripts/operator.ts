/**
 * Makes the first operator organization of an installation and invites its admin. Prints a
 * one-time token to set the password with; there is no default password.
 * Exit codes: 0 done, 1 refused or failed, 2 called wrongly.
 */
import type { z } from "zod";
import { readConfig } from "../src/config.ts";
import { connect, type Database } from "../src/database/connect.ts";
import { openEmbedded } from "../src/database/embedded.ts";
import { explainSchema, schemaState } from "../src/database/schema-state.ts";
import { AppError, type Fault } from "../src/lib/errors.ts";
import { faultsOf } from "../src/lib/faults.ts";
import { driverError, explainDatabase } from "../src/lib/loggable.ts";
import { InviteInput } from "../src/modules/members/members.schema.ts";
import { OrganizationByOperatorInput } from "../src/modules/organizations/organizations.schema.ts";
import { constraintErrors, errorKind, sentenceOf } from "../src/words.ts";
import { createFirstOperator, type FirstOperatorInput, OperatorRefusal } from "./first-operator.ts";
import { type Description, readOptions, refuseCall } from "./options.ts";

const description = {
  name: "operator",
  does: `Makes the first operator organization of an installation and invites its admin: prints a one-time
token to set the password with. Run it again with the same credit code and e-mail for a new token while
nobody has used the first. On the embedded database it is run before npm start.`,
  options: {
    organization: { value: "NAME", what: 'its full name, such as "新乡市科学技术局"' },
    "credit-code": { value: "CODE", what: "its unified social credit code, 18 characters" },
    region: { value: "CODE", what: "GB/T 2260 code of the region it serves, such as 410700" },
    name: { value: "NAME", what: "the admin's name" },
    email: { value: "E-MAIL", what: "the admin's e-mail, the name to sign in with" },
  },
  environment: {
    DATABASE_URL: "the PostgreSQL server, already migrated",
    DATA_DIR: "without DATABASE_URL: the folder of the embedded database",
    UPGRADE_COPY: "whether the embedded database's files are copied before an upgrade, true",
  },
  exits: "0 done, 1 refused or failed",
} satisfies Description;
const { options } = readOptions(description);

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
  return `${flags[`${prefix}${pointer}`] ?? flags[pointer] ?? pointer}: ${sentenceOf(fault).en}`;
};

function parse<S extends z.ZodType>(schema: S, input: unknown, prefix: string): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const lines = faultsOf(parsed.error, "body").faults.map((fault) => describe(fault, prefix));
  refuseCall(description, lines.join("\n"));
}

function readInput(): FirstOperatorInput {
  const required = ["organization", "credit-code", "region", "name", "email"] as const;
  const missing = required.filter((option) => !options[option]?.trim());
  if (missing.length > 0) {
    refuseCall(description, `Missing: ${missing.map((option) => `--${option}`).join(", ")}.`);
  }
  const { organization: name, "credit-code": creditCode, region: regionCode, email } = options;
  return {
    organization: parse(
      OrganizationByOperatorInput,
      { kind: "operator", name, creditCode, regionCode },
      "/organization",
    ),
    admin: parse(InviteInput, { name: options.name, email, isAdmin: true }, ""),
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
  const code = constraint ? constraintErrors.get(constraint) : undefined;
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
    refuseCall(
      description,
      "DATABASE_URL is not set: it names the PostgreSQL server. For the embedded database set DATA_DIR.",
    );
  }
  const config = readConfig({ DATA_DIR: folder, UPGRADE_COPY: process.env.UPGRADE_COPY });
  return openEmbedded(config.dataDir, { copy: config.upgradeCopy, tell: console.log });
}

async function run(): Promise<void> {
  const input = readInput();
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
  console.error(`No operator was made. ${explain(error)}`);
  process.exitCode = 1;
}
