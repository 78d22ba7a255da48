import { createRequire } from "node:module";

/**
 * Passwords that people use most, by what leaked; in lower case. Read when the first password is set:
 * unpacking them would be a good part of a start.
 */
const common = (): readonly string[] =>
  createRequire(import.meta.url)("@zxcvbn-ts/language-common").dictionary["passwords-common"];

/** What a run along the keyboard or the numbers is part of, there and back. */
const runs = ["abcdefghijklmnopqrstuvwxyz", "1234567890", "qwertyuiopasdfghjklzxcvbnm"].flatMap(
  (run) => [run.repeat(3), [...run].reverse().join("").repeat(3)],
);

/**
 * Whether a password is none that is tried first (NIST SP 800-63B 5.1.1.2): at least five different
 * characters, no common password, also doubled or in capitals, no run along the keyboard.
 */
export function isHardToGuess(password: string): boolean {
  const text = password.toLowerCase();
  if (new Set(text).size < 5) return false;
  const half = text.slice(0, text.length / 2);
  const once = half + half === text ? half : text;
  if (runs.some((run) => run.includes(text))) return false;
  return ![text, once].some((one) => common().includes(one));
}
