/**
 * Registered contracts in any number, for the figures of the registry: made by SQL, sealed and summed by
 * the program's own statements. Kept as template databases, like the listings.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { connect } from "../../src/database/connect.ts";
import { migrate } from "../../src/database/migrate.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { addToSums } from "../../src/modules/statistics/statistics.store.ts";
import { serverUrl, urlOf } from "./generate.ts";

/** Offices over which the contracts are spread. */
export const offices = 20;

type Progress = (text: string) => void;

function fingerprint(): string {
  const hash = createHash("sha256");
  const folder = join(projectRoot, "db/migrations");
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  for (const name of names.sort()) hash.update(readFileSync(join(folder, name)));
  hash.update(readFileSync(join(projectRoot, "scripts/bench/deals-data.ts")));
  return hash.digest("hex").slice(0, 10);
}

/** Organizations, people and offices: a registry with two reviewers each, a seller and a buyer. */
const people = `
insert into organizations (id, kind, status, name, credit_code, legal_type, region_code)
select gen_random_uuid(), 'registry', 'verified', '登记处' || n, '124107' || lpad(n::text, 12, '0'), 'public_institution', '410700'
from generate_series(1, ${offices}) n;
insert into organizations (id, kind, status, name, credit_code, legal_type, region_code) values
  (gen_random_uuid(), 'university', 'verified', '卖方大学', '12410700000000000X', 'public_institution', '410711'),
  (gen_random_uuid(), 'enterprise', 'verified', '买方公司', '91410700000000000X', 'enterprise', '410702');
insert into members (id, organization_id, status, name, email, password_hash)
select gen_random_uuid(), o.id, 'active', '登记员' || k, o.credit_code || '-' || k || '@bench.example', 'none'
from organizations o cross join generate_series(1, 2) k where o.kind = 'registry';
insert into sessions (id, member_id, expires_at) select gen_random_uuid(), id, now() + interval '1 year' from members;
insert into registration_offices (id, organization_id, code, name)
select gen_random_uuid(), id, right(credit_code, 6), name from organizations where kind = 'registry';
create table bench_offices as
select row_number() over (order by f.code) - 1 as ordinal, f.id, f.code, f.organization_id,
  (array_agg(m.id order by m.email))[1] as first, (array_agg(m.id order by m.email))[2] as second
from registration_offices f join members m on m.organization_id = f.organization_id group by f.id;`;

/** The facts of the contract with the number n: a wide spread of values, the same ones in each run. */
const facts = `jsonb_build_object(
  'contractId', gen_random_uuid(), 'contractReference', 'C-2026-' || lpad(n::text, 7, '0'), 'contractRevision', 1,
  'contentSha256', md5(n::text) || md5(n::text), 'title', '技术合同' || n,
  'type', (array['development', 'service', 'service', 'licence', 'transfer', 'consulting'])[1 + n % 6],
  'subtype', (array['11', '51', '52', '32', '21', '41'])[1 + n % 6],
  'fieldCode', lpad((1 + n % 11)::text, 2, '0'), 'industryCode', chr(65 + n % 20),
  'intellectualPropertyType', (array['00', '10', '21', '30'])[1 + n % 4],
  'planSourceCode', (array['90', '90', '11', '30'])[1 + n % 4], 'objectiveCode', '10',
  'signedOn', (date '2026-11-01' - (n % 1000 + 20))::text,
  'totalAmount', ((n % 997) * 1000 + 5000)::numeric(18, 2)::text,
  'technologyAmount', ((n % 997) * 900 + 4000)::numeric(18, 2)::text,
  'amountStatus', 'final', 'confidentiality', 'internal',
  'seller', jsonb_build_object('name', '卖方' || n % 5000, 'natureCode', (array['022', '021', '150'])[1 + n % 3],
    'countryCode', 'CN', 'regionCode', (array['410702', '410711', '410782', '410100'])[1 + n % 4]),
  'buyer', jsonb_build_object('name', '买方' || n % 9000, 'natureCode', (array['150', '160', '170'])[1 + n % 3],
    'countryCode', 'CN', 'regionCode', (array['410702', '110000', '410721', '310000', '410100'])[1 + n % 5]))`;

