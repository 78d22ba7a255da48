import chineseDays from "chinese-days";

const dayLength = 24 * 60 * 60 * 1000;

/** The civil date `days` calendar days after `date` (`YYYY-MM-DD`). */
export const addDays = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * dayLength).toISOString().slice(0, 10);

const weekday = (date: string): number => new Date(`${date}T00:00:00Z`).getUTCDay();

const isWeekend = (date: string): boolean => weekday(date) % 6 === 0;

const known = new Map<string, boolean>();

/**
 * Whether the State Council's holiday table is there for the year of `date`. National Day is off in
 * every table, and at least three days of 1 to 5 October are weekdays.
 */
function isTabled(date: string): boolean {
  const year = date.slice(0, 4);
  const cached = known.get(year);
  if (cached !== undefined) return cached;
  const first = [1, 2, 3, 4, 5].map((day) => `${year}-10-0${day}`);
  const tabled = first.some((day) => !isWeekend(day) && !chineseDays.isWorkday(day));
  known.set(year, tabled);
  return tabled;
}

/**
 * Whether people work on this civil date in mainland China: holidays and make-up Saturdays as the
 * State Council sets them each year; Monday to Friday in years that have no table yet.
 */
export const isWorkingDay = (date: string): boolean =>
  isTabled(date) ? chineseDays.isWorkday(date) : !isWeekend(date);

export interface DueDay {
  date: string;
  /** Some of the days lie in a year without a holiday table, so the date may still move. */
  provisional: boolean;
}

/** The last day of a term of `count` days of a kind; the start day does not count (Civil Code art. 201). */
export function dueDay(start: string, count: number, kind: "working" | "calendar"): DueDay {
  if (kind === "calendar") return { date: addDays(start, count), provisional: false };
  let date = start;
  let provisional = false;
  for (let left = count; left > 0; ) {
    date = addDays(date, 1);
    provisional ||= !isTabled(date);
    if (isWorkingDay(date)) left -= 1;
  }
  return { date, provisional };
}
