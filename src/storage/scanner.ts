/** Asks clamd whether a file is infected, by its protocol INSTREAM (clamd(8)). */
import { createReadStream } from "node:fs";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";

/** What a scanner found: the name of a signature; `too large`: it takes no file of this size; null: nothing. */
export type Finding = { signature: string } | "too large" | null;

export interface Scanner {
  /** @throws Error when there is no answer in time, or none that says either: the file is not scanned then */
  scan: (path: string) => Promise<Finding>;
  /** @throws Error when it does not answer */
  ping: () => Promise<void>;
}

/** `host:port`, an IPv6 address in brackets, or the path of a socket. */
export const scannerAddress =
  /^(?:\/.+|(?:\[[\da-f:.]+\]|[\w.-]+):(?:[1-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]))$/i;

/** Bytes that are sent at once, and characters of an answer at most. */
const pieceSize = 64 * 1024;
const longestAnswer = 4096;

function optionsOf(address: string): NetConnectOpts {
  if (address.startsWith("/")) return { path: address };
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(address.slice(colon + 1)) };
}

/** The answer that comes after `send`, up to its final zero; it may also come before all is sent. */
async function ask(
  address: string,
  milliseconds: number,
  send: (socket: Socket) => Promise<void>,
): Promise<string> {
  const socket = connect(optionsOf(address));
  const late = setTimeout(() => socket.destroy(new Error("no answer in time")), milliseconds);
  try {
    return await new Promise<string>((resolve, reject) => {
      let answer = "";
      socket.setEncoding("utf8").on("data", (text: string) => {
        answer += text;
        const end = answer.indexOf("\0");
        if (end !== -1) resolve(answer.slice(0, end));
        else if (answer.length > longestAnswer) reject(new Error("the answer does not end"));
      });
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("closed without an answer")));
      // Why it could not be sent the socket tells, unless the file cannot be read.
      send(socket).catch((error: Error) => socket.destroy(error));
    });
  } finally {
    clearTimeout(late);
    socket.on("error", () => {}).destroy();
  }
}

/** Each piece with its length before it, and a piece of no length at the end. */
async function* framed(pieces: AsyncIterable<Buffer>) {
  yield "zINSTREAM\0";
  for await (const piece of pieces) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(piece.length);
    yield length;
    yield piece;
  }
  yield Buffer.alloc(4);
}

/** @param milliseconds that a file may take in all */
export function clamd(address: string, milliseconds: number): Scanner {
  return {
    async scan(path) {
      const file = createReadStream(path, { highWaterMark: pieceSize });
      const answer = await ask(address, milliseconds, (socket) =>
        pipeline(file, framed, socket, { end: false }),
      );
      if (answer === "stream: OK") return null;
      const signature = /^stream: (.+) FOUND$/.exec(answer)?.[1];
      if (signature) return { signature };
      if (answer.startsWith("INSTREAM size limit exceeded")) return "too large";
      throw new Error("an answer that says neither");
    },
    async ping() {
      const answer = await ask(address, Math.min(milliseconds, 5_000), async (socket) => {
        socket.write("zPING\0");
      });
      if (answer !== "PONG") throw new Error("it is no clamd");
    },
  };
}
