/** A backup as a folder: its parts, the manifest, and `SHA256SUMS` over all of them, which `sha256sum -c` reads. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";

/** Told without a stack: somebody can mend it. */
export class BackupError extends Error {}

export const Manifest = z.strictObject({
  /** Version of the folder's layout. */
  format: z.literal(1),
  program: z.string(),
  madeAt: z.iso.datetime(),
  database: z.strictObject({
    kind: z.enum(["server", "embedded"]),
    /** `server_version_num` of PostgreSQL. */
    version: z.int(),
    migrations: z.array(z.string()),
  }),
  log: z.strictObject({ position: z.int(), hash: z.string() }),
  /** Rows of each table. */
  rows: z.record(z.string(), z.int()),
  files: z.int(),
  /** How many parts there are beside this manifest. */
  parts: z.int(),
  /** Folders that must be there though nothing may be in them. */
  folders: z.array(z.string()),
});
export type Manifest = z.output<typeof Manifest>;

/** Where the parts lie. */
export const names = {
  manifest: "manifest.json",
  sums: "SHA256SUMS",
  dump: "database.dump",
  database: "postgres",
  files: "files",
  keys: "signing-keys.json",
} as const;

/** SHA-256 of each part, by its path in the backup. */
export type Sums = Map<string, string>;

export async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Copies a file, for its owner only. @returns the SHA-256 of what was written */
export async function copyFile(from: string, to: string): Promise<string> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const hash = createHash("sha256");
  await pipeline(
    createReadStream(from, { highWaterMark: 1 << 20 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(to, { mode: 0o600 }),
  );
  return hash.digest("hex");
}

/** Files that are synced at once: the disk does several in one go. */
const syncedAtOnce = 32;

/** Waits until files are on the disk. In the end and together: one by one it takes a hundred times as long. */
export async function syncFiles(folder: string, paths: Iterable<string>): Promise<void> {
  const left = [...paths];
  const work = Array.from({ length: syncedAtOnce }, async () => {
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      const file = await open(join(folder, path), "r");
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    }
  });
  await Promise.all(work);
}

/** Everything in a folder, by path. */
async function walk(folder: string): Promise<{ files: string[]; folders: string[] }> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const pathOf = (entry: (typeof found)[number]) =>
    relative(folder, join(entry.parentPath, entry.name));
  return {
    files: found.filter((entry) => entry.isFile()).map(pathOf),
    folders: found.filter((entry) => entry.isDirectory()).map(pathOf),
  };
}

/** What a file was when it was copied. */
interface Copied {
  mark: string;
  at: number;
  sha256: string;
}

/** Milliseconds in which a file may change and keep its time of change. */
const grain = 1_000;

/**
 * Brings a copy of a folder up to date; what did not change since the last time is not read again. So a
 * folder that is written to is copied once while it changes, and once, fast, while it is held still.
 * @param copied what was copied by now, by path; is brought up to date too
 * @returns the folders in it, of which some may be empty
 */
export async function mirror(
  from: string,
  to: string,
  copied: Map<string, Copied>,
  isWanted: (path: string) => boolean = () => true,
): Promise<string[]> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const { files, folders: all } = await walk(from);
  const folders = all.filter((path) => isWanted(`${path}/`));
  for (const path of folders) await mkdir(join(to, path), { recursive: true, mode: 0o700 });
  const wanted = new Set(files.filter(isWanted));
  for (const path of copied.keys()) {
    if (wanted.has(path)) continue;
    copied.delete(path);
    await rm(join(to, path), { force: true });
  }
  for (const path of wanted) {
    const found = await stat(join(from, path)).catch(() => null);
    // Gone since it was listed: looked at again the next time.
    if (!found) continue;
    const mark = `${found.ino} ${found.size} ${found.mtimeMs}`;
    const before = copied.get(path);
    if (before?.mark === mark && before.at - found.mtimeMs > grain) continue;
    const at = Date.now();
    const sha256 = await copyFile(join(from, path), join(to, path)).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT" && !existsSync(join(from, path))) return null;
        throw error;
      },
    );
    if (sha256) copied.set(path, { mark, at, sha256 });
  }
  return folders;
}

/** Writes the manifest and the sums of everything, which are what makes a folder a backup. */
export async function seal(folder: string, manifest: Manifest, sums: Sums): Promise<void> {
  await syncFiles(folder, sums.keys());
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await writeSynced(join(folder, names.manifest), text);
  const all = new Map(sums).set(names.manifest, createHash("sha256").update(text).digest("hex"));
  const lines = [...all].sort().map(([path, sha256]) => `${sha256}  ${path}\n`);
  await writeSynced(join(folder, names.sums), lines.join(""));
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

const torn = (what: string) =>
  new BackupError(`This backup is not whole: ${what}. Nothing was restored; use another one.`);

/**
 * Reads a backup and looks at every byte of it.
 * @throws BackupError that names the part which is missing, cut short or changed
 */
export async function readBackup(folder: string): Promise<{ manifest: Manifest; sums: Sums }> {
  const read = (name: string) =>
    readFile(join(folder, name), "utf8").catch(() => {
      throw torn(`${name} is missing`);
    });
  const [text, listed] = [await read(names.manifest), await read(names.sums)];
  const sums: Sums = new Map();
  for (const line of listed.split("\n").slice(0, -1)) {
    const [, sha256, path] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
    const escapes = !path || path.startsWith("/") || path.split("/").includes("..");
    if (!sha256 || escapes) throw torn(`${names.sums} was changed`);
    sums.set(path, sha256);
  }
  if (!listed.endsWith("\n")) throw torn(`${names.sums} is cut short`);
  if (sums.get(names.manifest) !== createHash("sha256").update(text).digest("hex")) {
    throw torn(`${names.manifest} or ${names.sums} was changed`);
  }
  sums.delete(names.manifest);
  const parsed = Manifest.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new BackupError(`${names.manifest} is of another version of this program.`);
  }
  const manifest = parsed.data;
  if (sums.size !== manifest.parts) {
    throw torn(`${names.sums} names ${sums.size} parts of ${manifest.parts}`);
  }
  for (const [path, sha256] of sums) {
    const found = await hashOf(join(folder, path)).catch(() => {
      throw torn(`${path} is missing`);
    });
    if (found !== sha256) throw torn(`${path} was cut short or changed`);
  }
  return { manifest, sums };
}
