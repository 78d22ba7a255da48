import t from "tap";
import { ConfigError, readConfig } from "../../src/config.ts";

const refused = (environment: Record<string, string>) => {
  try {
    readConfig(environment);
  } catch (error) {
    return error instanceof ConfigError ? error.message : `not a ConfigError: ${error}`;
  }
  return "accepted";
};

t.test("each wrong setting is named, all at once", async (t) => {
  const wrong: Record<string, string> = {
    PORT: "abc",
    PUBLIC_URL: "market",
    DATABASE_POOL_SIZE: "0",
    DEMO: "yes",
    LOG_LEVEL: "loud",
    ACCESS_TOKEN_SECONDS: "901",
    SESSION_DAYS: "-1",
    TRUST_PROXY: "true",
    DRAIN_SECONDS: "x",
    MAX_EVENT_LOOP_DELAY: "1.5",
    CHECK_REPLIES: "1",
    SMTP_URL: "https://mail.example",
    MAIL_FROM: "market@example.test\r\nBcc: x@y.test",
    MAIL_LINK_PAGE: "https://portal.test/#/password",
  };
  const message = refused(wrong);
  for (const name of Object.keys(wrong)) t.match(message, new RegExp(`^  ${name}: `, "m"), name);
  t.match(refused({ DATABASE_URL: "mysql://x/y" }), /DATABASE_URL: /);
  t.match(refused({ DATABASE_URL: "postgres://x/y" }), /SIGNING_KEYS_FILE/);
  t.match(refused({ JOBS: "outside" }), /JOBS=outside needs DATABASE_URL/);
  t.match(refused({ SMTP_URL: "smtp://x" }), /MAIL_FROM is missing/);
});

t.test("an empty variable is an absent one, and defaults are safe", async (t) => {
  const config = readConfig({ PORT: "", HOST: "" });
  t.match(config, { host: "127.0.0.1", port: 3000, publicUrl: "http://127.0.0.1:3000" });
  t.match(config, { trustProxy: false, checkReplies: true, demo: true, drainSeconds: 0 });
  t.equal(config.jobs, "inside");
  t.equal(config.mail, null);
  const worker = readConfig({ DATABASE_URL: "postgres://x/y" }, { signs: false });
  t.equal(worker.databaseUrl, "postgres://x/y", "who signs nothing needs no keys");
  t.equal(readConfig({ NODE_ENV: "production" }).checkReplies, false);
  t.equal(readConfig({ PUBLIC_URL: "https://a.example/" }).publicUrl, "https://a.example");
  t.ok(Object.isFrozen(config));
});

t.test("in production behind https somebody says who speaks it", async (t) => {
  const behind = { NODE_ENV: "production", PUBLIC_URL: "https://a.example" };
  for (const given of [behind, { ...behind, TRUST_PROXY: "" }])
    t.match(refused(given), /TRUST_PROXY/);
  t.equal(readConfig({ ...behind, TRUST_PROXY: "none" }).trustProxy, false, "it was said");
  t.equal(readConfig({ ...behind, TRUST_PROXY: "10.0.0.1" }).trustProxy, "10.0.0.1");
  t.equal(readConfig({ NODE_ENV: "production" }).trustProxy, false);
  t.match(refused({ RATE_LIMITS: "search" }), /RATE_LIMITS/);
});

t.test("proxies are named by address", async (t) => {
  for (const given of ["10.0.0.1", "10.0.0.0/8", "loopback, 10.1.2.3", "fd00::/8"]) {
    t.equal(readConfig({ TRUST_PROXY: given }).trustProxy, given);
  }
  for (const given of ["1", "true", "all", "*"])
    t.match(refused({ TRUST_PROXY: given }), /TRUST_PROXY/);
});
