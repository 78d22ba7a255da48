/** The environment, read once. No other file reads `process.env`. */
import { isIP } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { organizationKinds } from "../db/schema/organizations.ts";
import type { Role } from "./lib/access.ts";
import { type Quotas, readQuotas } from "./lib/rate-limits.ts";
import { projectRoot } from "./lib/root.ts";
import type { Site } from "./modules/second-factors/passkeys.ts";
import { scannerAddress } from "./storage/scanner.ts";

const wholeNumber = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
/** An address, a range, or a name that stands for ranges. */
const proxyShape = /^(?:none|loopback|linklocal|uniquelocal|[\da-fA-F]*[.:][\da-fA-F.:/]*)$/;

const flag = z.enum(["true", "false"]).transform((text) => text === "true");

const Environment = z.object({
  HOST: z.string().min(1).default("127.0.0.1").describe("Address to listen on."),
  PORT: wholeNumber(0, 65535).default(3000).describe("Port to listen on; 0 takes a free one."),
  METRICS_PORT: wholeNumber(0, 65535)
    .optional()
    .describe("Port on which alone /metrics is served, for networks that PORT is not open to."),
  METRICS_HOST: z
    .string()
    .min(1)
    .optional()
    .describe("Address to listen on for METRICS_PORT. Default: HOST."),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ""))
    .optional()
    .describe(
      "The address that clients use; issuer and audience of tokens. Default: http://HOST:PORT.",
    ),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe("A PostgreSQL server, 15 or later. Without it the embedded database runs."),
  DATABASE_POOL_SIZE: wholeNumber(1, 200)
    .default(10)
    .describe("Connections to the PostgreSQL server."),
  JOBS: z
    .enum(["inside", "outside"])
    .default("inside")
    .describe(
      "Whether a server runs the jobs itself, or leaves them to `npm run worker` on the same PostgreSQL server.",
    ),
  DATABASE_WAIT_SECONDS: wholeNumber(0, 3600)
    .default(60)
    .describe("Seconds for which a start waits for a database that is away."),
  DATABASE_LOCK_TIMEOUT: wholeNumber(1, 15_000)
    .default(2_000)
    .describe("Milliseconds that a statement waits for a lock; then the request gets 503."),
  DATA_DIR: z
    .string()
    .min(1)
    .default(join(projectRoot, ".data"))
    .describe(
      "Folder of attachments, which several processes must share, of the embedded database and of its signing keys.",
    ),
  UPGRADE_COPY: flag
    .default(true)
    .describe("Whether the embedded database's files are copied before an upgrade."),
  MAX_UPLOAD_MEGABYTES: wholeNumber(1, 1024)
    .default(50)
    .describe("Largest file that can be attached."),
  CLAMAV_HOST: z
    .string()
    .regex(scannerAddress, "must be `host:port` or the path of a socket")
    .optional()
    .describe("A clamd that scans each file before it is kept: `host:port`, or its socket's path."),
  MIN_FREE_MEGABYTES: wholeNumber(0, 1_048_576)
    .default(512)
    .describe("Free space of data and attachments below which /readyz says `degraded`."),
  SIGNING_KEYS_FILE: z
    .string()
    .min(1)
    .optional()
    .describe("File of the token signing keys (`npm run keys`). Needed with DATABASE_URL."),
  AUDIT_HEAD_FILE: z
    .string()
    .min(1)
    .optional()
    .describe("File to which the signed heads of the log are appended, outside the database."),
  AUDIT_HEAD_MINUTES: wholeNumber(1, 1440)
    .default(60)
    .describe("Minutes between two signed heads of the log."),
  EVENT_DAYS: wholeNumber(30, 3650)
    .default(90)
    .describe("Days for which the event feed keeps an event."),
  DEMO: flag
    .default(true)
    .describe("Whether an empty embedded database gets the demo market and its accounts."),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
    .default("info")
    .describe("Least severe log lines that are written."),
  ACCESS_TOKEN_SECONDS: wholeNumber(60, 900).default(900).describe("Life of an access token."),
  SESSION_DAYS: wholeNumber(1, 90)
    .default(30)
    .describe("Life of a sign-in, however often refreshed."),
  SESSION_IDLE_DAYS: wholeNumber(1, 90)
    .default(14)
    .describe("Days after which a sign-in ends that was not refreshed."),
  TRUST_PROXY: z
    .string()
    .refine(
      (text) => text.split(",").every((part) => proxyShape.test(part.trim())),
      "must be addresses or CIDR ranges of proxies, comma-separated, or `none`",
    )
    .optional()
    .describe(
      "Addresses or CIDR ranges of the proxies whose X-Forwarded-For is believed, comma-separated, or `none`. In production with an https PUBLIC_URL it must be said.",
    ),
  SECURITY_CONTACT: z
    .url({ protocol: /^(https|mailto)$/, normalize: true })
    .optional()
    .describe(
      "Where to report a security hole: `mailto:` or https, for `/.well-known/security.txt`, which is a 404 without.",
    ),
  RATE_LIMITS: z
    .string()
    .default("")
    .transform((text, context) => {
      const quotas = readQuotas(text);
      if (quotas !== undefined) return quotas;
      context.addIssue("must be `off`, or quotas as `search=600/150`");
      return z.NEVER;
    })
    .describe(
      "Requests of a kind that a caller may make, and an address where nobody is signed in, comma-separated: `search=600/150`; `off` for none. The others stay as docs/operations.md lists them.",
    ),
  MAX_DRAFTS: wholeNumber(1, 1_000_000)
    .default(2_000)
    .describe("Drafts of results and of needs that a verified organization has at most, of each."),
  MAX_DRAFTS_UNVERIFIED: wholeNumber(1, 1_000_000)
    .default(20)
    .describe("The same of an organization that is not verified yet."),
  MAX_ORGANIZATION_MEGABYTES: wholeNumber(1, 10_000_000)
    .default(5_120)
    .describe("Megabytes of files that an organization has at most."),
  SECOND_FACTOR_ROLES: z
    .string()
    .default("")
    .transform((text) =>
      text
        .split(",")
        .map((part) => part.trim())
        .filter(Boolean),
    )
    .pipe(z.array(z.enum(organizationKinds)))
    .describe(
      "Roles whose people need a second factor, comma-separated: `operator,registry`. Without one they can only set it up.",
    ),
  RESET_BAR_HOURS: wholeNumber(0, 24 * 30)
    .default(72)
    .describe(
      "Hours for which an account whose password somebody else has reset neither reviews nor confirms; 0 turns this off.",
    ),
  PASSKEY_ORIGIN: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      "Scheme, host and port of the page on which people sign in: passkeys belong to it. Default: that of PUBLIC_URL.",
    ),
  SMTP_URL: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .describe(
      "Mail server that mail goes out by: `smtp://user:password@host:587`. Without it nobody is written to.",
    ),
  MAIL_FROM: z
    .string()
    .max(200)
    .regex(
      /^(?:[^<>"@\p{Cc}]*<[^\s<>"@\p{Cc}]+@[^\s<>"@\p{Cc}]+>|[^\s<>"@\p{Cc}]+@[^\s<>"@\p{Cc}]+)$/u,
      "must be an address, as `market@example.gov.cn` or `Grand Market <market@example.gov.cn>`",
    )
    .optional()
    .describe("Sender of mail. Needed with SMTP_URL."),
  MAIL_LINK_PAGE: z
    .url({ protocol: /^https?$/ })
    .refine((url) => !url.includes("#"), "must have no fragment: the token becomes it")
    .optional()
    .describe(
      "Page on which people set a password: mailed links lead there, with `#token=`. Without it a mail holds the token and says where to send it.",
    ),
  DRAIN_SECONDS: wholeNumber(0, 60)
    .optional()
    .describe("Seconds between /readyz turning 503 and the socket closing: 5 with DATABASE_URL."),
  STOP_SECONDS: wholeNumber(1, 600)
    .default(20)
    .describe("Seconds that running requests get to finish once the socket is closed."),
  REQUEST_SECONDS: wholeNumber(1, 600)
    .default(30)
    .describe("Seconds in which a request must have arrived, but for uploads; then 408."),
  HANDLER_SECONDS: wholeNumber(1, 600)
    .default(25)
    .describe("Seconds in which the reply to a request that has arrived must begin; then 503."),
  UPLOAD_SECONDS: wholeNumber(1, 7200)
    .default(900)
    .describe("Seconds in which the upload or the download of a file must be done."),
  REPLY_SECONDS: wholeNumber(1, 600)
    .default(30)
    .describe("Seconds after which a reply that nobody reads ends the connection."),
  MAX_EVENT_LOOP_DELAY: wholeNumber(0, 60_000)
    .default(1_000)
    .describe("Milliseconds of event loop delay from which requests get 503; 0 turns this off."),
  MAX_HEAP_MEGABYTES: wholeNumber(0, 65_536)
    .default(1_024)
    .describe("Megabytes of heap from which requests get 503; 0 turns this off."),
  CHECK_REPLIES: flag
    .optional()
    .describe(
      "Parse every reply with its schema (development and tests). Default: not in production.",
    ),
  NODE_ENV: z.string().optional().describe("`production` turns development checks off."),
});

