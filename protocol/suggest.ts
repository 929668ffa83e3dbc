/**
 * "Did you mean": finds the known word closest to a mistyped one.
 *
 * @module
 */

/** Longer words are not typing errors, and comparing them takes long. */
const MAX_LENGTH = 100;

/**
 * Returns the known word closest to `word`, if it is close enough.
 *
 * @param word The word that was typed.
 * @param known The valid words.
 */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const other = candidate.toLowerCase();
    const isPrefix = wanted.length >= 3 && other.startsWith(wanted);
    if (!isPrefix && Math.abs(wanted.length - other.length) >= bestDistance) continue;
    const distance = isPrefix ? 1 : editDistance(wanted, other);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * Returns `, did you mean "…"` to append to a message, or an empty string if no known word is
 * close.
 */
export function didYouMean(word: string, known: Iterable<string>, prefix = ""): string {
  const nearest = suggest(word, known);
  return nearest === undefined ? "" : `, did you mean "${prefix}${nearest}"`;
}

/**
 * Number of insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`.
 */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + cost);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, beforePrevious[j - 2]! + 1);
      current.push(least);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}
