/** Somebody who speaks HTTP with the market, and the lines that a person follows the tour by. */

// Replies are read for what the tour shows; what the API sends is checked by its own tests.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Body = any;

export interface Reply {
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}

/** The market did not do what the tour says that it does. */
export class TourFailure extends Error {}

/** Fails the tour unless it is so. */
export function expect(truth: boolean, what: string): asserts truth {
  if (!truth) throw new TourFailure(what);
}

interface CallOptions {
  body?: unknown;
  /** The status that it must answer with; any success when absent. */
  status?: number;
  headers?: Record<string, string>;
}

/** Calls the market, under one token or none. */
export interface Caller {
  who: string;
  /** Gives a token that is valid now; null calls as nobody. */
  token: (() => Promise<string>) | null;
  call: (method: string, path: string, options?: CallOptions) => Promise<Reply>;
  get: (path: string) => Promise<Body>;
  post: (path: string, body?: unknown) => Promise<Body>;
  /** Merge patch of the version that was just read. */
  patch: (path: string, body: unknown) => Promise<Body>;
  upload: (query: Record<string, string>, file: File) => Promise<Body>;
}

export function callerOf(url: string, who: string, token: Caller["token"]): Caller {
  const call: Caller["call"] = async (method, path, { body, status, headers } = {}) => {
    const isForm = body instanceof FormData || body instanceof URLSearchParams;
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        "accept-language": "en",
        ...(token ? { authorization: `Bearer ${await token()}` } : {}),
        ...(body === undefined || isForm ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? null : isForm ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    const reply = {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== "" && !text.includes("\n{") ? (JSON.parse(text) as Body) : null,
      text,
    };
    const fits = status === undefined ? response.ok : response.status === status;
    expect(fits, `${who}: ${method} ${path} answered ${response.status}: ${text.slice(0, 1000)}`);
    return reply;
  };
  const get: Caller["get"] = async (path) => (await call("GET", path)).body;
  return {
    who,
    token,
    call,
    get,
    post: async (path, body) => (await call("POST", path, { body })).body,
    patch: async (path, body) => {
      const etag = (await call("GET", path)).headers.get("etag") ?? "";
      return (await call("PATCH", path, { body, headers: { "if-match": etag } })).body;
    },
    upload: async (query, file) => {
      const body = new FormData();
      body.append("file", file);
      return (await call("POST", `/v1/attachments?${new URLSearchParams(query)}`, { body })).body;
    },
  };
}

/** A person who signs in; the token is renewed before it expires. */
export async function person(
  url: string,
  who: string,
  email: string,
  password: string,
): Promise<Caller> {
  const nobody = callerOf(url, who, null);
  let token = "";
  let until = 0;
  const fresh = async () => {
    if (performance.now() < until) return token;
    const { accessToken, expiresIn } = await nobody.post("/v1/auth/login", { email, password });
    token = accessToken;
    until = performance.now() + (expiresIn - 30) * 1000;
    return token;
  };
  await fresh();
  return callerOf(url, who, fresh);
}

/** An organization's own system, with client credentials (RFC 6749 4.4). */
export function machine(url: string, who: string, clientId: string, clientSecret: string): Caller {
  const nobody = callerOf(url, who, null);
  let token: Promise<string> | undefined;
  const grant = async () => {
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: clientSecret,
    });
    return (await nobody.call("POST", "/oauth/token", { body })).body.access_token as string;
  };
  return callerOf(url, who, () => {
    token ??= grant();
    return token;
  });
}
