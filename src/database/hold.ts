/**
 * Holding the embedded database still, for a backup made by another process of this machine. Its worker
 * thread sleeps between two statements, so that the files do not change and are those that a killed
 * process would leave: opened elsewhere they have everything that was acknowledged. Requests wait meanwhile.
 */
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect as dial, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Worker } from "node:worker_threads";

/** Milliseconds after which the worker goes on by itself. */
const longest = 30_000;

/** Names the socket: its own path must be short, that of the folder may be long. */
const nameIn = (folder: string) => join(folder, "hold");

/**
 * Listens for who wants the database of `folder` held. One at a time; a hold ends with its connection.
 * @param socketFolder a folder that only this user reaches
 * @param worker the thread that runs it now; null while there is none
 * @returns a function that stops it
 */
export async function offerHold(
  folder: string,
  socketFolder: string,
  worker: () => Worker | null,
): Promise<() => void> {
  // Windows has no such sockets: there the market is stopped for a backup.
  if (process.platform === "win32") return () => {};
  const held = new Int32Array(new SharedArrayBuffer(4));
  let holder: Socket | null = null;
  const release = () => {
    Atomics.store(held, 0, 0);
    Atomics.notify(held, 0);
  };
  const server = createServer((socket) => {
    socket.on("error", () => {});
    const running = worker();
    if (holder || !running) {
      socket.end("busy\n");
      return;
    }
    holder = socket;
    socket.once("close", () => {
      holder = null;
      release();
    });
    // Whether it was held until now: the worker may have gone on by itself.
    socket.once("data", () => {
      const wasHeld = Atomics.load(held, 0) === 1;
      release();
      socket.end(wasHeld ? "whole\n" : "late\n");
    });
    Atomics.store(held, 0, 1);
    running.once("message", () => socket.write("held\n"));
    const onExit = () => socket.destroy();
    running.once("exit", onExit);
    socket.once("close", () => running.off("exit", onExit));
    running.postMessage({ held, longest });
  });
  server.listen(join(socketFolder, "hold"));
  await once(server, "listening");
  // Running out of file descriptors costs a backup, not the market.
  server.on("error", () => {});
  try {
    writeFileSync(nameIn(folder), join(socketFolder, "hold"), { mode: 0o600 });
  } catch {
    // A full disk costs a backup while the market runs, not the market.
  }
  return () => {
    holder?.destroy();
    release();
    server.close();
    rmSync(nameIn(folder), { force: true });
  };
}

/**
 * Has the market that runs on `folder` hold its database while `work` reads the files.
 * @returns whether it was held all the while; null when no market can be asked here
 * @throws Error when another backup holds it, or what `work` throws
 */
export async function whileHeld(
  folder: string,
  work: () => Promise<void>,
): Promise<boolean | null> {
  let path: string;
  try {
    path = readFileSync(nameIn(folder), "utf8");
  } catch {
    return null;
  }
  const socket = dial(path);
  try {
    await once(socket, "connect");
  } catch {
    // Left by a process that was killed.
    return null;
  }
  const answers = createInterface(socket)[Symbol.asyncIterator]();
  try {
    const answer = (await answers.next()).value;
    if (answer !== "held") throw new Error("another backup of this market is being made");
    await work();
    socket.write("done\n");
    return (await answers.next()).value === "whole";
  } finally {
    socket.destroy();
  }
}
