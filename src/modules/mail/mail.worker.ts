import { Counter } from "prom-client";
import type { Executor } from "../../database/connect.ts";
import { transact } from "../../database/transact.ts";
import type { App } from "../../plugins/contract.ts";
import type { Backlog } from "../../plugins/job-metrics.ts";
import { failureOf, openTransport } from "./mail.transport.ts";
import {
  addressMails,
  noteFailure,
  noteSent,
  readBacklog,
  readMails,
  removeMails,
  takeDigestReaders,
  takeMails,
  takeOldMails,
  writeDigests,
  writeLetter,
} from "./outbox.service.ts";

/** Milliseconds between two looks into the outbox. */
const pause = 1_000;

export default async function mailWorker(app: App) {
  const { mail: settings, publicUrl } = app.config;
  if (settings === null) return;
  const { pool } = app.database;
  const transport = openTransport(settings.url, settings.from, publicUrl);
  app.addHook("onClose", async () => transport.close());
  const mailed = new Counter({
    name: "mails_total",
    help: "Tries of this process to send a mail, by how they ended.",
    labelNames: ["outcome"] as const,
    registers: [app.metrics],
  });
  for (const outcome of ["sent", "failed", "given_up"]) mailed.inc({ outcome }, 0);
  const sender = { publicUrl, linkPage: settings.linkPage };
  const job = "mail.send";

  async function sendOne(db: Executor, mail: Awaited<ReturnType<typeof readMails>>[number]) {
    const { id, kind, attempts, email, name } = mail;
    // A link's token is stored, as a hash, before it goes out; nothing waits for the server meanwhile.
    const letter = await transact(pool, (tx) => writeLetter(tx, mail, sender));
    if (!letter) return;
    try {
      await transport.send(id, { name, address: email }, letter);
    } catch (error) {
      const { reason, isFinal } = failureOf(error);
      const isGivenUp = await noteFailure(db, mail, reason, isFinal);
      mailed.inc({ outcome: isGivenUp ? "given_up" : "failed" });
      app.log.warn({ job, mail: id, kind, attempts, reason, isGivenUp }, "a mail did not go out");
      return;
    }
    await noteSent(db, mail);
    mailed.inc({ outcome: "sent" });
  }

  let backlog: Backlog = { depth: 0, since: null };
  const look = async (db: Executor) => {
    backlog = await readBacklog(db);
  };
  app.addJob({
    name: job,
    everyMilliseconds: pause,
    backlog: () => backlog,
    look,
    run: async (db) => {
      await look(db);
      while (backlog.depth > 0 && !app.stopping.aborted) {
        while (await transact(pool, addressMails));
        const taken = await transact(pool, takeMails);
        // Another process is at it.
        if (taken.length === 0) return;
        const going = await readMails(db, taken);
        const ended = await Promise.allSettled(going.map((mail) => sendOne(db, mail)));
        const failed = ended.find((one) => one.status === "rejected");
        if (failed) throw failed.reason;
        await look(db);
      }
    },
  });

  const digestJob = "mail.digest";
  app.addJob({
    name: digestJob,
    cron: "0 8 * * *",
    run: () =>
      app.forEachRow({
        job: digestJob,
        subjectType: "member",
        select: takeDigestReaders,
        work: writeDigests,
      }),
  });

  const removeJob = "mail.remove-old";
  const [select, work] = [takeOldMails, removeMails];
  app.addJob({
    name: removeJob,
    cron: "50 * * * *",
    run: () => app.forEachRow({ job: removeJob, subjectType: "mail", select, work }),
  });
}
