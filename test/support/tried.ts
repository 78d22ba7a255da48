/** Tries every step of a resource through the API and undoes what it did, so that the next one finds the same. */
import { today } from "../../src/lib/clock.ts";
import { addDays } from "../../src/lib/working-days.ts";
import type { Caller, Market, Reply } from "./market.ts";

/** What is typed here of a connection is what `transact` asks of it. */
interface Connection {
  query: (statement: string, ...rest: unknown[]) => Promise<{ command: string }>;
}

/**
 * Lets requests run to their end and then undoes them: what they wrote is checked as at a commit and
 * rolled back, and they are told that it was stored.
 * @returns runs something that way
 */
export function undoer({ served: { pool } }: Market): <T>(work: () => Promise<T>) => Promise<T> {
  let undoes = false;
  const known = new WeakSet<Connection>();
  const connect = pool.connect.bind(pool) as (...given: unknown[]) => Promise<unknown>;
  const connected = async (...given: unknown[]) => {
    // The pool itself asks with a callback, for one statement outside of any transaction.
    const client = (await connect(...given)) as Connection | undefined;
    if (!client) return client;
    if (known.has(client)) return client;
    known.add(client);
    const query = client.query.bind(client);
    client.query = async (statement, ...rest) => {
      if (!undoes || statement !== "commit") return query(statement, ...rest);
      // Sent together, as the commit would be; what a commit would refuse is refused by the first.
      const [checked] = await Promise.all([
        query("set constraints all immediate"),
        query("rollback"),
      ]);
      return { ...checked, command: "COMMIT" };
    };
    return client;
  };
  pool.connect = connected as unknown as typeof pool.connect;
  return async (work) => {
    undoes = true;
    try {
      return await work();
    } finally {
      undoes = false;
    }
  };
}

/** A resource in some state, and those who may look at it. */
export interface Subject {
  /** What it is and how it stands: `registration, registered, nothing pending`. */
  name: string;
  path: string;
  callers: Record<string, Caller>;
  /** What a step's body holds that only this subject tells. */
  bodies?: (caller: Caller) => Record<string, object>;
}

const reason = { reason: "双方协商一致。" };
const review = { reason: "incomplete", note: "请补充技术指标。" };
const refusal = { grounds: ["not_technology_contract"], note: "合同内容为设备买卖。" };
const confirmed = ({ revision, contentSha256 }: Reply["body"]) => ({
  revision: revision || 1,
  contentSha256: contentSha256 ?? "0".repeat(64),
});

/** A good body for each step that takes one, by the collection and the step. */
const bodies: Record<string, (body: Reply["body"]) => object> = {
  "amendments confirm": confirmed,
  "broker-certificates reject": () => reason,
  "broker-certificates revoke": () => reason,
  "broker-certificates suspend": () => reason,
  "contracts cancel": () => reason,
  "contracts confirm": confirmed,
  "contracts file": () => ({}),
  "contracts return": () => reason,
  "interests accept": () => ({}),
  "interests decline": () => ({ reason: "capacity", note: "本年度中试排期已满。" }),
  "matches accept": () => ({}),
  "matches decline": () => ({ reason: "performance_gap", note: "误差过大。" }),
  "matches fail": () => ({ reason: "performance_gap", note: "误差过大。" }),
  "needs reject": () => review,
  "needs renew": () => ({ validUntil: addDays(today(), 90) }),
  "needs request-changes": () => review,
  "needs solve": () => ({}),
  "organizations close": () => reason,
  "organizations reject": () => reason,
  "organizations suspend": () => reason,
  "registrations amend": () => ({}),
  "registrations cancel": () => ({}),
  "registrations conclude-review": () => ({ conclusion: "专家组认为标的明确，建议登记。" }),
  "registrations dispute": () => reason,
  "registrations refuse": () => refusal,
  "registrations request-supplement": () => ({ note: "请补充设备费用的测算说明。" }),
  "registrations revoke": () => ({ ground: "false_material", note: "发票经核查系伪造。" }),
  "registrations set-due-date": () => ({ dueOn: addDays(today(), 10), reason: "专家外出。" }),
  "registrations supplement": () => ({ note: "已按要求补充。" }),
  "results reject": () => review,
  "results renew": () => ({ validUntil: addDays(today(), 90) }),
  "results request-changes": () => review,
};

/** The steps that there are below a resource, by the routes: what can be posted to and not read. */
export function stepsBelow(market: Market, path: string): string[] {
  const urls = (method: string) =>
    market.app.registeredRoutes.filter((r) => r.method === method).map((r) => r.url);
  const [, ...parts] = path.split("/");
  const ofSubject = market.app.registeredRoutes.find(
    (r) =>
      r.method === "GET" && r.pattern.test(path) && r.url.split("/").length === parts.length + 1,
  )?.url;
  if (!ofSubject) throw new Error(`no route reads ${path}`);
  const readable = new Set(urls("GET"));
  return urls("POST")
    .filter((url) => url.startsWith(`${ofSubject}/`) && !readable.has(url))
    .map((url) => url.slice(ofSubject.length + 1))
    .filter((step) => !step.includes("/"));
}

/** How one try of a step went against what was told before it. */
export interface Tried {
  step: string;
  isOffered: boolean;
  reply: Reply;
}

/**
 * What a caller is offered, and how each step that there is went; null for a caller that may not read it
 * and so is offered nothing.
 */
export async function tryAll(
  market: Market,
  undoing: ReturnType<typeof undoer>,
  subject: Subject,
  caller: Caller,
): Promise<{ offered: string[]; tried: Tried[] } | null> {
  const call = market.as(caller);
  const { status, body } = await call("GET", subject.path);
  if (status !== 200) return null;
  const offered: string[] = body.allowedActions;
  const own = subject.bodies?.(caller) ?? {};
  const collection = subject.path.split("/").at(-2);
  const tried: Tried[] = [];
  for (const step of stepsBelow(market, subject.path)) {
    const content = own[step] ?? bodies[`${collection} ${step}`]?.(body);
    // It judges what was looked at, and says so.
    const headers: Record<string, string> = step === "verify" ? { "if-match": "*" } : {};
    const reply = await undoing(() =>
      call("POST", `${subject.path}/${step}`, { headers, ...(content && { body: content }) }),
    );
    tried.push({ step, isOffered: offered.includes(step), reply });
  }
  return { offered, tried };
}
