/** A moment of the database's clock, by this process's own one that only ever goes forward. */
export interface Reading {
  /** The database's time, in ms since 1970. */
  time: number;
  /** What `performance.now()` was then. */
  at: number;
  /** How much `time` may be off either way, in ms: half of what the question took. */
  uncertainty: number;
}

let known: Reading | null = null;

/**
 * The database's time, in ms since 1970: what several processes order by must not come from the clock
 * of each one's machine. That one is read until the database was asked. Tests do not replace it.
 */
export const databaseTime = (): number =>
  known ? known.time + performance.now() - known.at : Date.now();

/**
 * Takes over what the database was just asked. An estimate that fits the new reading stays: the time
 * then goes on without a step.
 */
export function setDatabaseTime(reading: Reading): void {
  const estimate = known && known.time + reading.at - known.at;
  if (estimate !== null && Math.abs(estimate - reading.time) <= reading.uncertainty) return;
  known = reading;
}

/** Seconds by which this machine's clock is ahead of the database's; negative when it is behind. */
export const clockOffset = (): number => (Date.now() - databaseTime()) / 1000;

/** The one clock, on the database's time. Tests replace `now`; nothing else asks for the present. */
export const clock = { now: (): Date => new Date(databaseTime()) };

/** The time of this machine, by which its file systems date files: for the age of files alone. */
export const machineTime = (): Date => new Date();

/** The present as an RFC 3339 instant in UTC. */
export const nowInstant = (): string => clock.now().toISOString();

/** The instant `seconds` from now, RFC 3339 in UTC. */
export const instantIn = (seconds: number): string =>
  new Date(clock.now().getTime() + seconds * 1000).toISOString();

const shanghaiDay = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Shanghai" });

/** The civil date of an instant in Asia/Shanghai. */
export const dayOf = (instant: string): string => shanghaiDay.format(new Date(instant));

/** Today's civil date in Asia/Shanghai, `YYYY-MM-DD`: the day on which the market's rules count. */
export const today = (): string => shanghaiDay.format(clock.now());

/** The civil date `years` after `date`; 29 February becomes 28 February in a common year. */
export function addYears(date: string, years: number): string {
  const [year, month, day] = date.split("-").map(Number) as [number, number, number];
  const end = new Date(Date.UTC(year + years, month, 0)).getUTCDate();
  return `${year + years}-${pad(month)}-${pad(Math.min(day, end))}`;
}

const pad = (part: number) => String(part).padStart(2, "0");
