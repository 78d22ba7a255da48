/** The mail server that mail goes out by. */
import { createTransport } from "nodemailer";
import type { Letter } from "./mail.texts.ts";

/** Milliseconds for a connection, its greeting, and each reply: a mail ends well within its lease. */
const timeouts = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 };

/** Connections to the server at once: one that is slow keeps nobody waiting but mails. */
const connections = 5;

export interface Transport {
  /**
   * Sends one letter.
   * @param id the same at each try, so that a mailbox that has got it twice can tell
   * @throws of the server or the connection: `failureOf` reads it
   */
  send: (id: string, to: { name: string; address: string }, letter: Letter) => Promise<void>;
  close: () => void;
}

/** Opens connections as they are needed. @param from address of the sender @param publicUrl the market's */
export function openTransport(url: string, from: string, publicUrl: string): Transport {
  const transporter = createTransport({
    url,
    pool: true,
    maxConnections: connections,
    // One that idled may have been closed; beyond that a mail has its own pauses.
    maxRequeues: 1,
    ...timeouts,
    // Nothing that a text holds makes it read a file or call an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const { hostname } = new URL(publicUrl);
  return {
    send: async (id, to, letter) => {
      await transporter.sendMail({
        from,
        to,
        messageId: `<${id}@${hostname}>`,
        // No machine answers it (RFC 3834 5.1).
        headers: { "Auto-Submitted": "auto-generated" },
        ...letter,
      });
    },
    close: () => transporter.close(),
  };
}

/**
 * Why a mail did not go out: codes alone, because messages hold addresses.
 * @returns whether the server said that it never takes it (RFC 5321 4.2.1: 5yz), of this reader or letter
 */
export function failureOf(error: unknown): { reason: string; isFinal: boolean } {
  const { code, responseCode } = (error ?? {}) as { code?: unknown; responseCode?: unknown };
  const reason = [code, responseCode].filter((part) => part !== undefined).join(" ") || "unknown";
  const isRefused = code === "EENVELOPE" || code === "EMESSAGE";
  return { reason, isFinal: isRefused && typeof responseCode === "number" && responseCode >= 500 };
}