/** Rows of one stretch of numbers: registration, record, feed entry, volume entry, place in the log. */
const stretch = `
create temporary table made as
select n, gen_random_uuid() as registration_id, gen_random_uuid() as record_id, gen_random_uuid() as entry_id,
  f.id as office_id, f.code, f.organization_id, ${facts} as facts, date '2026-11-01' - (n % 1000) as registered_on
from generate_series($FROM, $TO) n join bench_offices f on f.ordinal = n % ${offices};
insert into audit_records (id, type, subject_type, subject_id, organization_id, actor_kind)
select record_id, 'registration.register', 'registration', registration_id, organization_id, 'system' from made order by n;
insert into registrations (id, status, origin, office_id, office_code, office_organization_id, rule_set, rules, facts,
  technology_amount, filed_at, number, registered_at, registered_on, check_code)
select registration_id, 'registered', 'imported', office_id, code, organization_id, '2026-MIIT', '{}', facts,
  (facts ->> 'technologyAmount')::numeric, now(), '9' || lpad(n::text, 15, '0'), now(), registered_on, 'none' from made;
insert into registry_entries (id, audit_record_id, kind, registration_id, office_organization_id, number, revision, facts,
  registered_on, total_amount, technology_amount)
select entry_id, record_id, 'registered', registration_id, organization_id, '9' || lpad(n::text, 15, '0'), 1, facts,
  registered_on, (facts ->> 'totalAmount')::numeric, (facts ->> 'technologyAmount')::numeric from made;
insert into volume_entries (id, audit_record_id, kind, sign, registration_id, office_organization_id, origin, registered_on,
  signed_on, type, subtype, field, intellectual_property, plan_source, industry, seller_nature, buyer_nature, seller_region,
  buyer_region, size_band, total_amount, technology_amount)
select gen_random_uuid(), record_id, 'contract', 1, registration_id, organization_id, 'imported', registered_on,
  (facts ->> 'signedOn')::date, facts ->> 'type', facts ->> 'subtype', facts ->> 'fieldCode',
  facts ->> 'intellectualPropertyType', facts ->> 'planSourceCode', facts ->> 'industryCode',
  facts #>> '{seller,natureCode}', facts #>> '{buyer,natureCode}', facts #>> '{seller,regionCode}',
  facts #>> '{buyer,regionCode}',
  case when (facts ->> 'totalAmount')::numeric < 10000 then 'lt_10k' when (facts ->> 'totalAmount')::numeric < 100000
    then '10k_100k' else '100k_1m' end,
  (facts ->> 'totalAmount')::numeric, (facts ->> 'technologyAmount')::numeric from made;
insert into audit_log (position, record_id, hash, sealed_at)
select n, record_id, sha256(n::text::bytea), now() from made order by n;
insert into registry_feed (position, entry_id, office_organization_id, sealed_at)
select n, entry_id, organization_id, now() from made order by n;
drop table made;`;

