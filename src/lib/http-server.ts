/**
 * Node's HTTP server with bounds that Node does not have: the requests of a connection are answered one
 * after the other, a caller who does not send or does not read is cut off, and closing ends in time.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import {
  type Connection,
  type Exchange,
  heldBytes,
  isOver,
  judge,
  type Limits,
  takenBytes,
} from "./exchanges.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface BoundedServers {
  /** Makes a server that gives its requests to `handler`. */
  create: (handler: Handler) => Server;
  /** The exchange of a request that came over a connection; undefined for one that a test injected. */
  exchangeOf: (request: IncomingMessage) => Exchange | undefined;
  connectionOf: (socket: Socket) => Connection | undefined;
  /** Sends FIN, and cuts the connection a moment later, whether or not the caller goes on. */
  close: (connection: Connection) => void;
  /**
   * Lets go of callers: answers say `Connection: close`, and a moment passes in which callers that are
   * between two requests hear of it. Whatever is open `milliseconds` later is cut.
   */
  stop: (milliseconds: number) => Promise<void>;
  /** Ends the watch, and tells how many requests the stop has cut. */
  ended: () => number;
  openConnections: () => number;
  /** Whether the connection is to be closed after the reply to this request. */
  isLastReply: (request: IncomingMessage) => boolean;
}

interface Options {
  limits: Limits;
  /** Milliseconds for which a connection may stay open between two requests. */
  keepAlive: number;
  /** Whether the process is about to stop. */
  isDraining: () => boolean;
  /** Hears of each connection that was cut, and why. */
  onCut: (reason: string) => void;
}

/** Milliseconds between two looks at the connections. */
const lookEvery = 250;

/** Milliseconds that the other side has to follow a close, and idle ones to come with a last request. */
const grace = 1_000;

/** Requests that wait on a connection. What comes beyond is dropped, and the last reply before it says so. */
const mostWaiting = 100;

/** Bytes that are held for all connections; beyond it the slowest are cut. */
const mostHeld = 64 * 1024 * 1024;

/** Connections at once; further ones are closed as they come. */
const mostConnections = 10_000;

