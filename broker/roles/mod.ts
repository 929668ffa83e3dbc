/**
 * The roles of a broker in a partition with several replicas: it leads (`leadership.ts`) or follows
 * (`following.ts`), one epoch after the other, and carries nothing over from one to the next.
 *
 * What makes replication safe is decided by pure functions: who is in sync (`isr.ts`), what is
 * committed (`high_watermark.ts`), and where logs are cut (`divergence.ts`). `isr_model_testing.ts`
 * explores every order of events with them.
 *
 * @module
 */

export * from "./divergence.ts";
export { Following } from "./following.ts";
export * from "./high_watermark.ts";
export * from "./isr.ts";
export { Leadership } from "./leadership.ts";
export type { PartitionReplication, ReplicatedPartition } from "./replicated_partition.ts";