/** Cases that wait for their second reviewer, each with its contract, spread over the offices. */
const accepted = `
create table bench_cases as
select n, gen_random_uuid() as case_id, gen_random_uuid() as contract_id, f.id as office_id, f.code, f.organization_id, f.first,
  ${facts} as facts, n % ${offices} as office
from generate_series(1, $CASES) n join bench_offices f on f.ordinal = n % ${offices};
insert into contracts (id, status, organization_id, content_sha256, title, type, subtype, subject, field_code, industry_code,
  intellectual_property_type, plan_source_code, objective_code, signed_on, valid_from, valid_until, total_amount,
  technology_amount, payment_mode)
select contract_id, 'filed', (select id from organizations where kind = 'university'), facts ->> 'contentSha256',
  facts ->> 'title', facts ->> 'type', facts ->> 'subtype', '开发与服务', facts ->> 'fieldCode', facts ->> 'industryCode',
  facts ->> 'intellectualPropertyType', facts ->> 'planSourceCode', '10', (facts ->> 'signedOn')::date,
  (facts ->> 'signedOn')::date, (facts ->> 'signedOn')::date + 900, (facts ->> 'totalAmount')::numeric,
  (facts ->> 'technologyAmount')::numeric, 'lump_sum' from bench_cases;
insert into contract_parties (id, contract_id, side, position, organization_id, name, nature_code, region_code)
select gen_random_uuid(), c.contract_id, s.side, 0, o.id, o.name, s.nature, o.region_code
from bench_cases c cross join (values ('seller', 'university', '022'), ('buyer', 'enterprise', '150')) s (side, kind, nature)
join organizations o on o.kind = s.kind;
insert into registrations (id, status, contract_id, contract_revision, office_id, office_code, office_organization_id,
  applicant_organization_id, rule_set, rules, facts, technology_amount, filed_at, accepted_at, due_on, first_reviewer_id)
select case_id, 'accepted', contract_id, 1, office_id, code, organization_id,
  (select id from organizations where kind = 'university'), '2026-MIIT',
  (select rules from registration_rules where code = '2026-MIIT'), facts, (facts ->> 'technologyAmount')::numeric, now(), now(),
  date '2026-12-20', first from bench_cases;`;

/** Makes a database of so many registered contracts, unless it is there; gives its name. */
export async function dealsTemplate(
  registered: number,
  cases: number,
  fresh: boolean,
  progress: Progress,
): Promise<string> {
  const template = `grand_market_bench_deals_${fingerprint()}_${registered}_${cases}`;
  const admin = new pg.Client({ connectionString: serverUrl() });
  await admin.connect();
  try {
    await admin.query("select pg_advisory_lock(hashtext('grand-market bench'))");
    if (fresh) await admin.query(`drop database if exists ${template} with (force)`);
    const found = await admin.query("select 1 from pg_database where datname = $1", [template]);
    if (found.rowCount === 0) {
      const building = `${template}_building`;
      await admin.query(`drop database if exists ${building} with (force)`);
      await admin.query(`create database ${building}`);
      await fill(urlOf(building), registered, cases, progress);
      await admin.query(`alter database ${building} rename to ${template}`);
    }
  } finally {
    await admin.end();
  }
  return template;
}

/** A copy of a template that may be written to, and a function that removes it. */
export async function copyOf(template: string, purpose = "run") {
  const name = `${template}_${purpose}_${process.pid}`;
  const run = async (statement: string) => {
    const admin = new pg.Client({ connectionString: serverUrl() });
    await admin.connect();
    await admin.query(statement);
    await admin.end();
  };
  await run(`create database ${name} template ${template} strategy file_copy`);
  return { name, drop: () => run(`drop database if exists ${name} with (force)`) };
}

async function fill(url: string, registered: number, cases: number, progress: Progress) {
  const database = connect({ connectionString: url, max: 1 });
  const { pool, db } = database;
  const each = 50_000;
  try {
    await migrate(database);
    await pool.query(
      "set statement_timeout = 0; set synchronous_commit = off; set work_mem = '256MB'",
    );
    await pool.query(people);
    for (let from = 1; from <= registered; from += each) {
      const to = Math.min(registered, from + each - 1);
      await pool.query(stretch.replaceAll("$FROM", `${from}`).replaceAll("$TO", `${to}`));
      progress(`registered contracts: ${to} of ${registered}`);
    }
    for (let from = 1; from <= registered; from += 200_000) {
      await addToSums(db, from, Math.min(registered, from + 199_999));
      progress(`summed: ${Math.min(registered, from + 199_999)} of ${registered}`);
    }
    await pool.query(
      `update sealer_state set position = ${registered}, hash = (select hash from audit_log where position = ${registered}),
       floor = pg_current_xact_id(), sealed_through = now()`,
    );
    await pool.query(accepted.replaceAll("$CASES", `${cases}`));
    await pool.query("vacuum (freeze, analyze)");
  } finally {
    await database.close();
  }
}
