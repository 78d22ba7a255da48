/** A market on a PostgreSQL server of its own, which a test may stop, freeze and fill. */
import type { Test } from "tap";
import { type Cluster, findBinaries, makeCluster } from "../../scripts/cluster.ts";
import { connect, type Database } from "../../src/database/connect.ts";
import { migrate } from "../../src/database/migrate.ts";

/** Why a test that needs such a server is not run; false where it is. */
export const noServer: string | false =
  findBinaries() === null && "this machine has no PostgreSQL server to start";

/** As the service holds its sessions to. */
export const limits = { lockTimeout: 2_000 };

export const open = (url: string, max = 10): Database =>
  connect({ connectionString: url, max }, limits);

/** Starts a server, migrated; it is removed when the tests have ended. */
export async function startCluster(t: Test): Promise<Cluster> {
  const cluster = await makeCluster();
  t.teardown(() => cluster.remove());
  await cluster.start();
  const database = connect({ connectionString: cluster.url, max: 2 });
  await migrate(database);
  await database.close();
  return cluster;
}
