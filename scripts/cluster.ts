/** A private PostgreSQL server, from the machine's binaries, to be stopped, frozen and thrown away. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";

export interface Cluster {
  /** Of its database `postgres`, as a superuser. */
  url: string;
  port: number;
  /** Starts it and waits until it takes connections. */
  start: () => Promise<void>;
  /** `fast` ends the sessions, `immediate` is a crash: it recovers at the next start. */
  stop: (mode: "fast" | "immediate") => Promise<void>;
  /** Stops all of its processes where they are: connections stay open, nobody answers. */
  freeze: () => void;
  thaw: () => void;
  /** Ends it and removes its files. */
  remove: () => Promise<void>;
}

/** Where this machine has the server's programs; null where it has none. */
export function findBinaries(): string | null {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => +b - +a) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env.PATH ?? "").split(":").filter(Boolean),
  ];
  return folders.find((folder) => existsSync(join(folder, "initdb"))) ?? null;
}

/** The server refuses to run as root: then it runs as `postgres`, whom its package makes. */
function userOfServer(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string) =>
    Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });

/**
 * Makes a cluster in a folder of its own; it is not started yet.
 * @param settings of postgresql.conf, beside few connections and little memory
 * @param place the folder to make it under, such as a small disk
 * @throws Error where this machine has no PostgreSQL: see `findBinaries`
 */
export async function makeCluster(
  settings: Record<string, string> = {},
  place = tmpdir(),
): Promise<Cluster> {
  const bin = findBinaries();
  if (!bin) throw new Error("this machine has no PostgreSQL server");
  const user = userOfServer();
  const folder = mkdtempSync(join(place, "grand-market-cluster-"));
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  if (user.uid !== undefined && user.gid !== undefined) {
    chownSync(folder, user.uid, user.gid);
    chownSync(data, user.uid, user.gid);
  }
  const initdb = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"];
  execFileSync(join(bin, "initdb"), [...initdb, "--no-sync"], {
    ...user,
    cwd: folder,
    stdio: "pipe",
  });
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const all = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: folder,
    shared_buffers: "32MB",
    max_connections: "60",
    // A killed process loses nothing that it handed to the system: only a power cut would.
    fsync: "off",
    ...settings,
  };
  const options = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  let server: ChildProcess | null = null;
  let log = "";
  // No server is left behind by a run that was ended: a crash is as good as any stop here.
  const setpriv = "/usr/bin/setpriv";
  const withParent = existsSync(setpriv) ? [setpriv, "--pdeathsig", "QUIT", "--"] : [];
  const killAtExit = () => server?.kill("SIGQUIT");
  process.on("exit", killAtExit);

  async function start(): Promise<void> {
    const [program = "", ...given] = [...withParent, join(bin ?? "", "postgres"), "-D", data];
    const started = spawn(program, [...given, ...options], {
      ...user,
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    server = started;
    started.stderr?.on("data", (chunk) => {
      log = `${log}${chunk}`.slice(-4_000);
    });
    for (;;) {
      if (started.exitCode !== null) throw new Error(`PostgreSQL did not start: ${log}`);
      if (await answers(url)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function stop(mode: "fast" | "immediate"): Promise<void> {
    const running = server;
    if (!running || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill(mode === "fast" ? "SIGINT" : "SIGQUIT");
    await ended;
    server = null;
  }

  /** Sends a signal to all processes of the server, the one that makes the others first. */
  function signalAll(signal: "SIGSTOP" | "SIGCONT"): void {
    const postmaster = server?.pid;
    if (!postmaster) return;
    process.kill(postmaster, signal);
    for (const pid of childrenOf(postmaster)) {
      try {
        process.kill(pid, signal);
      } catch {
        // It ended in between.
      }
    }
  }

  return {
    url,
    port,
    start,
    stop,
    freeze: () => signalAll("SIGSTOP"),
    thaw: () => signalAll("SIGCONT"),
    remove: async () => {
      signalAll("SIGCONT");
      await stop("immediate");
      process.off("exit", killAtExit);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

function childrenOf(pid: number): number[] {
  try {
    const listed = execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
    return listed.split("\n").map(Number).filter(Boolean);
  } catch {
    // `ps` fails when there are none.
    return [];
  }
}
