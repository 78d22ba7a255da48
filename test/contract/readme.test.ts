/** The README and the container files say what is so. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parse } from "yaml";
import { readConfig, settings } from "../../src/config.ts";
import { projectRoot } from "../../src/lib/root.ts";

const read = (name: string) => readFileSync(join(projectRoot, name), "utf8");
const readme = read("README.md");

t.test("every setting is in the README, and no other", async (t) => {
  const listed = [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
  t.same(listed.sort(), settings.map(({ name }) => name).sort());
});

t.test("every script that the README names is there", async (t) => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const named = [...(readme + read("README.zh-CN.md")).matchAll(/npm run ([\w:-]+)/g)].map(
    ([, n]) => n ?? "",
  );
  t.ok(named.length > 5);
  for (const name of new Set(named)) t.ok(scripts[name], name);
});

t.test("every file that the README links to is there", async (t) => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path ?? "");
  t.ok(links.length > 2);
  for (const path of links) t.ok(existsSync(join(projectRoot, path)), path);
});

interface Service {
  stop_grace_period?: string;
  image?: string;
  build?: string;
  environment?: Record<string, string>;
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
}

t.test("docker-compose.yml brings up PostgreSQL, migrates, then starts the API", async (t) => {
  const { services } = parse(read("docker-compose.yml"), { merge: true }) as {
    services: Record<string, Service>;
  };
  t.same(Object.keys(services), ["database", "keys", "migrate", "api"]);
  t.ok(services.database?.healthcheck?.test);
  t.equal(services.migrate?.depends_on?.database?.condition, "service_healthy");
  t.equal(services.api?.depends_on?.migrate?.condition, "service_completed_successfully");
  const known = new Set(settings.map(({ name }) => name));
  for (const name of Object.keys(services.api?.environment ?? {})) t.ok(known.has(name), name);
  t.ok(services.api?.environment?.DATABASE_URL, "the merged environment holds DATABASE_URL");
  const { drainSeconds, stopSeconds } = readConfig({
    DATABASE_URL: "postgres://x/x",
    SIGNING_KEYS_FILE: "x",
  });
  const grace = Number(/^(\d+)s$/.exec(services.api?.stop_grace_period ?? "")?.[1]);
  t.ok(grace >= drainSeconds + stopSeconds + 10, "it may end by itself before it is killed");
});

t.test(
  "the Dockerfile builds in stages, runs as nobody special and checks its health",
  async (t) => {
    const lines = read("Dockerfile").split("\n");
    t.equal(lines.filter((line) => line.startsWith("FROM ")).length, 2);
    t.ok(lines.includes("USER node"));
    t.ok(lines.some((line) => line.startsWith("HEALTHCHECK ")));
    const copied = lines
      .filter((line) => line.startsWith("COPY ") && !line.includes("--from"))
      .flatMap((line) => line.split(" ").slice(1, -1));
    const allowed = read(".dockerignore").split("\n");
    for (const path of copied) {
      t.ok(existsSync(join(projectRoot, path)), path);
      t.ok(allowed.includes(`!${path.split("/")[0]}`), `${path} is not ignored`);
    }
  },
);
