/**
 * Reads what a source file does to the database: whether it opens transactions, whether it writes SQL.
 * Off the parsed code, so that neither a comment nor another name for an import hides or invents it.
 */
import { parse } from "acorn";
import { full } from "acorn-walk";
import { transformSync } from "esbuild";

/** A source file: its path from the root of the project, and its text. */
export interface Source {
  path: string;
  text: string;
}

/** A node of the parsed code, as far as it is looked at. */
// biome-ignore lint/suspicious/noExplicitAny: which members a node has, its `type` tells
type Node = Record<string, any> & { type: string };

const parsed = new WeakMap<Source, Node[]>();

/** The nodes of a file as it runs: without types, and without imports of types alone. */
function nodesOf(source: Source): Node[] {
  const known = parsed.get(source);
  if (known) return known;
  const { path, text } = source;
  const loader = path.endsWith(".ts") ? "ts" : "js";
  const { code } = transformSync(text, { loader, format: "esm", target: "esnext" });
  const nodes: Node[] = [];
  const tree = parse(code, { ecmaVersion: "latest", sourceType: "module", allowHashBang: true });
  full(tree, (node) => nodes.push(node as unknown as Node));
  parsed.set(source, nodes);
  return nodes;
}

interface Imported {
  from: string;
  /** As it is exported; `*` for everything. */
  name: string;
}

const importsIn = (nodes: readonly Node[]): Imported[] =>
  nodes.flatMap(({ type, source, specifiers = [] }): Imported[] => {
    if (!source) return [];
    const from = String(source.value ?? "");
    if (type === "ImportExpression" || type === "ExportAllDeclaration")
      return [{ from, name: "*" }];
    return specifiers.map(({ type, imported, local }: Node) => {
      if (type === "ImportSpecifier") return { from, name: imported.name };
      return { from, name: type === "ExportSpecifier" ? local.name : "*" };
    });
  });

/** The name of the method that is called; undefined for a call of anything else. */
const methodOf = (node: Node): string | undefined => {
  if (node.type !== "CallExpression" || node.callee.type !== "MemberExpression") return undefined;
  const { property } = node.callee;
  return property.name ?? property.value;
};

/** What a text in the code says: a string, or a template with a blank where something is filled in. */
const saidBy = (node: Node): string | undefined => {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type !== "TemplateLiteral") return undefined;
  return node.quasis.map((part: Node) => part.value.cooked ?? part.value.raw).join(" ? ");
};

const textsIn = (nodes: readonly Node[]): string[] =>
  nodes.map(saidBy).filter((text) => text !== undefined);

/** A statement that opens or ends a transaction, alone or before others. */
const ofTransactions =
  /^\s*(begin|start\s+transaction|commit|rollback|savepoint\s+\w+)(\s+(transaction|work|isolation|read|to)\b[^;]*)?\s*(;|$)/i;

/** How a file opens transactions; nothing when it does not. */
export function transactionsIn(source: Source): string[] {
  const nodes = nodesOf(source);
  return [
    ...importsIn(nodes)
      .filter(({ from, name }) => /\/transact\.ts$/.test(from) && /^(transact|\*)$/.test(name))
      .map(({ name }) => `imports ${name} of transact.ts`),
    ...nodes.filter((node) => methodOf(node) === "transaction").map(() => "calls .transaction()"),
    ...textsIn(nodes)
      .filter((text) => ofTransactions.test(text))
      .map((text) => `says "${text}"`),
  ];
}

/** Methods that make a statement, whatever they are called on, with the calls that only SQL goes on with. */
const statements = new Map([
  ["insert", ["values", "select"]],
  ["update", ["set"]],
  ["delete", ["where", "returning", "prepare"]],
  ["select", ["from"]],
  ["selectDistinct", ["from"]],
  ["selectDistinctOn", ["from"]],
]);

/** What is called next on the result of each call. */
function nextCalls(nodes: readonly Node[]): Map<Node, string> {
  const next = new Map<Node, string>();
  for (const node of nodes) {
    const method = methodOf(node);
    if (method !== undefined) next.set(node.callee.object, method);
  }
  return next;
}

