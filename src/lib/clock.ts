/** The one clock. Tests replace `now`; nothing else calls `new Date()` for the present. */
export const clock = { now: (): Date => new Date() };

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
