/** The trial's own words: how it is called, and that the document says what was measured. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { name, type Report, toMarkdown } from "../../scripts/chaos/report.ts";
import { figuresIn, withFigures } from "../../scripts/figures.ts";
import { tryScript } from "../../scripts/tour/process.ts";
import { projectRoot } from "../../src/lib/root.ts";

const docs = join(projectRoot, "docs");
const document = readFileSync(join(docs, "reliability.md"), "utf8");

const figures = {
  name: "kill",
  what: "one process after the other is killed",
  acknowledged: 12,
  lost: 0,
  doubled: 0,
  codes: { "201": 12, cut: 1 },
  recovery: 0.4,
  died: 0,
  readyz: 20,
  reads: 30,
  notes: ["2 kills"],
  faults: [],
};
const report: Report = {
  commit: "abc",
  node: "20.20.2",
  postgres: "15.20",
  seconds: 10,
  cases: [figures],
  skipped: ["full-files: this user may not mount a small disk"],
};

t.test("the figures stand in their place, and are exchanged", async (t) => {
  const text = toMarkdown(report);
  const written = withFigures(document, name, text);
  t.match(written, "| `kill`: one process after the other is killed | 12 | 0 | 0 |");
  t.match(written, "Not tried: full-files");
  t.equal(withFigures(written, name, text), written, "once only");
  t.throws(() => withFigures("nothing", name, text));
});

t.test("docs/reliability.md says what docs/chaos.json says", async (t) => {
  const file = join(docs, "chaos.json");
  const stated = figuresIn(document, name);
  if (!existsSync(file)) return t.equal(stated, "", "figures come from a run");
  const measured = JSON.parse(readFileSync(file, "utf8")) as Report;
  t.equal(stated, toMarkdown(measured).trim());
});

t.test("called wrongly it says how it is called", async (t) => {
  const { TEST_DATABASE_URL: _, DATABASE_URL: __, ...env } = process.env;
  const calls: [string[], RegExp][] = [
    [["--only", "kill,nothing"], /there is no case nothing[\s\S]*Usage:/],
    [["--seconds", "0"], /--seconds: a number[\s\S]*Usage:/],
    [["--fast"], /--fast[\s\S]*Usage:/],
  ];
  for (const [options, message] of calls) {
    t.match(await tryScript("chaos/chaos.ts", options, env), { code: 2, printed: message });
  }
  const listed = await tryScript("chaos/chaos.ts", ["--list"], env);
  t.match(listed, { code: 0, printed: /^terminate +sessions[\s\S]*^namespaces/m });
});
