/** A feature owns its words: each is said once, by the feature that it is about, and none is forgotten. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import type { z } from "zod";
import { runnable } from "../../scripts/program.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { type FeatureWords, gather } from "../../src/lib/words.ts";
import {
  constraintErrors,
  errorCatalogue,
  faultCodes,
  scopes,
  sentenceOf,
  tags,
} from "../../src/words.ts";

const modules = join(projectRoot, "src/modules");
const files = readdirSync(modules, { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".words.ts"),
);
const said = new Map<string, FeatureWords>();
for (const file of files) {
  const { words } = await import(pathToFileURL(runnable(`src/modules/${file}`)).href);
  said.set(basename(file, ".words.ts"), words);
}

t.test("the index holds what every feature says", async (t) => {
  t.ok(said.size > 20);
  for (const [feature, words] of said) {
    for (const noun of Object.keys(words.nouns ?? {})) {
      t.ok(errorCatalogue.has(`${noun}.not_found`), `${feature}: ${noun}`);
    }
    for (const code of Object.keys(words.errors ?? {})) {
      t.ok(errorCatalogue.has(code), `${feature}: ${code}`);
    }
    for (const [code, text] of Object.entries(words.faults ?? {})) {
      t.same(sentenceOf({ code: code as never }), text, `${feature}: ${code}`);
    }
    for (const name of Object.keys(words.constraints ?? {})) {
      t.ok(constraintErrors.has(name), `${feature}: ${name}`);
    }
    for (const scope of words.scopes ?? []) t.ok(scopes.includes(scope as never), scope);
    if (words.tag) t.ok(tags.includes(words.tag), words.tag.name);
  }
});

t.test("a refusal is said by the feature that has its noun", async (t) => {
  const owner = new Map<string, string>();
  for (const [feature, { nouns = {} }] of said) {
    for (const noun of Object.keys(nouns)) owner.set(noun, feature);
  }
  for (const [feature, { errors = {} }] of said) {
    for (const code of Object.keys(errors)) {
      const [noun = ""] = code.split(".");
      t.equal(owner.get(noun) ?? feature, feature, code);
    }
  }
});

t.test("no word is said twice: scopes and parts of the documentation neither", async (t) => {
  t.throws(() => gather([{ "need.odd": 1 }, undefined, { "need.odd": 1 }]), /need\.odd/);
  t.same(
    [...gather([{ a: 1 }, undefined, { b: 2 }])],
    [
      ["a", 1],
      ["b", 2],
    ],
  );
  t.equal(new Set(scopes).size, scopes.length);
  t.equal(new Set(tags.map(({ name }) => name)).size, tags.length);
});

t.test("a fault that nobody explains is not sent without a word", async (t) => {
  t.throws(() => sentenceOf({ code: "nobody.said" as never }), /nobody\.said/);
  const detail = { en: "its own", zh: "自有" };
  t.same(sentenceOf({ code: "nobody.said" as never, detail }), detail);
});

t.test(
  "every code of a fault is declared, has words, and is in the API's description",
  async (t) => {
    const schemas = JSON.parse(readFileSync(join(projectRoot, "openapi/openapi.json"), "utf8"))
      .components.schemas;
    const { enum: declared, description } = schemas.FaultCode;
    // A reply with another would not be what this describes: all replies of all tests are held to it.
    t.same(schemas.Problem.properties.errors.items.properties.code, {
      $ref: "#/components/schemas/FaultCode",
    });
    t.same(declared, faultCodes);
    for (const code of faultCodes) {
      const { zh, en } = sentenceOf({ code });
      t.ok(zh && en && zh !== en, code);
      t.ok(description.includes(`\`${code}\`: ${en} (${zh})`), code);
    }
    // What the library says of a value is among them: each kind of issue that it has.
    const zodKinds: Record<
      Exclude<z.core.$ZodIssue["code"], "custom" | "unrecognized_keys">,
      true
    > = {
      invalid_type: true,
      invalid_value: true,
      invalid_format: true,
      invalid_union: true,
      invalid_key: true,
      invalid_element: true,
      too_small: true,
      too_big: true,
      not_multiple_of: true,
    };
    for (const kind of Object.keys(zodKinds)) t.ok(declared.includes(kind), kind);
  },
);