/** Servers that share one watch over their connections. */
export function boundedServers({ limits, keepAlive, isDraining, onCut }: Options): BoundedServers {
  const connections = new Map<Socket, Connection>();
  let stopAt: number | null = null;
  let cutByStop = 0;

  function open(socket: Socket): void {
    const now = performance.now();
    const connection: Connection = {
      socket,
      running: null,
      waiting: [],
      received: { bytes: 0, at: now },
      taken: { bytes: 0, at: now },
      isLast: false,
      cutAt: null,
    };
    connections.set(socket, connection);
    socket.on("close", () => connections.delete(socket));
    // Nothing more is read while requests wait. Node resumes a socket for reasons of its own.
    socket.on("resume", () => {
      if (connection.waiting.length > 0) socket.pause();
    });
    // Node destroys the socket with the end of the last reply. When the caller is still sending, the
    // system then resets the connection, and the reply may be lost with it (RFC 9112 9.6).
    socket.destroySoon = () => {
      if (connection.running?.request.complete === false) close(connection);
      else Socket.prototype.destroySoon.call(socket);
    };
  }

  function close(connection: Connection): void {
    connection.cutAt ??= performance.now() + grace;
    connection.socket.end();
  }

  function cut(connection: Connection, reason: string): void {
    connections.delete(connection.socket);
    connection.socket.destroy();
    // Nobody needs to be told of a close by this side.
    if (reason !== "closed") onCut(reason);
  }

  function receive(handler: Handler, request: IncomingMessage, response: ServerResponse): void {
    const exchange: Exchange = {
      request,
      response,
      transfers: false,
      refuse: null,
      startedAt: 0,
      arrivedAt: null,
      answeredAt: null,
    };
    const connection = connections.get(request.socket);
    if (!connection || connection.cutAt !== null) return;
    // RFC 9112 9.3.2 lets a server answer only safe requests side by side; one after the other, the
    // memory that a connection takes is that of one reply.
    if (!connection.running || isOver(connection.running)) run(connection, exchange, handler);
    else if (connection.waiting.length < mostWaiting) {
      connection.waiting.push(exchange);
      request.socket.pause();
    } else dropFurther(connection);
  }

  /**
   * One packet may hold a thousand small requests, each of which takes kilobytes once it is parsed.
   * Nothing public stops Node's parser within a packet; so what it finds is not kept.
   */
  function dropFurther(connection: Connection): void {
    connection.isLast = true;
    const { parser } = connection.socket as unknown as {
      parser: { onIncoming: () => number } | null;
    };
    if (parser) parser.onIncoming = () => 0;
  }

  function run(connection: Connection, exchange: Exchange, handler: Handler): void {
    const { socket } = connection;
    const now = performance.now();
    exchange.startedAt = now;
    connection.running = exchange;
    connection.received = { bytes: socket.bytesRead, at: now };
    connection.taken = { bytes: takenBytes(socket), at: now };
    if (isDraining() || connection.isLast) sayClose(connection);
    exchange.response.once("close", () => answered(connection, exchange, handler));
    handler(exchange.request, exchange.response);
  }

  function sayClose({ running, waiting }: Connection): void {
    if (!running || running.response.headersSent || waiting.length > 0) return;
    running.response.setHeader("Connection", "close");
  }

  function answered(connection: Connection, exchange: Exchange, handler: Handler): void {
    const { socket, waiting } = connection;
    exchange.answeredAt = performance.now();
    if (socket.destroyed || socket.writableEnded || !exchange.request.complete) return;
    connection.running = null;
    connection.received.at = exchange.answeredAt;
    const next = waiting.shift();
    if (next && waiting.length === 0) socket.resume();
    if (next) run(connection, next, handler);
    else if (connection.isLast) close(connection);
  }

  function look(): void {
    const now = performance.now();
    if (isDraining()) for (const connection of connections.values()) sayClose(connection);
    let held = 0;
    for (const connection of connections.values()) {
      if (connection.running && isOver(connection.running)) {
        connection.running = null;
        connection.received.at = now;
      }
      const verdict = judge(connection, limits, now);
      if (verdict && "cut" in verdict) cut(connection, verdict.cut);
      else if (verdict) connection.running?.refuse?.(verdict.refuse);
      else if (stopAt !== null) stopOne(connection, stopAt, now);
      held += heldBytes(connection);
    }
    if (held > mostHeld) cutSlowest(held);
  }

  function cutSlowest(held: number): void {
    let left = held;
    for (const one of [...connections.values()].sort((a, b) => a.taken.at - b.taken.at)) {
      if (left <= mostHeld) return;
      left -= heldBytes(one);
      cut(one, "too much unread");
    }
  }

  function stopOne(connection: Connection, at: number, now: number): void {
    const { running, socket, received } = connection;
    if (running) {
      if (now < at) return;
      cutByStop += 1;
    } else if (socket.bytesRead !== received.bytes && now < at) {
      // A request is on its way.
      connection.received = { bytes: socket.bytesRead, at: now };
      return;
    } else if (now - received.at < grace) return;
    cut(connection, "stopping");
  }

  const watch = setInterval(look, lookEvery).unref();

  return {
    create(handler) {
      const server = createServer(
        {
          headersTimeout: limits.request,
          // Bodies are watched here: what they may take differs by route.
          requestTimeout: 0,
          connectionsCheckingInterval: lookEvery,
          keepAliveTimeout: keepAlive,
          // Refused like anything else that is wrong with a request (plugins/requests.ts).
          requireHostHeader: false,
        },
        (request, response) => receive(handler, request, response),
      );
      server.maxConnections = mostConnections;
      server.on("connection", open);
      // An expectation that this server does not know is nothing it must heed (RFC 9110 10.1.1).
      server.on("checkExpectation", (request, response) => receive(handler, request, response));
      // Without a listener, running out of file descriptors would end the process.
      server.on("listening", () => server.on("error", () => onCut("not accepted")));
      return server;
    },
    exchangeOf(request) {
      // One at a time is worked on.
      const running = connections.get(request.socket)?.running;
      return running?.request === request ? running : undefined;
    },
    connectionOf: (socket) => connections.get(socket),
    close,
    async stop(milliseconds) {
      for (const connection of connections.values()) sayClose(connection);
      if (connections.size > 0) await setTimeout(grace);
      stopAt = performance.now() + milliseconds;
    },
    ended() {
      clearInterval(watch);
      return cutByStop;
    },
    openConnections: () => connections.size,
    isLastReply(request) {
      const connection = connections.get(request.socket);
      return connection?.waiting.length === 0 && (isDraining() || connection.isLast);
    },
  };
}
