/**
 * Makes a failing simulation smaller by leaving out kinds of faults, then steps, while it still fails.
 *
 * @module
 */

/** A simulation that fails. */
export interface Failing<F extends string> {
  readonly seed: number;
  readonly steps: readonly number[];
  readonly without: ReadonlySet<F>;
}

/** A kind of simulation. */
export interface Simulator<F extends string> {
  /** The faults, by the names under which they can be left out. */
  readonly faults: readonly F[];
  simulate(
    options: Failing<F>,
  ): Promise<{ readonly failure: { readonly step: number } | undefined }>;
}

/** Finds a smaller simulation that also fails, possibly in another way. */
export async function shrink<F extends string>(
  { faults, simulate }: Simulator<F>,
  failing: Failing<F>,
  onProgress: (smaller: Failing<F>) => void = () => {},
): Promise<Failing<F>> {
  let smallest = failing;
  const attempt = async (smaller: Failing<F>): Promise<boolean> => {
    const { failure } = await simulate(smaller);
    if (failure === undefined) return false;
    // Steps after the failure did not run.
    const steps = smaller.steps.filter((step) => step <= failure.step);
    smallest = { ...smaller, steps };
    onProgress(smallest);
    return true;
  };
  await attempt(failing);
  for (const fault of faults) {
    if (smallest.without.has(fault)) continue;
    await attempt({ ...smallest, without: new Set([...smallest.without, fault]) });
  }
  for (let size = Math.ceil(smallest.steps.length / 2); size >= 1;) {
    let isSmaller = false;
    for (let from = 0; from < smallest.steps.length;) {
      const steps = smallest.steps.toSpliced(from, size);
      if (await attempt({ ...smallest, steps })) isSmaller = true;
      else from += size;
    }
    if (size === 1 && !isSmaller) break;
    size = isSmaller ? Math.min(size, smallest.steps.length) : Math.floor(size / 2);
  }
  return smallest;
}

/** Formats step numbers as ranges: `3,17,29-40`. */
export function formatSteps(steps: readonly number[]): string {
  const ranges: string[] = [];
  for (let i = 0; i < steps.length;) {
    let end = i;
    while (steps[end + 1] === steps[end]! + 1) end++;
    ranges.push(end === i ? `${steps[i]}` : `${steps[i]}-${steps[end]}`);
    i = end + 1;
  }
  return ranges.join(",");
}

/**
 * Parses what `formatSteps` returns.
 *
 * @throws {TypeError} If the text has another form.
 */
export function parseSteps(text: string): number[] {
  return text.split(",").flatMap((range) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range.trim());
    if (match === null) throw new TypeError(`Cannot read steps "${range}": give 3 or 17-29`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
