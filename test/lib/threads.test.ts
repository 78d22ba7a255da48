/** Work in a thread of its own: its result, its errors, and its death. */
import t from "tap";
import { blameOf, ThreadDied } from "../../src/lib/outages.ts";
import { onThreadDeath, threaded } from "../../src/lib/threads.ts";
import { die, home, refuse, spin } from "../support/thread-work.ts";

const elsewhere = {
  spin: threaded(home, spin),
  refuse: threaded(home, refuse),
  die: threaded(home, die),
};

t.test("what computes for long in the thread holds up nobody here", async (t) => {
  await elsewhere.spin(0);
  let turns = 0;
  const timer = setInterval(() => turns++, 20);
  t.equal(await elsewhere.spin(1_000), "done");
  clearInterval(timer);
  t.ok(turns > 10, `${turns} turns of the event loop meanwhile`);
});

t.test("an error of the work is the caller's, and the thread lives on", async (t) => {
  const deaths: unknown[] = [];
  const stop = onThreadDeath((error) => deaths.push(error));
  await t.rejects(elsewhere.refuse("reason"), { name: "TypeError", message: "no reason" });
  t.same(deaths, []);
  stop();
});

t.test("a thread that dies is told, blamed on no row, and followed by another", async (t) => {
  const deaths: unknown[] = [];
  const stop = onThreadDeath((error) => deaths.push(error));
  const died = await elsewhere.die().catch((error: unknown) => error);
  t.ok(died instanceof ThreadDied);
  t.equal(blameOf(died), "outage");
  t.equal(deaths.length, 1);
  t.equal(await elsewhere.spin(0), "done");
  stop();
});
