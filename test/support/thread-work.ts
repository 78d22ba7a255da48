/** What tests let a thread do. Apart from them: a thread imports the file that holds its work, and tests run where they are imported. */

/** Holds up the thread that it runs in. */
export function spin(milliseconds: number): string {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
  return "done";
}

export function refuse(text: string): never {
  throw new TypeError(`no ${text}`);
}

export const die = (): never => process.exit(3);

/** Address of this file, for the thread. */
export const home = import.meta.url;
