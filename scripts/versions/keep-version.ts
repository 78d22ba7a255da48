/**
 * Keeps what markets of this version look like, for the tests of later ones: plays the tour and parts of
 * some deals on a scratch market, reads everything, stops it and keeps it in `test/versions/<version>/`.
 * Run once for a release, on its commit (`docs/backup-restore-upgrade.md`); needs `tar` and `pg_dump`.
 * Exit codes: 0 kept, 1 not, 2 called wrongly.
 */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { clock } from "../../src/lib/clock.ts";
import { version } from "../../src/lib/version.ts";
import { advance, type Deal, newDeal } from "../kill-test/deals.ts";
import { type Description, readOptions, refuseCall } from "../options.ts";
import { type Cast, newClient, scratchCast } from "../tour/cast.ts";
import { play } from "../tour/play.ts";
import { runScript, untilReady } from "../tour/process.ts";
import { makeOperator } from "../tour/scratch.ts";
import { type Kind, keep, kinds, type Protocol } from "./kept.ts";
import { openPlace } from "./place.ts";
import { readMarket } from "./reads.ts";

const description: Description = {
  name: "keep-version",
  given: "[server] [embedded]",
  does: `Keeps what markets of this version look like in test/versions/, for the tests of later ones. Run once
for a release, on its commit; needs tar and pg_dump. Both kinds of market when none is named.`,
  environment: { DATABASE_URL: "a PostgreSQL server to make scratch databases on" },
  exits: "0 kept, 1 not",
};
const { given } = readOptions(description);

/** How many steps each deal takes before the upgrade; the later version takes the others. */
const stepsOfDeals = [
  // Confirmed by one of two parties.
  { number: 1, steps: 3 },
  // Registered; one of two reviewers has agreed to amend it.
  { number: 3, steps: 12 },
  // Registered; one of two parties wants to cancel it.
  { number: 5, steps: 8 },
  // Registered; proposed to be revoked.
  { number: 7, steps: 8 },
];

/** A day that is past when nobody upgrades from this version any more: until then nothing expires. */
const farDay = "2099-12-31";

async function playOn(cast: Cast): Promise<Pick<Protocol, "client" | "deals">> {
  await play(cast);
  for (const [noun, owner] of [
    ["results", cast.office],
    ["needs", cast.enterprise],
  ] as const) {
    const { data } = await owner.get(`/v1/${noun}?scope=own`);
    const far = { validUntil: farDay, ...(noun === "needs" && { deadline: farDay }) };
    for (const { id } of data) await owner.patch(`/v1/${noun}/${id}`, far);
  }
  await cast.office.post("/v1/results", { title: "尚未写完的成果草稿" });
  await cast.office.post("/v1/saved-searches", {
    noun: "need",
    name: "镍回收",
    query: { q: "镍", regionCode: "410700" },
  });
  const { clientId, clientSecret } = await newClient(cast.enterprise);
  const deals: Deal[] = [];
  for (const { number, steps } of stepsOfDeals) {
    const deal = newDeal(number);
    for (let step = 0; step < steps; step++) await advance(cast, deal);
    deals.push(deal);
  }
  return { client: { clientId, clientSecret }, deals };
}

/** Resolves when everything that happened so far is sealed in the log. */
async function sealed(cast: Cast): Promise<void> {
  for (;;) {
    const { data } = await cast.operator.get("/v1/audit?limit=1");
    if (data[0].position !== null) return;
    await setTimeout(200);
  }
}

async function make(kind: Kind, serverUrl: string | null): Promise<void> {
  const place = await openPlace(serverUrl);
  try {
    if (serverUrl) {
      runScript("keys.ts", ["create", String(place.env.SIGNING_KEYS_FILE)], place.env);
      runScript("migrate.ts", [], place.env);
    }
    const operatorToken = makeOperator(place.env);
    const market = place.launch();
    await untilReady(market);
    const cast = await scratchCast(place.url, operatorToken);
    const played = await playOn(cast);
    await sealed(cast);
    const reads = await readMarket(cast, place.url);
    await market.end("SIGTERM");
    if (market.ended() !== 0) throw new Error(`the market ended with ${market.ended()}`);
    const keys = join(place.dataDir, "signing-keys.json");
    if (serverUrl) cpSync(String(place.env.SIGNING_KEYS_FILE), keys);
    keep(place, kind, { version, madeAt: clock.now().toISOString(), ...played, reads });
    console.log(`${kind}: ${reads.length} reads kept`);
  } finally {
    await place.remove();
  }
}

const unknown = given.filter((kind) => !kinds.some((known) => known === kind));
if (unknown.length > 0) refuseCall(description, `There is no kind ${unknown.join(", ")}.`);
const chosen = kinds.filter((kind) => given.length === 0 || given.includes(kind));
const serverUrl = process.env.DATABASE_URL || null;
if (chosen.includes("server") && !serverUrl) {
  refuseCall(description, "DATABASE_URL is not set: it names the PostgreSQL server.");
}
for (const kind of chosen) await make(kind, kind === "server" ? serverUrl : null);
