/**
 * How clients, the broker and the network behave in a simulation, beside what fails.
 *
 * @module
 */

/** How clients and the broker behave with a seed. */
export interface Character {
  /** Probability that a look at the clock ends a slice of long work of the broker. */
  readonly lateProbability: number;
  /** Probability that a timer ends before an operation of the disk. */
  readonly timerProbability: number;
  /** Fewer operations of the disk and timers than this end in one step. */
  readonly operations: number;
  /** How many times as often the network fails. */
  readonly networkFaults: number;
  /** Probability that a batch is so large that its validation takes a while. */
  readonly large: number;
  /** Probability that a producer repeats what it got no answer to, instead of aborting. */
  readonly patience: number;
  /** The part of producers with KIP-890. */
  readonly modern: number;
}

const CALM: Character = {
  lateProbability: 0.01,
  timerProbability: 0.5,
  operations: 8,
  networkFaults: 1,
  large: 0.05,
  patience: 0.8,
  modern: 0.6,
};
/** Batches wait for their validation, and old clients for nothing: they abort what is on its way. */
const HURRIED: Character = {
  lateProbability: 0.05,
  timerProbability: 0.1,
  operations: 12,
  networkFaults: 3,
  large: 0.7,
  patience: 0.3,
  modern: 0.2,
};
/** One of them is drawn for each seed. */
export const CHARACTERS: readonly Character[] = [
  CALM,
  CALM,
  { ...CALM, networkFaults: 4 },
  HURRIED,
];
