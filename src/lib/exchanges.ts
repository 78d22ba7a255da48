/**
 * What a connection is doing, and when a caller has had its time: one request at a time, a body that
 * arrives, a reply that is taken. Times in milliseconds of `performance.now()`.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ErrorCode } from "./errors.ts";

/** One request and its reply. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** It takes or sends a whole file, which may last. */
  transfers: boolean;
  /** Answers it with a refusal and ends the connection; null until a route has it. */
  refuse: ((code: ErrorCode) => void) | null;
  startedAt: number;
  /** When all of the request was there; null before. */
  arrivedAt: number | null;
  /** When all of the reply was handed to the system; null before. */
  answeredAt: number | null;
}

/** How far a side had come, and when it last got on. */
interface Progress {
  bytes: number;
  at: number;
}

export interface Connection {
  readonly socket: Socket;
  running: Exchange | null;
  /** Requests that came before the running one was answered. */
  readonly waiting: Exchange[];
  received: Progress;
  taken: Progress;
  /** Nothing more is answered after what is there: the caller sends what is no HTTP, or was too slow. */
  isLast: boolean;
  /** Once set, the connection was closed by this side, and is cut then if the other did not follow. */
  cutAt: number | null;
}

/** All in milliseconds. */
export interface Limits {
  /** For a request to arrive; of a file for each pause. */
  request: number;
  /** From there to the beginning of the reply. */
  handler: number;
  /** For a reply, or a substantial part of it, to be taken. */
  reply: number;
  /** For a file, and for anything else that gets on all the while. */
  transfer: number;
}

/** Bytes that a caller takes within `reply`, or it is taken for one who only keeps the connection. */
const leastTaken = 16 * 1024;

/** Memory of a request that waits with its reply still to be made: about this much (measured: 3.4 kB). */
const waitingBytes = 4 * 1024;

/**
 * Nothing public tells how much of one large write has left. This is what Node itself reads when a
 * socket's time-out looks whether it is really idle (lib/net.js, `_onTimeout`).
 */
interface Handle {
  bytesWritten: number;
  writeQueueSize: number;
}
const handleOf = (socket: Socket) => (socket as unknown as { _handle: Handle | null })._handle;

/** Bytes of replies that the system has taken over so far. */
export function takenBytes(socket: Socket): number {
  const handle = handleOf(socket);
  return handle ? handle.bytesWritten - handle.writeQueueSize : socket.bytesWritten;
}

/** Bytes that the process holds for a connection: what it has not taken, and requests that wait. */
export function heldBytes({ socket, waiting }: Connection): number {
  return socket.bytesWritten - takenBytes(socket) + waiting.length * waitingBytes;
}

export const isOver = ({ answeredAt, request }: Exchange): boolean =>
  answeredAt !== null && request.complete;

/** What is to be done about a connection: refuse its request with this code, or cut it for this reason. */
export type Verdict = { refuse: ErrorCode } | { cut: string } | null;

/** Looks how a connection got on since the last look, and whether its time is up. */
export function judge(connection: Connection, limits: Limits, now: number): Verdict {
  const { socket, running, taken } = connection;
  if (connection.cutAt !== null) return now >= connection.cutAt ? { cut: "closed" } : null;
  const bytes = takenBytes(socket);
  const isTaken = socket.bytesWritten === bytes;
  if (isTaken || bytes - taken.bytes >= leastTaken) connection.taken = { bytes, at: now };
  else if (now - taken.at > limits.reply) return { cut: "reply not taken" };
  if (running === null) return null;
  if (!running.request.complete) return judgeArrival(connection, running, limits, now);
  running.arrivedAt ??= now;
  if (!running.response.headersSent && now - running.arrivedAt > limits.handler) {
    return { refuse: "server.overloaded" };
  }
  const isLong = now - running.arrivedAt > Math.max(limits.transfer, limits.handler);
  return isLong && running.answeredAt === null ? { cut: "reply too slow" } : null;
}

function judgeArrival(
  connection: Connection,
  running: Exchange,
  limits: Limits,
  now: number,
): Verdict {
  const { request, answeredAt, startedAt, transfers } = running;
  // What has arrived and nobody reads is not the sender's fault.
  const isUnread = request.readableLength >= request.readableHighWaterMark;
  const { bytesRead } = connection.socket;
  if (isUnread || bytesRead !== connection.received.bytes) {
    connection.received = { bytes: bytesRead, at: now };
  }
  // Who is answered already sends what nobody wants.
  if (answeredAt !== null) return now - answeredAt > limits.request ? { cut: "late" } : null;
  const isLate = transfers
    ? now - connection.received.at > limits.request ||
      now - startedAt > Math.max(limits.transfer, limits.request)
    : now - startedAt > limits.request;
  if (!isLate) return null;
  // Its reply has begun: no other can be sent.
  if (running.response.headersSent) return { cut: "late" };
  return { refuse: isUnread ? "server.overloaded" : "request.timeout" };
}