export interface Config {
  host: string;
  port: number;
  /** Where metrics are served apart from everything else; port null: with everything else. */
  metrics: { host: string; port: number | null };
  publicUrl: string;
  databaseUrl: string | null;
  databasePoolSize: number;
  jobs: "inside" | "outside";
  databaseWaitSeconds: number;
  /** In milliseconds. */
  databaseLockTimeout: number;
  dataDir: string;
  upgradeCopy: boolean;
  maxUploadMegabytes: number;
  /** Where clamd listens; null: files are not scanned. */
  scanner: string | null;
  minFreeMegabytes: number;
  signingKeysFile: string;
  auditHeadFile: string | null;
  auditHeadMinutes: number;
  eventDays: number;
  demo: boolean;
  logLevel: z.output<typeof Environment>["LOG_LEVEL"];
  accessTokenSeconds: number;
  sessionDays: number;
  sessionIdleDays: number;
  /** A mailto: or https: address. */
  securityContact: string | null;
  /** Null where requests are not counted. */
  quotas: Quotas | null;
  /** Drafts of each noun that an organization has at most, before and after it was verified. */
  maxDrafts: { verified: number; unverified: number };
  maxOrganizationMegabytes: number;
  secondFactorRoles: readonly Role[];
  resetBarHours: number;
  /** Where passkeys are made and proved. */
  site: Site;
  /** Null: nobody is written to. */
  mail: { url: string; from: string; linkPage: string | null } | null;
  /** Addresses, not a number of hops: a client could make up hops, but not where it calls from. */
  trustProxy: false | string;
  drainSeconds: number;
  stopSeconds: number;
  requestSeconds: number;
  handlerSeconds: number;
  uploadSeconds: number;
  replySeconds: number;
  maxEventLoopDelay: number;
  maxHeapMegabytes: number;
  checkReplies: boolean;
}

