/** What errors of the driver and the system mean, how a crowd is held, how lines are gathered. */
import { setTimeout } from "node:timers/promises";
import { DrizzleQueryError } from "drizzle-orm";
import pg from "pg";
import t from "tap";
import { AppError } from "../../src/lib/errors.ts";
import { type Leave, makeGate, type Place } from "../../src/lib/gate.ts";
import { gathered } from "../../src/lib/gathered.ts";
import { blameOf, isLost, outageOf, outageRefusal, UnknownOutcome } from "../../src/lib/outages.ts";

const system = (code: string, syscall?: string) =>
  Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
const answer = (code: string) =>
  Object.assign(new pg.DatabaseError("said", 1, "error"), { code, severity: "ERROR" });
const wrapped = (cause: Error) => new DrizzleQueryError("select $1", ["secret"], cause);

t.test("whatever wraps it, the cause decides", async (t) => {
  const refused = system("ECONNREFUSED", "connect");
  const cases: [unknown, string | undefined][] = [
    [wrapped(refused), "away"],
    [wrapped(new Error("timeout exceeded when trying to connect")), "away"],
    [new Error("outer", { cause: wrapped(system("ECONNRESET", "read")) }), "away"],
    [new AggregateError([refused, refused]), "away"],
    [wrapped(new AggregateError([system("EHOSTUNREACH", "connect")])), "away"],
    [
      new Error("Connection terminated due to connection timeout", { cause: new Error("x") }),
      "away",
    ],
    [new Error("Connection terminated unexpectedly"), "away"],
    [new Error("Client has encountered a connection error and is not queryable"), "away"],
    [new Error("Cannot use a pool after calling end on the pool"), "away"],
    [system("ENOENT", "connect"), "away"],
    [system("ENOTFOUND", "getaddrinfo"), "away"],
    [system("ENOSPC", "write"), "full"],
    [system("EDQUOT", "write"), "full"],
    [wrapped(answer("53100")), "full"],
    [wrapped(answer("40001")), "again"],
    [wrapped(answer("40P01")), "again"],
    ...[
      "08006",
      "08001",
      "57P01",
      "57P02",
      "57P03",
      "57014",
      "53300",
      "55P03",
      "25P03",
      "28P01",
    ].map((code): [unknown, string] => [wrapped(answer(code)), "away"]),
    // Faults of ours, and of callers.
    [wrapped(answer("42P01")), undefined],
    [wrapped(answer("23505")), undefined],
    [wrapped(answer("25P02")), undefined],
    [system("ENOENT", "open"), undefined],
    [Object.assign(new Error("aborted"), { code: "ECONNRESET" }), undefined],
    [new TypeError("x is not a function"), undefined],
    ["57P01", undefined],
    [null, undefined],
  ];
  for (const [error, kind] of cases) t.equal(outageOf(error)?.kind, kind, String(error));
  const loop = new Error("loop");
  loop.cause = new Error("inner", { cause: loop });
  t.equal(outageOf(loop), null, "a chain that goes in a circle ends");
});

t.test("refusals carry Retry-After; an unknown outcome says what to do", async (t) => {
  t.match(outageRefusal(system("ENOSPC", "write")), {
    code: "storage.full",
    details: { headers: { "retry-after": /^\d+$/ } },
  });
  const unknown = outageRefusal(
    new UnknownOutcome("lost", { cause: new Error("Connection terminated unexpectedly") }),
  );
  t.match(unknown, {
    code: "server.unavailable",
    details: { members: { outcome: "unknown" }, headers: { "retry-after": /^\d+$/ } },
  });
  t.equal(outageRefusal(new Error("anything")), null);
});

t.test("an answer of the server is its last word, but for the end of the session", async (t) => {
  t.notOk(isLost(wrapped(answer("23505"))));
  t.notOk(isLost(wrapped(answer("53100"))));
  t.ok(isLost(wrapped(answer("57P01"))));
  t.ok(isLost(wrapped(new Error("Connection terminated unexpectedly"))));
  t.notOk(isLost(new Error("a fault of ours")));
});

