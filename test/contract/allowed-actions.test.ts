/**
 * `allowedActions` is a promise: each step that is offered is accepted, each that is not is refused, to
 * every kind of caller, in every state. Each is really tried, and undone.
 */
import { eq } from "drizzle-orm";
import t from "tap";
import { needStatuses } from "../../db/schema/needs.ts";
import { organizations } from "../../db/schema/organizations.ts";
import { resultStatuses } from "../../db/schema/results.ts";
import { scopes } from "../../src/words.ts";
import {
  amendedContract,
  confirm,
  confirmingContract,
  draftedContract,
  effectiveContract,
  type MadeContract,
  newParties,
} from "../support/contracts.ts";
import { acceptedInterest, answer, openInterest } from "../support/deals.ts";
import { drafted, listingIn } from "../support/listings.ts";
import { type Caller, openMarket } from "../support/market.ts";
import {
  agreedMatch,
  certifiedBroker,
  certify,
  type MadeMatch,
  negotiatingMatch,
  proposedMatch,
  stepOf as stepOfMatch,
} from "../support/matches.ts";
import {
  acceptedCase,
  filedCase,
  type MadeCase,
  openOffice,
  registeredCase,
  stepOf,
} from "../support/registrations.ts";
import { must } from "../support/replies.ts";
import { type Subject, tryAll, undoer } from "../support/tried.ts";

const market = await openMarket(t);
const undoing = undoer(market);
const { as } = market;

const operator = await market.person("operator");
const stranger = await market.person("enterprise");
const office = await openOffice(market);
const third = await market.colleague(office.first);
const otherRegistrar = await market.person("registry");
const parties = await newParties(market);
const { seller, buyer } = parties;
const machineOf = (of: Caller) => market.client(of, [...scopes]);
const [machine, colleague] = [await machineOf(seller), await market.colleague(seller)];
const everybody = { operator, stranger, seller, buyer, colleague, machine };

const post = (who: Caller, path: string, body: object = {}) =>
  must(as(who)("POST", path, { body }));

/** All that is tried, made before the first is tried. */
const subjects: Subject[] = [];
const promises = (subject: Subject) => subjects.push(subject);

const listings = { result: resultStatuses, need: needStatuses };
for (const noun of ["result", "need"] as const) {
  for (const status of listings[noun]) {
    const id = await listingIn(market, noun, { owner: seller, operator }, status);
    promises({ name: `${noun}, ${status}`, path: `/v1/${noun}s/${id}`, callers: everybody });
  }
  for (const status of ["pending", "suspended"] as const) {
    const before = status === "suspended" ? "verified" : status;
    const owner = await market.person("enterprise", { status: before });
    const { body } = await drafted(market, noun, owner);
    await market.database.db
      .update(organizations)
      .set({ status })
      .where(eq(organizations.id, owner.organizationId));
    const callers = { owner, operator, stranger };
    promises({
      name: `${noun}, draft of a ${status} one`,
      path: `/v1/${noun}s/${body.id}`,
      callers,
    });
  }
}

const interestOf = (name: string, { id, owner, asker }: Awaited<ReturnType<typeof openInterest>>) =>
  promises({
    name: `interest, ${name}`,
    path: `/v1/interests/${id}`,
    callers: { owner, asker, operator, stranger },
  });
interestOf("open", await openInterest(market, { operator }));
interestOf("accepted", await acceptedInterest(market, { operator }));
for (const [who, action, name] of [
  ["owner", "decline", "declined"],
  ["asker", "withdraw", "withdrawn"],
] as const) {
  const made = await openInterest(market, { operator });
  await must(answer(market, made[who], made.id, action));
  interestOf(name, made);
}

const broker = await certifiedBroker(market);
const [nextBroker, otherBroker] = [await market.colleague(broker), await certifiedBroker(market)];
await certify(market, nextBroker);
const matchOf = (name: string, { id, resultOwner, needOwner }: MadeMatch) =>
  promises({
    name: `match, ${name}`,
    path: `/v1/matches/${id}`,
    callers: { broker, nextBroker, otherBroker, resultOwner, needOwner, operator, stranger },
    bodies: () => ({ reassign: { brokerId: nextBroker.id } }),
  });
const ended = { reason: "performance_gap", note: "误差过大。" };
matchOf("proposed", await proposedMatch(market, { broker, operator }));
matchOf("agreed", await agreedMatch(market, { broker, operator }));
matchOf("negotiating", await negotiatingMatch(market, { broker, operator }));
for (const [name, walk] of Object.entries({
  "accepted by one": [["resultOwner", "accept", {}]],
  declined: [["needOwner", "decline", ended]],
  withdrawn: [["broker", "withdraw", undefined]],
} as const)) {
  const made = await proposedMatch(market, { broker, operator });
  for (const [who, action, body] of walk) {
    await must(stepOfMatch(market, made[who], made.id, action, body));
  }
  matchOf(name, made);
}
const failed = await agreedMatch(market, { broker, operator });
await must(stepOfMatch(market, broker, failed.id, "fail", ended));
matchOf("failed", failed);

