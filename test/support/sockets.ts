/** Callers that speak bytes, to a server that really listens: what no well-behaved client does. */
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

export interface Dialled {
  socket: Socket;
  /** All that came so far. */
  text: () => string;
  /** Milliseconds from the dialling to the end of the connection, by whichever side and however. */
  closed: Promise<number>;
  isClosed: () => boolean;
}

/** Connects and sends `bytes`; reads what comes, unless told not to. */
export async function dial(port: number, bytes = "", reads = true): Promise<Dialled> {
  const started = performance.now();
  // A caller closes when the server does, as `fetch` and proxies would.
  const socket = createConnection({ port, host: "127.0.0.1" });
  let text = "";
  let isClosed = false;
  if (reads) {
    socket.on("data", (data) => {
      text += data;
    });
  } else socket.pause();
  // A reset is one way of ending.
  socket.on("error", () => {});
  const closed = new Promise<number>((resolve) => {
    socket.on("close", () => {
      isClosed = true;
      resolve(performance.now() - started);
    });
  });
  await once(socket, "connect");
  socket.write(bytes);
  return { socket, text: () => text, closed, isClosed: () => isClosed };
}

/** The head of a request with a JSON body of `length` bytes. */
export const headOf = (method: string, path: string, token: string, length: number, more = "") =>
  `${method} ${path} HTTP/1.1\r\nHost: market.test\r\nAuthorization: Bearer ${token}\r\n` +
  `Content-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n`;

/** Status, head and body of the first reply in what came. */
export function replyIn(text: string): { status: number; head: string; body: string } {
  const at = text.indexOf("\r\n\r\n");
  const head = text.slice(0, at);
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  return { status, head, body: text.slice(at + 4, at + 4 + length) };
}
