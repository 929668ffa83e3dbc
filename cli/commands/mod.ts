/**
 * The commands, each in the file of its name.
 *
 * **What they share.** `connection.ts` reaches the cluster; `output_flag.ts`, `yes_flag.ts` and the flags
 * in `connection.ts`, `name_selection.ts`, `partition_selection.ts` and `watch.ts` are the same wherever
 * they occur. What names mean is found out by `topic_names.ts` and `group_names.ts`.
 * Commands that change several topics tell what became of each through `outcomes.ts`.
 *
 * **Reading.** `consume` has `partition_ranges.ts` look up what `--offset` means, reads that with
 * `read_ranges.ts`, or as a member of a group with `read_group.ts`, and prints it by `record_printer.ts`.
 * **Writing.** `produce` reads its input with the readers of the folder above and keeps account in
 * `produce_deliveries.ts`.
 *
 * **Groups.** `group describe` shows what `group_details.ts` gathers of members, committed offsets and, by
 * `end_offsets.ts`, the ends of partitions; `reset_target.ts` reads where `group reset-offsets` is to go.
 *
 * **Looking.** `log dump` is in `dump/`; `log verify` and `log repair` go by what `verified_folder.ts` finds.
 * **Measuring** is in `bench/`.
 *
 * Only `serve` and what looks into files of the log know the broker's code; all others are programs over
 * the SDK. Both are loaded when a command runs, so that none waits for what it does not need.
 *
 * @module
 */

export * from "./bench/bench_consume.ts";
export * from "./bench/bench_latency.ts";
export * from "./bench/bench_produce.ts";
export * from "./cheat.ts";
export * from "./cluster/cluster_health.ts";
export * from "./cluster/cluster_info.ts";
export * from "./completions.ts";
export * from "./records/consume.ts";
export * from "./group/group_delete.ts";
export * from "./group/group_describe.ts";
export * from "./group/group_list.ts";
export * from "./group/group_offset_delete.ts";
export * from "./group/group_reset_offsets.ts";
export * from "./log/log_dump.ts";
export * from "./log/log_repair.ts";
export * from "./log/log_verify.ts";
export * from "./records/produce.ts";
export * from "./serve/serve.ts";
export * from "./topic/topic_add_partitions.ts";
export * from "./topic/topic_alter.ts";
export * from "./topic/topic_create.ts";
export * from "./topic/topic_delete.ts";
export * from "./topic/topic_describe.ts";
export * from "./topic/topic_list.ts";
export * from "./topic/topic_trim.ts";
export * from "./version.ts";
