const han = /\p{Script=Han}/u;
const runs = /\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{L}\p{N}])+/gu;

/** Full-width forms and case folded away, so that `ＬＥＤ` finds `led`. */
const fold = (text: string): string => text.normalize("NFKC").toLowerCase();

/** Runs of Chinese characters, and of letters and digits, each apart: `LED封装` is `led`, `封装`. */
function splitRuns(text: string): string[] {
  return fold(text).match(runs) ?? [];
}

function pairs(run: string): string[] {
  const characters = [...run];
  return characters.slice(1).map((character, i) => `${characters[i]}${character}`);
}

/**
 * What a listing is found by: each word of letters and digits, each pair of neighbouring Chinese
 * characters, and of the title each single Chinese character too. Without duplicates.
 */
export function searchTermsOf(
  title: string,
  texts: readonly (string | null | undefined)[],
): string[] {
  const terms = new Set<string>();
  for (const run of splitRuns(title)) {
    if (han.test(run)) for (const character of run) terms.add(character);
  }
  for (const text of [title, ...texts]) {
    for (const run of splitRuns(text ?? "")) {
      if (!han.test(run)) terms.add(run);
      else for (const pair of pairs(run)) terms.add(pair);
    }
  }
  return [...terms];
}

/** The terms that a listing must all have to answer `q`. A single Chinese character looks at titles only. */
export function queryTermsOf(q: string): string[] {
  const terms = new Set<string>();
  for (const run of splitRuns(q)) {
    // By characters: a rare one is two code units long.
    if (!han.test(run) || [...run].length === 1) terms.add(run);
    else for (const pair of pairs(run)) terms.add(pair);
  }
  return [...terms];
}
