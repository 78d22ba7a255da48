/** docs/security.md names tests as evidence: each is there, and says what it said when it was named. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { projectRoot } from "../../src/lib/root.ts";

const read = (name: string) => readFileSync(join(projectRoot, name), "utf8");
const page = read("docs/security.md");

/** Titles of a test file as they are written there, also what stands in a template after a name that varies. */
function titlesOf(file: string): Set<string> {
  const written = read(file).matchAll(/\bt\.test\(\s*(?:"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g);
  const titles = new Set<string>();
  for (const [, plain, template = ""] of written) {
    if (plain !== undefined) titles.add(JSON.parse(`"${plain}"`));
    else titles.add(template.replace(/^\$\{[^}]*\}[^$]*?: /, ""));
  }
  return titles;
}

/** A file in code, then its titles in quotation marks: each belongs to the file before it. */
function namedIn(line: string): { file: string; title: string | null }[] {
  let file = "";
  return [...line.matchAll(/`(test\/[^`]+\.test\.ts)`|"([^"]+)"/g)].map(([, path, title]) => {
    if (path) file = path;
    return { file, title: title ?? null };
  });
}

t.test("every test that docs/security.md names is there", async (t) => {
  const titles = new Map<string, Set<string>>();
  let named = 0;
  for (const [index, line] of page.split("\n").entries()) {
    for (const { file, title } of namedIn(line)) {
      const where = `line ${index + 1}: ${file}`;
      if (!t.ok(file, `${where}: a title stands behind its file: ${title}`)) continue;
      const known = titles.get(file) ?? titlesOf(file);
      titles.set(file, known);
      if (title === null) continue;
      named += 1;
      t.ok(known.has(title), `${where}: ${title}`);
    }
  }
  t.ok(named > 100, "it names many");
});

t.test("each row of its checklists says whether it is met, and by what", async (t) => {
  const rows = [...page.matchAll(/^\| (\d+\.\d+\.\d+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$/gm)];
  t.ok(rows.length > 50);
  t.same(rows.length, page.match(/^\| \d+\.\d+\.\d+ /gm)?.length, "every row has four cells");
  for (const [, number = "", state = "", evidence = ""] of rows) {
    t.match(state, /^(met|of the proxy|not met|not applicable)$/, number);
    if (state === "met") t.match(evidence, /`(?:test|src)\/[^`]+`/, `${number} names a file`);
  }
});

t.test(
  "nothing calls an address that a caller named: the program calls no web at all",
  async (t) => {
    const files = readdirSync(join(projectRoot, "src"), { recursive: true, encoding: "utf8" });
    const calling = files.filter(
      (name) =>
        /\.(ts|js)$/.test(name) &&
        /\bfetch\(|\bhttps?\.(?:request|get)\(|from "(?:undici|node:https)"/.test(
          read(`src/${name}`),
        ),
    );
    t.same(calling, []);
  },
);
