/**
 * The parts of a `Log` (`../log.ts`), which share its `LogState`.
 *
 * `log_append.ts` says what an append is; `LogFlusher` brings batches to disk, for all who wait at once
 * (`GroupCommit`); `LogCheckpointer` moves the recovery point; `LogReader` serves reads; `LogTrimmer`
 * takes batches off both ends; `log_roll.ts` and `log_retention.ts` decide when segments begin and end.
 * `log_loader.ts` opens the files of a log and `LogRecoverer` recovers them after a crash.
 * `ProducerStateManager` knows what idempotent producers wrote last (`.snapshot` files),
 * `LeaderEpochCache` where leader epochs began. The `BatchCache` keeps the newest batches of all logs in
 * memory.
 *
 * @module
 */

export type { EpochAndOffset } from "./leader_epoch_cache.ts";
export type { AppendInfo, AppendOptions } from "./log_append.ts";
export { DEFAULT_LOG_CONFIG, type LogConfig } from "./log_config.ts";
export type { LogRecovery } from "./loaded_log.ts";
export type { LogDamage, LogRead, ReadOptions, TimestampAndOffset } from "./log_reader.ts";
export type { AppendOrigin, ProducerState } from "./producer_state.ts";
