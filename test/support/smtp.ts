/** A mail server to test with: it keeps what it gets, and refuses or stalls as it is told. */
import type { AddressInfo } from "node:net";
import PostalMime, { type Email } from "postal-mime";
import { SMTPServer } from "smtp-server";
import type { Test } from "tap";

export interface Letter extends Email {
  /** Whom the envelope names: what the headers say is for people. */
  recipients: string[];
  raw: string;
}

export interface MailServer {
  url: string;
  /** All that it took, in the order in which it came. */
  taken: Letter[];
  /** How it answers the next recipients; 250 when nothing is said. */
  answers: { code: number; only?: string }[];
  /** Until this is resolved it answers no letter. */
  stalled: Promise<unknown> | null;
  /** Letters that have come in, answered or not. */
  seen: number;
}

/** Opens a mail server until the tests of the file have ended. */
export async function openMailServer(t: Test): Promise<MailServer> {
  const market: MailServer = { url: "", taken: [], answers: [], stalled: null, seen: 0 };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    disableReverseLookup: true,
    onRcptTo: ({ address }, _session, done) => {
      const at = market.answers.findIndex(({ only }) => only === undefined || only === address);
      const [answer] = at < 0 ? [] : market.answers.splice(at, 1);
      if (!answer) return done();
      done(Object.assign(new Error(`not now, ${address}`), { responseCode: answer.code }));
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", async () => {
        market.seen += 1;
        await market.stalled;
        const raw = Buffer.concat(chunks);
        const recipients = session.envelope.rcptTo.map(({ address }) => address);
        market.taken.push({ ...(await PostalMime.parse(raw)), recipients, raw: raw.toString() });
        done();
      });
    },
  });
  // A connection that ends early is no matter of the test.
  server.on("error", () => {});
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  t.teardown(() => new Promise<void>((resolve) => server.close(resolve)));
  const { port } = server.server.address() as AddressInfo;
  market.url = `smtp://127.0.0.1:${port}`;
  return market;
}
