/**
 * Loads the files of a log when it is opened.
 *
 * `log_loader.ts` completes interrupted swaps (`complete_swaps.ts`), finds the segments and, after a
 * clean shutdown, compares them with those of the shutdown. Otherwise a `LogRecoverer` checks the batches
 * from the recovery point on. The result is a `LoadedLog`.
 *
 * @module
 */

export type { LogRecovery } from "./loaded_log.ts";