const contractOf = (name: string, { id }: MadeContract) =>
  promises({ name: `contract, ${name}`, path: `/v1/contracts/${id}`, callers: everybody });
const cancelBy = (who: Caller, { id }: MadeContract) =>
  post(who, `/v1/contracts/${id}/cancel`, { reason: "协商解除。" });
const amend = async ({ id }: MadeContract) => {
  const body = { reason: "双方协商调整。", patch: { title: "轴承套圈激光冲击强化工艺及装备开发" } };
  return post(seller, `/v1/contracts/${id}/amendments`, body);
};
contractOf("draft", await draftedContract(market, parties));
contractOf("confirming", await confirmingContract(market, parties));
const halfConfirmed = await confirmingContract(market, parties);
await must(confirm(market, seller, halfConfirmed));
contractOf("confirmed by one", halfConfirmed);
contractOf("effective", await effectiveContract(market, parties));
const halfCancelled = await effectiveContract(market, parties);
await cancelBy(seller, halfCancelled);
contractOf("effective, cancelled by one", halfCancelled);
const cancelled = await effectiveContract(market, parties);
for (const who of [seller, buyer]) await cancelBy(who, cancelled);
contractOf("cancelled", cancelled);

const amending = await effectiveContract(market, parties);
const amendment = await amend(amending);
contractOf("effective, being amended", amending);
const amendmentOf = (name: string, contractId: string, id: string) =>
  promises({
    name: `amendment, ${name}`,
    path: `/v1/contracts/${contractId}/amendments/${id}`,
    callers: everybody,
  });
amendmentOf("confirming", amending.id, amendment.id);
const halfAmended = await effectiveContract(market, parties);
const { id: halfId, revision, contentSha256 } = await amend(halfAmended);
const halfPath = `/v1/contracts/${halfAmended.id}/amendments/${halfId}`;
await post(seller, `${halfPath}/confirm`, { revision, contentSha256 });
amendmentOf("confirmed by one", halfAmended.id, halfId);
const amended = await effectiveContract(market, parties);
const { id: doneId } = await amendedContract(market, amended, { terms: "成果归双方共有。" });
amendmentOf("effective", amended.id, doneId);
const given = await effectiveContract(market, parties);
const { id: givenId } = await amend(given);
await must(as(seller)("POST", `/v1/contracts/${given.id}/amendments/${givenId}/withdraw`));
amendmentOf("withdrawn", given.id, givenId);

const registrarMachine = await machineOf(office.first);
const caseCallers = {
  ...everybody,
  ...{ first: office.first, second: office.second, third, registrarMachine, otherRegistrar },
};
const caseOf = (name: string, { caseId, id }: MadeCase) => {
  promises({
    name: `registration, ${name}`,
    path: `/v1/registrations/${caseId}`,
    callers: caseCallers,
    // The applicant names what all parties confirmed; a registrar agrees to what was asked for.
    bodies: ({ organizationId }) => ({
      amend: organizationId === seller.organizationId ? { contractRevision: 2 } : {},
    }),
  });
  contractOf(`whose registration is ${name}`, { ...parties, id, contract: null });
};
/** A case that went these steps from where `made` is. */
const went = async (made: MadeCase, ...walk: [Caller, string, object?][]): Promise<MadeCase> => {
  for (const [who, action, body] of walk)
    await must(stepOf(market, who, made.caseId, action, body));
  return made;
};
const { first, second } = office;
const ask = { note: "请补充设备费用的测算说明。" };
const refusal = { grounds: ["not_technology_contract"], note: "合同内容为设备买卖。" };
const revocation = { ground: "false_material", note: "发票经核查系伪造。" };
const filed = () => filedCase(market, office, parties);
const accepted = () => acceptedCase(market, office, parties);
const registered = () => registeredCase(market, office, parties);
caseOf("filed", await filed());
caseOf("filed, to be supplemented", await went(await filed(), [first, "request-supplement", ask]));
caseOf("withdrawn", await went(await filed(), [seller, "withdraw"]));
caseOf("accepted", await accepted());
caseOf("to be supplemented", await went(await accepted(), [first, "request-supplement", ask]));
caseOf("with experts", await went(await accepted(), [first, "expert-review"]));
caseOf("refused", await went(await accepted(), [second, "refuse", refusal]));
caseOf("registered", await registered());
caseOf("to be revoked", await went(await registered(), [first, "revoke", revocation]));
caseOf(
  "revoked",
  await went(await registered(), [first, "revoke", revocation], [second, "revoke", revocation]),
);
const toAmend = async () => {
  const made = await registered();
  await amendedContract(market, made, { terms: "成果归双方共有。" });
  return made;
};
const asked: [Caller, string, object] = [seller, "amend", { contractRevision: 2 }];
caseOf("registered, its contract amended", await toAmend());
caseOf("to be amended", await went(await toAmend(), asked));
caseOf("agreed to be amended", await went(await toAmend(), asked, [first, "amend", {}]));
const toCancel = async () => {
  const made = await registered();
  for (const who of [seller, buyer]) await cancelBy(who, made);
  return made;
};
const halfAgreed = await registered();
await cancelBy(buyer, halfAgreed);
caseOf("registered, its contract cancelled by one", halfAgreed);
caseOf("registered, its contract agreed to be cancelled", await toCancel());
caseOf("to be cancelled", await went(await toCancel(), [seller, "cancel", {}]));
caseOf("cancelled", await went(await toCancel(), [seller, "cancel", {}], [first, "cancel", {}]));