t.test("of thousands of lines one in a while is written, and all are counted", async (t) => {
  const lines: Record<string, number>[] = [];
  const { note, flush } = gathered((counts) => lines.push({ ...counts }), 40);
  for (let i = 0; i < 1000; i++) note(i % 10 ? "a" : "b");
  t.same(lines, [{ b: 1 }], "the first at once");
  while (lines.length < 2) await setTimeout(5);
  t.same(lines[1], { a: 900, b: 99 });
  note("a");
  flush();
  t.same(lines.at(-1), { a: 1 });
  t.equal(lines.length, 3);
});

t.test("the gate", async (t) => {
  const options = { suspectsMost: 1, memory: 10_000, patience: 40, longestQueue: 2 };
  const row = (name: string, most = 1): Place => ({ name, most });
  const all: Place = { name: "all", most: 3, isWide: true };
  const inside = (entered: Leave | Promise<Leave>): Leave => {
    if (entered instanceof Promise) throw new Error("it waits");
    return entered;
  };

  t.test("who wants what is taken waits, others pass by", async (t) => {
    const gate = makeGate({ ...options, patience: 5_000 });
    const first = inside(gate.enter([all, row("a")]));
    const second = gate.enter([all, row("a")]);
    t.ok(second instanceof Promise);
    const other = inside(gate.enter([all, row("b")]));
    first();
    first();
    const leave = await second;
    t.ok(gate.enter([all, row("a")]) instanceof Promise, "given back once");
    leave();
    other();
  });

  t.test("not for ever, and not too many", async (t) => {
    const gate = makeGate(options);
    inside(gate.enter([row("a")]));
    const waiting = [gate.enter([row("a")]), gate.enter([row("a")])];
    const refused = (code: string) => (error: unknown) =>
      t.equal(error instanceof AppError && error.code, code);
    try {
      gate.enter([row("a")]);
      t.fail("too many wait");
    } catch (error) {
      refused("server.overloaded")(error);
    }
    for (const outcome of await Promise.allSettled(waiting)) {
      t.equal(outcome.status, "rejected");
      if (outcome.status === "rejected") refused("server.unavailable")(outcome.reason);
    }
    t.equal(gate.waiting(), 0);
  });

  t.test("where one waited for a lock in vain, few are let in, until one was not", async (t) => {
    const gate = makeGate({ ...options, patience: 5_000 });
    inside(gate.enter([all, row("a", 9)]))(true);
    const suspect = inside(gate.enter([all, row("a", 9)]));
    const next = gate.enter([all, row("a", 9)]);
    t.ok(next instanceof Promise, "one at a time there");
    const other = inside(gate.enter([all, row("b", 9)]));
    suspect();
    const leave = await next;
    inside(gate.enter([all, row("a", 9)]))();
    leave();
    other();
  });
});

t.test("whose fault it is that a row could not be done", async (t) => {
  const answer = (code: string) => Object.assign(new Error(), { code, severity: "ERROR" });
  const system = (code: string) => Object.assign(new Error(), { code });
  for (const code of ["57P01", "08006", "53100", "53300", "25P03"]) {
    t.equal(blameOf(answer(code)), "outage", code);
  }
  for (const code of ["ECONNRESET", "EPIPE", "ENOSPC", "ETIMEDOUT", "ERR_STREAM_DESTROYED"]) {
    t.equal(blameOf(system(code)), "outage", code);
  }
  t.equal(blameOf(new Error("Connection terminated unexpectedly")), "outage");
  for (const code of ["55P03", "40001", "40P01"]) t.equal(blameOf(answer(code)), "lock", code);
  // Again and again where it is: a statement too slow, too large, a page that cannot be read, a wrong value.
  for (const code of ["57014", "53200", "58030", "58P01", "22012", "23514"]) {
    t.equal(blameOf(answer(code)), "row", code);
  }
  t.equal(blameOf(system("EIO")), "row");
  t.equal(blameOf(new Error("no row can be done like this")), "row");
});
