/**
 * The queues of jobs that run at their time. A queue is a table of its own, which the service may have no
 * right to make: migrating makes them all. A test compares this list with the jobs that features announce.
 */
export const queueNames: readonly string[] = [
  "attachments.sweep",
  "broker-certificates.expire",
  "matches.lapse",
  "matching.refresh",
  "needs.expire",
  "registrations.withdraw",
  "results.expire",
  "service.remove-old-replies",
  "sessions.remove-expired",
  // pg-boss's own: its clock hands jobs over through it.
  "__pgboss__send-it",
];
