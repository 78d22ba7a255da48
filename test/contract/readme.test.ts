/** The README, the documents and the container files say what is so. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t from "tap";
import { parse } from "yaml";
import { readConfig, settings } from "../../src/config.ts";
import { buckets } from "../../src/lib/rate-limits.ts";
import { projectRoot } from "../../src/lib/root.ts";

const read = (name: string) => readFileSync(join(projectRoot, name), "utf8");
const pages = [
  ...["README.md", "README.zh-CN.md", "CONTRIBUTING.md"],
  ...readdirSync(join(projectRoot, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

t.test("every quota is in docs/operations.md, as it is", async (t) => {
  for (const [name, { seconds, caller, address, what }] of Object.entries(buckets)) {
    const row = `| \`${name}\` | ${seconds} s | ${caller} | ${address} | ${what} |`;
    t.ok(read("docs/operations.md").includes(row), row);
  }
});

t.test("every setting is in docs/operations.md, and no other", async (t) => {
  const table = read("docs/operations.md").matchAll(/^\| `([A-Z_]+)` \|/gm);
  t.same([...table].map(([, name]) => name).sort(), settings.map(({ name }) => name).sort());
});

t.test("every script that a page names is there", async (t) => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const named = pages.flatMap((page) => [...read(page).matchAll(/npm run ([\w:-]+)/g)]);
  t.ok(named.length > 20);
  for (const name of new Set(named.map(([, name]) => name ?? ""))) t.ok(scripts[name], name);
});

/** As GitHub makes it of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

t.test("every file and heading that a page links to is there", async (t) => {
  let links = 0;
  for (const page of pages) {
    for (const [, path = "", anchor = ""] of read(page).matchAll(
      /\]\(([^)#:\s]*)(?:#([^)]+))?\)/g,
    )) {
      links += 1;
      const target = path ? join(dirname(page), path) : page;
      t.ok(existsSync(join(projectRoot, target)), `${page}: ${target}`);
      if (!anchor) continue;
      const headings = [...read(target).matchAll(/^#+ (.+)$/gm)].map(([, text]) =>
        anchorOf(text ?? ""),
      );
      t.ok(headings.includes(anchor), `${page}: #${anchor} of ${target}`);
    }
  }
  t.ok(links > 30);
});

t.test("every file of the project that a page names is there", async (t) => {
  const named = /`((?:src|db|test|scripts|openapi|docs)\/[\w./-]+?\.(?:ts|js|json|md|sh))`/g;
  let files = 0;
  for (const page of pages) {
    for (const [, path = ""] of read(page).matchAll(named)) {
      files += 1;
      t.ok(existsSync(join(projectRoot, path)), `${page}: ${path}`);
    }
  }
  t.ok(files > 20);
});

interface Service {
  stop_grace_period?: string;
  image?: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
}

t.test("docker-compose.yml brings up PostgreSQL, migrates, then starts the API", async (t) => {
  const { services } = parse(read("docker-compose.yml"), { merge: true }) as {
    services: Record<string, Service>;
  };
  t.same(Object.keys(services), ["database", "keys", "migrate", "api", "worker"]);
  t.equal(services.api?.environment?.JOBS, "outside", "jobs are the worker's");
  t.same(services.worker?.command?.at(-1), "dist/src/worker.js");
  t.same(services.migrate?.command, ["node", "dist/scripts/migrate.js", "--roles"]);
  for (const service of [services.api, services.worker]) {
    t.match(service?.environment?.DATABASE_URL, /^postgres:\/\/market_api:/, "no owner's rights");
  }
  t.equal(services.worker?.depends_on?.migrate?.condition, "service_completed_successfully");
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
    const images = lines.flatMap((line) => /^FROM node:(\d+)-/.exec(line)?.[1] ?? []);
    t.equal(images.length, 2);
    for (const version of images) {
      t.match(read(".ci/run"), `npm run on-node -- ${version}\n`, "CI tries that version of Node");
    }
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
