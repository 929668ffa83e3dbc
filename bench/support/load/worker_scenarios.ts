/**
 * The load by which one broker and several in one process are compared.
 *
 * @module
 */

/** Scenarios: small requests, batches, and reads. */
export const WORKER_SCENARIOS = [
  "produce size=100 connections=64 partitions=8",
  "produce size=1000 batch=100 connections=64 partitions=8",
  "fetch size=1000 batch=100 connections=8",
];

/** The name of a process with a number of brokers. */
export function workersName(count: number): string {
  return count === 1 ? "dqueue" : `dqueue --workers ${count}`;
}
