/** A line to a server that can be cut in the middle of a commit. */
import { connect, createServer, type Socket } from "node:net";
import type { Test } from "tap";

export interface Proxy {
  port: number;
  /**
   * Cuts the line at the next commit: `before` the server hears of it, or `after`, once it has answered
   * and before the answer is passed on.
   */
  cutCommit: (when: "before" | "after") => void;
}

export async function openProxy(t: Test, port: number): Promise<Proxy> {
  let cut: "before" | "after" | null = null;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    let isCutting = false;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", end).on("close", end);
    }
    client.on("data", (bytes) => {
      if (cut && bytes.includes("commit\0")) {
        isCutting = cut === "after";
        const isBefore = cut === "before";
        cut = null;
        if (isBefore) return end();
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (!isCutting) client.write(bytes);
      else if (bytes.includes("COMMIT\0")) end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    cutCommit: (when) => {
      cut = when;
    },
  };
}
