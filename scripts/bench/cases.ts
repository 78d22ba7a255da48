/** What is measured. */
import { needBody } from "./content.ts";

export const caseNames = ["one", "page", "own", "create"] as const;
export type CaseName = (typeof caseNames)[number];

export interface Case {
  title: string;
  /** Requests a second of this API, as a share of the floor's, that it has to reach. */
  target: number;
  method: "GET" | "POST";
  /** Needs the owner's token. */
  signedIn: boolean;
}

export const cases: Record<CaseName, Case> = {
  one: { title: "one published result", target: 0.8, method: "GET", signedIn: false },
  page: { title: "a filtered page of 20", target: 0.8, method: "GET", signedIn: false },
  own: { title: "the owner's page, with a token", target: 0.7, method: "GET", signedIn: true },
  create: { title: "creating a need", target: 0.5, method: "POST", signedIn: true },
};

/** Fields that the filtered page is asked for, in turn. */
export const fieldCodes = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11"];

/** The addresses of a case, in turn. */
export function pathsOf(name: CaseName, resultIds: readonly string[]): string[] {
  if (name === "one") return resultIds.map((id) => `/v1/results/${id}`);
  if (name === "page") return fieldCodes.map((code) => `/v1/results?fieldCode=${code}&limit=20`);
  return [name === "own" ? "/v1/results?scope=own&limit=20" : "/v1/needs"];
}

export const bodyOf = (name: CaseName): string | undefined =>
  name === "create" ? JSON.stringify(needBody) : undefined;

/** A statement of this API as its driver got it, for the floor to send the same. */
export interface Statement {
  text: string;
  values: unknown[];
}

/** What the floor is built from. */
export interface Capture {
  statements: Record<CaseName, Statement>;
  /** JSON Schema of each reply, as this API's own serializers are compiled from. */
  schemas: Record<CaseName, object>;
  /** The values in the statements that a request replaces. */
  sample: { resultId: string; fieldCode: string; needId: string };
  /** The owner as the reply shows it. */
  organization: Record<string, unknown>;
}

/** How a child process is started. */
export interface Job {
  databaseUrl: string;
  keyFile: string;
  connections: number;
  capture?: Capture;
}
export type Role = "api" | "floor" | "capture";

export interface Memory {
  rss: number;
  /** The most that was seen since it was last asked. */
  most: number;
  /** CPU time since the process started, in ms, all of its threads. */
  cpu: number;
}

/** What a child process is asked, and what it answers. */
export type Question = { start: Job } | { ask: "memory" | "token" | "stop" };
export interface Answer {
  ready?: { port: number };
  capture?: Capture;
  memory?: Memory;
  token?: string;
}