for (const status of ["pending", "verified", "rejected", "suspended", "closed"] as const) {
  const owner = await market.person("enterprise", { status });
  const member = await market.colleague(owner);
  promises({
    name: `organization, ${status}`,
    path: `/v1/organizations/${owner.organizationId}`,
    callers: { owner, member, operator, stranger },
  });
}
promises({
  name: "organization, the operator's own",
  path: `/v1/organizations/${operator.organizationId}`,
  callers: { operator, stranger },
});

const application = {
  level: "intermediate",
  issuer: "牧野技术转移培训基地",
  fieldCodes: ["03"],
  issuedOn: "2025-06-18",
};
const certificateWalks: Record<string, ["person" | "operator", string, object?][]> = {
  applied: [],
  withdrawn: [["person", "withdraw"]],
  rejected: [["operator", "reject", { reason: "证书编号不符。" }]],
  revoked: [
    ["operator", "certify"],
    ["operator", "revoke", { reason: "证书系伪造。" }],
  ],
  suspended: [
    ["operator", "certify"],
    ["operator", "suspend", { reason: "正在核查。" }],
  ],
};
for (const [name, walk] of Object.entries(certificateWalks)) {
  const person = await market.person("brokerage", { isAdmin: false });
  const admin = await market.colleague(person, { isAdmin: true });
  const body = { ...application, certificateNumber: `JJR-${name}` };
  const { id } = await post(person, "/v1/broker-certificates", body);
  const path = `/v1/broker-certificates/${id}`;
  for (const [who, action, input] of walk) {
    const by = as({ person, operator }[who]);
    await must(by("POST", `${path}/${action}`, input ? { body: input } : {}));
  }
  const callers = { person, admin, operator, stranger };
  promises({ name: `broker certificate, ${name}`, path, callers });
}

promises({
  name: "registration office, active",
  path: `/v1/registration-offices/${office.id}`,
  callers: { operator, registrar: first, stranger },
});
for (const isRevoked of [false, true]) {
  const body = { name: `数据接口${isRevoked ? "一" : "二"}`, scopes: ["needs:read"] };
  const { clientId } = await post(seller, "/v1/api-clients", body);
  const path = `/v1/api-clients/${clientId}`;
  if (isRevoked) await must(as(seller)("POST", `${path}/revoke`));
  const name = `API client, ${isRevoked ? "revoked" : "active"}`;
  promises({ name, path, callers: { seller, colleague, stranger } });
}

for (const name of ["invited", "active", "suspended", "the last admin"] as const) {
  const admin = await market.person("enterprise");
  const membersOf = `/v1/organizations/${admin.organizationId}/members`;
  const body = { name: "王强", email: `invited-${admin.id}@example.test` };
  const id = {
    invited: async () => (await post(admin, membersOf, body)).member.id,
    active: async () => (await market.colleague(admin)).id,
    suspended: async () => {
      const person = await market.colleague(admin);
      await post(admin, `${membersOf}/${person.id}/suspend`);
      return person.id;
    },
    "the last admin": async () => admin.id,
  }[name];
  const member = await market.colleague(admin);
  const callers = { admin, member, operator, stranger };
  promises({ name: `member, ${name}`, path: `${membersOf}/${await id()}`, callers });
}

for (const subject of subjects) {
  t.test(subject.name, async (t) => {
    let readers = 0;
    for (const [who, caller] of Object.entries(subject.callers)) {
      const found = await tryAll(market, undoing, subject, caller);
      if (!found) continue;
      readers++;
      t.ok(found.tried.length > 0, `${who}: there are steps to try`);
      const named = found.offered.filter((step) => !found.tried.some((one) => one.step === step));
      t.same(named, [], `${who}: every step that is offered has its route`);
      for (const { step, isOffered, reply } of found.tried) {
        const how = `${reply.status} ${reply.body?.code ?? ""}`;
        if (isOffered) t.ok(reply.status < 300, `${who}: ${step} is offered, ${how}`);
        else t.ok([403, 404, 409].includes(reply.status), `${who}: ${step} is not offered, ${how}`);
        if (!reply.body?.code?.endsWith(".invalid_transition")) continue;
        const told = [...reply.body.allowedActions].sort();
        t.same(told, [...found.offered].sort(), `${who}: the refusal of ${step} offers the same`);
      }
    }
    t.ok(readers > 0, "somebody may look at it");
  });
}
