/** What came back of all that was sent, and what of it is not as it should be. */
import { type Body, type Caller, TourFailure } from "../tour/caller.ts";
import type { Member } from "./market.ts";

export interface Answer {
  /** Null: no answer came, so nobody knows whether it was carried out. */
  status: number | null;
  headers: Headers;
  body: Body;
  text: string;
  /** Seconds to wait before the next try. */
  retryAfter: number;
}

export interface Request {
  method: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Tally {
  /** How often each status came; `cut` where the connection ended without one. */
  codes: Record<string, number>;
  /** What should not have come, one of each kind. */
  faults: string[];
  /** Milliseconds that reads took which were answered with 2xx. */
  readTimes: number[];
  /** Sends one request once and notes what came. @param fits further statuses that are right here */
  send: (
    member: Member,
    caller: Caller,
    request: Request,
    fits?: readonly number[],
  ) => Promise<Answer>;
  fault: (what: string) => void;
}

/** Milliseconds after which a caller gives up. */
const patience = 40_000;

const mostFaults = 10;

/** Whether a status is one that callers are promised. */
function isPromised(status: number, headers: Headers): boolean {
  if ((status >= 200 && status < 300) || status === 304) return true;
  // Its key is still at work, in another request.
  if (status === 409 || status === 503 || status === 507) return headers.has("retry-after");
  return false;
}

export function openTally(): Tally {
  const codes: Record<string, number> = {};
  const faults: string[] = [];
  const readTimes: number[] = [];
  const count = (code: string) => {
    codes[code] = (codes[code] ?? 0) + 1;
  };
  const kinds = new Set<string>();
  const fault = (what: string, kind = what) => {
    if (kinds.has(kind) || kinds.size >= mostFaults) return;
    kinds.add(kind);
    faults.push(what);
  };

  const send: Tally["send"] = async (
    member,
    caller,
    { method, path, body, headers },
    fits = [],
  ) => {
    const began = performance.now();
    try {
      const isForm = body instanceof FormData;
      const token = caller.token ? await caller.token() : null;
      const response = await fetch(`${member.url}${path}`, {
        method,
        headers: {
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(body === undefined || isForm ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        body: body === undefined ? null : isForm ? body : JSON.stringify(body),
        signal: AbortSignal.timeout(patience),
      });
      const text = await response.text();
      const { status } = response;
      count(String(status));
      if (!isPromised(status, response.headers) && !fits.includes(status)) {
        const log = member.logOf(response.headers.get("request-id") ?? "none");
        const said = log.slice(0, 1_500) || text.slice(0, 300);
        fault(`${method} ${path} answered ${status}: ${said}`, String(status));
      }
      if (method === "GET" && status < 300) readTimes.push(performance.now() - began);
      const isJson = response.headers.get("content-type")?.includes("json") && text !== "";
      return {
        status,
        headers: response.headers,
        body: isJson ? JSON.parse(text) : null,
        text,
        retryAfter: Number(response.headers.get("retry-after") ?? 1),
      };
    } catch (error) {
      // Signing in again failed; the next try does it again.
      if (!(error instanceof TourFailure)) count("cut");
      const { name, cause } = error as Error & { cause?: { code?: string } };
      if (!member.wasEnded(began, performance.now())) {
        const why = cause?.code ?? name;
        fault(`${method} ${path} got no answer: ${why}`, why);
      }
      return { status: null, headers: new Headers(), body: null, text: "", retryAfter: 0.2 };
    }
  };
  return { codes, faults, readTimes, send, fault };
}

export const isDone = ({ status }: Answer): boolean =>
  status !== null && status >= 200 && status < 300;
