/**
 * The standard scenarios of brokers.
 *
 * @module
 */

/** A scenario, and the aim for its first figure, in that figure's unit. */
export interface StandardScenario {
  readonly text: string;
  readonly aim?: number;
  /** Whether `--quick` includes it. */
  readonly isQuick?: boolean;
  /** Whether only `--long` includes it. */
  readonly isLong?: boolean;
  /** Whether it is in the short table, with its processor time. */
  readonly isKey?: boolean;
  readonly hasKeyCost?: boolean;
}

/** The standard scenarios, in the order they are measured. */
export const STANDARD_SCENARIOS: readonly StandardScenario[] = [
  { text: "produce connections=1", isKey: true },
  {
    text: "produce connections=64 partitions=8",
    aim: 70_000,
    isQuick: true,
    isKey: true,
    hasKeyCost: true,
  },
  { text: "produce connections=8 partitions=8 inflight=5", isLong: true },
  { text: "produce connections=64 partitions=100", isLong: true },
  {
    text: "produce connections=64 partitions=8 acks=all flush=commit",
    isQuick: true,
    isKey: true,
  },
  { text: "produce connections=64 partitions=8 acks=all flush=os", isLong: true, isKey: true },
  { text: "produce batch=100 connections=8 partitions=8", isLong: true },
  { text: "produce batch=10000 connections=4 partitions=4", isKey: true },
  { text: "produce size=1000 batch=1 connections=64 partitions=8", isLong: true },
  {
    text: "produce size=1000 batch=100 connections=8 partitions=8",
    aim: 600,
    isLong: true,
    isKey: true,
  },
  {
    text: "produce size=1000 batch=100 connections=64 partitions=8",
    isQuick: true,
    isKey: true,
    hasKeyCost: true,
  },
  {
    text: "produce size=1000 batch=100 connections=64 partitions=8 acks=all flush=commit",
    isKey: true,
  },
  { text: "produce size=1000 batch=10000 connections=2 partitions=2", isLong: true },
  { text: "produce size=1000 batch=100 codec=gzip connections=8 partitions=8" },
  { text: "produce size=1000 batch=100 codec=snappy connections=8 partitions=8" },
  { text: "produce size=1000 batch=100 codec=lz4 connections=8 partitions=8" },
  { text: "produce size=1000 batch=100 codec=zstd connections=8 partitions=8" },
  { text: "produce size=100000 batch=1 connections=8 partitions=8", isKey: true },
  {
    text: "fetch from=tail connections=4",
    aim: 1500,
    isQuick: true,
    isKey: true,
    hasKeyCost: true,
  },
  { text: "fetch from=tail connections=1 batch=1 mb=16", isLong: true },
  {
    text: "fetch from=cold mb=512 connections=4",
    aim: 1000,
    isQuick: true,
    isKey: true,
    hasKeyCost: true,
  },
  { text: "latency rate=1000", isKey: true },
  { text: "latency rate=5000", isQuick: true, isKey: true },
  { text: "latency rate=1000 acks=all flush=commit", isKey: true },
  { text: "latency rate=10000" },
  { text: "connect connections=16", isQuick: true, isKey: true },
];

/** The aim for the 99th percentile of messages at 10,000 a second, in milliseconds. */
export const LATENCY_AIM_MS = 2;
