/**
 * What errors of the database's driver and of the system mean to a caller, in one place. Found down the
 * chain of causes: drizzle wraps the pool's error, the pool the driver's, Node those of several addresses.
 */
import { AppError } from "./errors.ts";
import type { Text } from "./language.ts";

/** `away`: it cannot be used now. `full`: no room to write. `again`: this try lost against another one. */
type Kind = "away" | "full" | "again";

export interface Outage {
  kind: Kind;
  /** SQLSTATE, code of the system, or a word for it: for the log. */
  state: string;
}

/**
 * SQLSTATEs and their classes (PostgreSQL, appendix A), the longest that fits decides. What is in none of
 * these is a fault of ours: a statement that is wrong, a constraint that no code checked.
 */
const states: Readonly<Record<string, Kind>> = {
  "08": "away", // the connection failed
  "25006": "away", // it became a standby that only reads
  "25P03": "away", // the transaction idled too long: this process was frozen
  "25P04": "away", // the transaction took too long
  "28": "away", // it does not let us in any more
  "3D000": "away", // the database is gone
  "40001": "again", // serialization failure
  "40P01": "again", // deadlock
  "40": "away",
  "53100": "full",
  "53": "away", // out of memory, connections or another resource
  "55006": "away", // the database is in use by a command that wants it alone
  "55P03": "away", // lock time-out
  "57": "away", // shut down, crashed, starting; statement time-out or cancelled
  "58": "away", // its own system fails it: input and output
};

/** Codes of the system, of Node's resolver, streams and TLS. */
const codes: Readonly<Record<string, Kind>> = {
  ENOSPC: "full",
  EDQUOT: "full",
  ...Object.fromEntries(
    [
      ["ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "ENOTCONN"],
      ["EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH", "ENETDOWN", "EADDRNOTAVAIL"],
      ["ENOTFOUND", "EAI_AGAIN", "EAI_FAIL", "EMFILE", "ENFILE", "EIO", "EROFS"],
      ["ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END"],
    ]
      .flat()
      .map((code) => [code, "away"] as const),
  ),
};

/** What the driver, its pool and the embedded database say without any code. */
const sayings =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client (has encountered a connection error|was closed)|Cannot use a pool after calling end|Received unexpected \w+ message from backend|There was an error establishing an SSL connection|PGlite is clos|PGlite failed)/;

interface Thrown {
  code?: unknown;
  severity?: unknown;
  syscall?: unknown;
  message?: unknown;
  cause?: unknown;
  errors?: unknown;
}

/** An error and all that it came of, the outermost first. */
export function causesOf(error: unknown): Thrown[] {
  const found: Thrown[] = [];
  const open: unknown[] = [error];
  while (open.length > 0 && found.length < 20) {
    const next = open.shift();
    if (typeof next !== "object" || next === null || found.includes(next)) continue;
    const thrown: Thrown = next;
    found.push(thrown);
    open.push(thrown.cause, ...(Array.isArray(thrown.errors) ? thrown.errors : []));
  }
  return found;
}

/** Whether the server itself answered with this error: only its errors have a severity. */
const isAnswer = ({ severity }: Thrown) => typeof severity === "string";

function kindOf(thrown: Thrown): Kind | undefined {
  const { code, syscall, message } = thrown;
  if (typeof code === "string") {
    if (isAnswer(thrown)) return states[code] ?? states[code.slice(0, 2)];
    // The socket file of a server that is not there; any other file that is missing is none of its.
    if (syscall === "connect") return "away";
    // A caller that hung up is no outage.
    if (code in codes && message !== "aborted") return codes[code];
  }
  return typeof message === "string" && sayings.test(message) ? "away" : undefined;
}

/** What kind of outage an error tells of; null when it is none. */
export function outageOf(error: unknown): Outage | null {
  for (const thrown of causesOf(error)) {
    const kind = kindOf(thrown);
    if (!kind) continue;
    return { kind, state: typeof thrown.code === "string" ? thrown.code : "connection" };
  }
  return null;
}

/** What keeps all rows from being done alike: connections, sessions, room. */
const ofAll =
  /^(connection|08...|57P..|25P0.|53[134]00|28...|3D...|55006|ENOSPC|EDQUOT|EROFS|E[MN]FILE|EAI_\w+|ERR_STREAM_\w+|E\w*(CONN|PIPE|TIMEDOUT|UNREACH|DOWN|NOTFOUND|ADDR)\w*)$/;

/** Thrown when the thread that had some work died of it, or of something else: another one is started. */
export class ThreadDied extends Error {}

/**
 * Whose fault it is that work on a row failed: of what is away or full for all rows, of who holds a lock,
 * or the row's. One that runs into the time-out of a statement, out of memory or into a page of the disk
 * that cannot be read does so again and again: its own fault, until that is mended.
 */
export function blameOf(error: unknown): "outage" | "lock" | "row" {
  // Without a thread no row can be done: a run for each would start as many threads.
  if (error instanceof ThreadDied) return "outage";
  const outage = outageOf(error);
  if (!outage) return "row";
  if (outage.kind === "again" || outage.state === "55P03") return "lock";
  return ofAll.test(outage.state) ? "outage" : "row";
}

/**
 * Whether an error leaves open what the server did: it said nothing, or ended the session while it was at
 * it. An answer of any other kind is its last word: nothing is stored.
 */
export function isLost(error: unknown): boolean {
  const answer = causesOf(error).find(isAnswer);
  if (!answer) return outageOf(error) !== null;
  return /^(08|57P|25P0[34]|40003)/.test(String(answer.code));
}

/** Whether the server answered, whatever it said. */
export const isAnswered = (error: unknown): boolean => causesOf(error).some(isAnswer);

/** Thrown when the connection was lost while the commit was on its way: it happened, or it did not. */
export class UnknownOutcome extends Error {}

/** What a caller does whose change may be stored or not. */
export const unknownOutcome: { detail: Text; members: { outcome: "unknown" } } = {
  detail: {
    en: "Whether this change was stored is not known. Send the same request again with the same Idempotency-Key: it answers with the stored reply, or does it now. Without a key, first read whether it is there.",
    zh: "本次变更是否已保存尚不确定。请携带相同的 Idempotency-Key 重新发送同一请求：已保存的返回原响应，未保存的即行办理。未使用 Idempotency-Key 的，请先查询是否已保存，再决定是否重发。",
  },
  members: { outcome: "unknown" },
};

const locked: Text = {
  en: "Another change holds what this request needs: try again shortly.",
  zh: "所需数据正被其他变更占用：请稍后重试。",
};

/** Seconds after which to try again. A disk is not emptied as fast as a server comes back. */
const retryAfter = { away: 2, again: 1, full: 30 };

/** The refusal that an outage is answered with; null when the error is none. */
export function outageRefusal(error: unknown): AppError | null {
  const outage = outageOf(error);
  if (!outage && !(error instanceof UnknownOutcome)) return null;
  const { kind, state } = outage ?? { kind: "away", state: "" };
  const headers = { "retry-after": String(retryAfter[kind]) };
  if (error instanceof UnknownOutcome) {
    return new AppError("server.unavailable", { ...unknownOutcome, headers });
  }
  if (kind === "full") return new AppError("storage.full", { headers });
  const isLocked = kind === "again" || state === "55P03";
  return new AppError("server.unavailable", { headers, ...(isLocked && { detail: locked }) });
}
