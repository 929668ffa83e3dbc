/**
 * The parts of a `Log` (`../log.ts`), which share its `LogState`.
 *
 * `LogAppender` appends batches (`log_append.ts` has the types and checks, and
 * `replicated_batches.ts` those of a follower's appends); `LogFlusher` syncs
 * batches to disk, with one sync for all concurrent callers (`GroupCommit`); `LogCheckpointer`
 * advances the recovery point; `LogReader` serves reads; `LogTrimmer` removes batches from either
 * end; `log_roll.ts` and `log_retention.ts` decide when segments are rolled and deleted. `loading/`
 * loads the files of a log and recovers them after a crash. `producers/` tracks the last batches of
 * idempotent producers (`.snapshot` files), `transactions/` what bounds the last stable offset,
 * `LeaderEpochCache` the start offsets of leader epochs.
 * The `BatchCache` keeps the newest batches of all logs in memory.
 *
 * @module
 */

export type { EpochAndOffset } from "./leader_epoch_cache.ts";
export type { AppendInfo, AppendOptions } from "./log_append.ts";
export { DEFAULT_LOG_CONFIG, type LogConfig } from "./log_config.ts";
export type { LogRecovery } from "./loading/mod.ts";
export type { LogRead, ReadOptions } from "./log_read.ts";
export type { LogDamage, TimestampAndOffset } from "./log_reader.ts";
export type { AppendOrigin, ProducerState, Verification } from "./producers/mod.ts";
export type { ReplicatedAppendInfo, ReplicatedAppendOptions } from "./replicated_batches.ts";
export type { AbortedTransaction, OpenTransaction } from "./transactions/mod.ts";