/** What a connection, a pool or an executor is called in this project. */
const connections = /^(tx|db|pool|client|connection|executor|database)$/;
const ofConnections = /^(insert|update|delete|select\w*|execute|query|with|\$count|\$with)$/;

/** Whether a call runs or begins a statement on what is called like a connection: `database.db.execute()`. */
function isOnConnection(node: Node): boolean {
  if (!ofConnections.test(methodOf(node) ?? "")) return false;
  const { object } = node.callee;
  return connections.test(object.name ?? object.property?.name ?? "");
}

/** Beginnings of statements, and parts that nothing but SQL has. */
const ofSql = [
  /^\s*select\s+(\S+(\s*,\s*\S+)*|.*\(.*\).*)(\s+from\b|\s*$)/is,
  /^\s*with\s+(recursive\s+)?\w+\s+as\s+(not\s+)?(materialized\s+)?\(/i,
  /^\s*(insert\s+into|delete\s+from|truncate|lock\s+table|copy)\s+\S+/i,
  /^\s*update\s+\S+\s+(\w+\s+)?set\s/i,
  /^\s*(create|alter|drop)\s+(table|index|function|trigger|schema|view|extension|type)\b/i,
  /^\s*set\s+(local|session)\s/i,
  /\bcase\s+when\b[\s\S]*\bthen\b/i,
  /\b(order|group)\s+by\s+\S/i,
  /\bfrom\s+\S+\s+(\w+\s+)?(where|join)\s/i,
  // A column of a table by its short name: `e.seller_region`, `left(e.field, 2)`.
  /^\s*(\w+\()?[a-z]{1,2}\.[a-z]+(_[a-z]+)*\s*(::\w+|,[^,]*\))?$/,
];

/** Packages that speak to the database. */
const ofDatabase = /^(drizzle-orm(\/.*)?|pg(-.*)?|@electric-sql\/pglite.*)$/;

/** Of them, what only recognises failures. */
const harmless = /^(DrizzleQueryError|DatabaseError)$/;

/** What of a file is SQL; nothing when nothing is. */
export function sqlIn(source: Source): string[] {
  const nodes = nodesOf(source);
  const next = nextCalls(nodes);
  const isStatement = (node: Node) => {
    const method = methodOf(node) ?? "";
    if (/^find(First|Many)$/.test(method)) return true;
    return statements.get(method)?.includes(next.get(node) ?? "") ?? false;
  };
  return [
    ...importsIn(nodes)
      .filter(({ from, name }) => ofDatabase.test(from) && !harmless.test(name))
      .map(({ from, name }) => `imports ${name} of ${from}`),
    ...nodes
      .filter((node) => isStatement(node) || isOnConnection(node))
      .map((node) => `calls .${methodOf(node)}()`),
    ...nodes
      .filter((node) => node.type === "TaggedTemplateExpression" && node.tag.name === "sql")
      .map(() => "writes sql`...`"),
    ...textsIn(nodes)
      .filter((text) => ofSql.some((pattern) => pattern.test(text)))
      .map((text) => `says "${text}"`),
  ];
}

/**
 * Where transactions are opened: a route's and a job's own helper, routes and workers themselves, and
 * what runs before the service does.
 */
export const mayOpenTransactions = (path: string): boolean =>
  /\.(routes|worker)\.ts$/.test(path) ||
  [
    "src/plugins/writes.ts",
    "src/plugins/job-rows.ts",
    "src/database/transact.ts",
    "src/database/migrate.ts",
    "src/demo/demo.ts",
  ].includes(path);

/**
 * Where SQL is: in the stores, and in what every store is built of. A service stores and changes one row
 * by `insertRow` and `updateRow`, which take the table and the values: it names no column, writes no condition.
 */
export const mayHoldSql = (path: string): boolean =>
  /\.store\.ts$/.test(path) || /^(src\/database|db)\//.test(path);
