/** Hashes of passwords: sign-ins have lanes of their own, and what is refused computes nothing. */
import t from "tap";
import { hashPassword, verifyPassword, waitLikeHash } from "../../src/lib/passwords.ts";

const msOf = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
};

t.test("a flood of new passwords keeps no sign-in waiting", async (t) => {
  const stored = await hashPassword("correct horse battery");
  const done: string[] = [];
  const flood = Array.from({ length: 40 }, async (_, i) => {
    await hashPassword(`flood ${i}`);
    done.push("new");
  });
  const fits = verifyPassword("correct horse battery", stored).then((is) => {
    done.push("sign-in");
    return is;
  });
  t.equal(await fits, true);
  // In one line with them it would be the last; how the cores are shared out is the system's.
  t.ok(done.indexOf("sign-in") < 20, `after ${done.indexOf("sign-in")} of forty`);
  await Promise.all(flood);
});

t.test("beyond a hundred waiting further ones are turned away", async (t) => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 105 }, (_, i) => hashPassword(`many ${i}`)),
  );
  const refused = outcomes.filter(({ status }) => status === "rejected");
  t.equal(refused.length, 4);
  t.match(refused[0], { reason: { code: "server.overloaded" } });
});

t.test("being refused takes as long as a hash, and computes nothing", async (t) => {
  await hashPassword("warm");
  const hashed = await msOf(() => hashPassword("another"));
  const before = process.cpuUsage();
  const waited = await msOf(waitLikeHash);
  const { user, system } = process.cpuUsage(before);
  t.ok(waited > hashed / 2 && waited < hashed * 3 + 20, `${hashed} ms, ${waited} ms`);
  t.ok((user + system) / 1000 < hashed / 2 + 5, `${(user + system) / 1000} ms of CPU`);
});
