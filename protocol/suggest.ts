/**
 * "Did you mean": the known word nearest to a mistyped one.
 *
 * @module
 */

/** Longer words are no slip of anything, and would take long to compare. */
const MAX_LENGTH = 100;

/**
 * The known word nearest to `word`, if it is near enough to be what was meant.
 *
 * @param word what was written
 * @param known what could have been written
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

/** `, did you mean "…"`, to be put behind a message; nothing if no known word is near. */
export function didYouMean(word: string, known: Iterable<string>, prefix = ""): string {
  const nearest = suggest(word, known);
  return nearest === undefined ? "" : `, did you mean "${prefix}${nearest}"`;
}

/** Insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b`. */
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