/** Every setting with its meaning, for the table in docs/operations.md. */
export const settings = Object.entries(Environment.shape).map(([name, schema]) => ({
  name,
  description: schema.description ?? "",
}));

/** A setting is wrong: the message names the variable and says what is expected. */
export class ConfigError extends Error {}

/**
 * The environment as a frozen Config.
 * @param signs whether the process signs tokens, for which it needs the keys
 * @throws ConfigError naming every variable that is wrong
 */
export function readConfig(
  environment: Record<string, string | undefined>,
  { signs = true } = {},
): Readonly<Config> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((i) => `  ${i.path.join(".")}: ${i.message}`);
    throw new ConfigError(`These environment variables are wrong:\n${lines.join("\n")}`);
  }
  const env = parsed.data;
  if (env.JOBS === "outside" && !env.DATABASE_URL) {
    throw new ConfigError(
      "JOBS=outside needs DATABASE_URL: the embedded database belongs to one process, which runs the jobs itself.",
    );
  }
  if (signs && env.DATABASE_URL && !env.SIGNING_KEYS_FILE) {
    throw new ConfigError(
      "SIGNING_KEYS_FILE is missing: with DATABASE_URL, tokens are signed with keys that all processes share. Make the file with `npm run keys -- create FILE`.",
    );
  }
  if (env.NODE_ENV === "production" && env.PUBLIC_URL?.startsWith("https:") && !env.TRUST_PROXY) {
    throw new ConfigError(
      "TRUST_PROXY is missing: something before this process speaks https, so all clients would seem to come from its address, and share one quota. Name its address, or say `none`.",
    );
  }
  if (env.SMTP_URL && !env.MAIL_FROM) {
    throw new ConfigError("MAIL_FROM is missing: with SMTP_URL, mail needs a sender.");
  }
  const publicUrl =
    env.PUBLIC_URL ?? `http://${isIP(env.HOST) === 6 ? `[${env.HOST}]` : env.HOST}:${env.PORT}`;
  return Object.freeze({
    host: env.HOST,
    port: env.PORT,
    metrics: { host: env.METRICS_HOST ?? env.HOST, port: env.METRICS_PORT ?? null },
    publicUrl,
    databaseUrl: env.DATABASE_URL ?? null,
    databasePoolSize: env.DATABASE_POOL_SIZE,
    jobs: env.JOBS,
    databaseWaitSeconds: env.DATABASE_WAIT_SECONDS,
    databaseLockTimeout: env.DATABASE_LOCK_TIMEOUT,
    dataDir: env.DATA_DIR,
    upgradeCopy: env.UPGRADE_COPY,
    maxUploadMegabytes: env.MAX_UPLOAD_MEGABYTES,
    scanner: env.CLAMAV_HOST ?? null,
    minFreeMegabytes: env.MIN_FREE_MEGABYTES,
    signingKeysFile: env.SIGNING_KEYS_FILE ?? join(env.DATA_DIR, "signing-keys.json"),
    auditHeadFile: env.AUDIT_HEAD_FILE ?? null,
    auditHeadMinutes: env.AUDIT_HEAD_MINUTES,
    eventDays: env.EVENT_DAYS,
    demo: env.DEMO && !env.DATABASE_URL,
    logLevel: env.LOG_LEVEL,
    accessTokenSeconds: env.ACCESS_TOKEN_SECONDS,
    sessionDays: env.SESSION_DAYS,
    sessionIdleDays: env.SESSION_IDLE_DAYS,
    securityContact: env.SECURITY_CONTACT ?? null,
    quotas: env.RATE_LIMITS,
    maxDrafts: { verified: env.MAX_DRAFTS, unverified: env.MAX_DRAFTS_UNVERIFIED },
    maxOrganizationMegabytes: env.MAX_ORGANIZATION_MEGABYTES,
    trustProxy: !env.TRUST_PROXY || env.TRUST_PROXY === "none" ? false : env.TRUST_PROXY,
    secondFactorRoles: env.SECOND_FACTOR_ROLES,
    resetBarHours: env.RESET_BAR_HOURS,
    site: { name: "Grand Market", origin: new URL(env.PASSKEY_ORIGIN ?? publicUrl).origin },
    mail:
      env.SMTP_URL && env.MAIL_FROM
        ? { url: env.SMTP_URL, from: env.MAIL_FROM, linkPage: env.MAIL_LINK_PAGE ?? null }
        : null,
    // A market on one machine has no balancer to tell.
    drainSeconds: env.DRAIN_SECONDS ?? (env.DATABASE_URL ? 5 : 0),
    stopSeconds: env.STOP_SECONDS,
    requestSeconds: env.REQUEST_SECONDS,
    handlerSeconds: env.HANDLER_SECONDS,
    uploadSeconds: env.UPLOAD_SECONDS,
    replySeconds: env.REPLY_SECONDS,
    maxEventLoopDelay: env.MAX_EVENT_LOOP_DELAY,
    maxHeapMegabytes: env.MAX_HEAP_MEGABYTES,
    checkReplies: env.CHECK_REPLIES ?? env.NODE_ENV !== "production",
  });
}
