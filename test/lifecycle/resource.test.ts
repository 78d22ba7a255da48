/** A lifecycle as data: which line a step takes, what is offered and to whom, what a refusal tells. */
import t from "tap";
import { z } from "zod";
import { needs } from "../../db/schema/needs.ts";
import type { Actor } from "../../src/lib/access.ts";
import {
  guard,
  lineFor,
  type Row,
  resource,
  type Standing,
  statusPairs,
} from "../../src/lifecycle/resource.ts";

interface Door {
  row: Row;
  isJammed: boolean;
}

const texts = { summary: "Move the door", description: "As far as it goes." };

const door = resource({
  noun: "need",
  table: needs,
  path: "/v1/doors/:id",
  tag: "doors",
  reply: z.object({}),
  standing: (_: Door, actor: Actor): Standing[] =>
    actor.role === "operator" ? ["operator", "owner"] : ["owner"],
  audit: () => ({ owner: null }),
  steps: {
    shutDoor: { action: "shut", from: ["open"], by: "owner", to: "shut", ...texts },
    lockDoor: {
      action: "lock",
      from: ["open", "shut"],
      by: "operator",
      to: "locked",
      admin: true,
      guards: [guard("organization.own", ({ isJammed }: Door) => isJammed)],
      ...texts,
    },
    openDoor: { action: "open", from: ["shut"], by: "owner", to: "open", ...texts },
    slamDoor: { action: "open", from: ["shut"], by: "job", to: "locked" },
    oilDoor: {
      action: "oil",
      from: ["open"],
      by: ["owner", "operator"],
      to: "same",
      when: ({ isJammed }) => isJammed,
      ...texts,
    },
  },
});

const doorThatIs = (status: string, isJammed = false): Door => ({
  row: { id: "", status, version: 1 },
  isJammed,
});

const owner: Actor = {
  kind: "member",
  id: "",
  sessionId: null,
  organizationId: "",
  role: "enterprise",
  organizationStatus: "verified",
  isAdmin: true,
  scopes: null,
  barredUntil: null,
  isProved: true,
};
const operator: Actor = { ...owner, role: "operator" };

t.test("a step leads from a status of its line to the line's end, for its standing", async (t) => {
  const { openDoor, slamDoor, lockDoor } = door.steps;
  const shut = doorThatIs("shut");
  t.equal(lineFor(openDoor, shut, ["owner"], owner)?.to, "open");
  t.equal(lineFor(slamDoor, shut, ["job"], null)?.to, "locked", "the same action by another");
  t.equal(lineFor(lockDoor, shut, ["operator"], operator)?.to, "locked");
  t.equal(lineFor(openDoor, shut, ["job"], null), undefined);
  t.equal(lineFor(openDoor, doorThatIs("locked"), ["owner"], owner), undefined);
});

t.test("what is offered is what would not be refused, each once", async (t) => {
  const offered = door.allowedActions;
  t.same(offered(doorThatIs("open"), operator), ["shut", "lock"]);
  t.same(offered(doorThatIs("shut"), operator), ["lock", "open"]);
  t.same(offered(doorThatIs("shut"), owner), ["open"], "the operator's is not the owner's");
  t.same(offered(doorThatIs("locked"), operator), [], "a job's step is nobody's");
  t.same(
    offered(doorThatIs("open", true), operator),
    ["shut", "oil"],
    "a guard blocks, another is so",
  );
  t.same(offered(doorThatIs("shut"), { ...operator, isAdmin: false }), ["open"], "by access");
  t.same(offered(doorThatIs("shut"), { ...owner, organizationStatus: "suspended" }), []);
  t.same(offered(doorThatIs("shut"), { ...owner, kind: "client", scopes: [] }), []);
});

t.test("a refusal tells what the state is and what is possible", async (t) => {
  t.match(door.refused(doorThatIs("shut"), owner), {
    code: "need.invalid_transition",
    details: {
      detail: { en: "It is shut. The caller can now: open." },
      members: { currentStatus: "shut", allowedActions: ["open"] },
    },
  });
  t.match(door.refused(doorThatIs("locked"), null), {
    code: "need.invalid_transition",
    details: { members: { currentStatus: "locked", allowedActions: [] } },
  });
});

t.test("all pairs of different statuses, each once", async (t) => {
  t.same(statusPairs(door), ["open>locked", "open>shut", "shut>locked", "shut>open"]);
});
