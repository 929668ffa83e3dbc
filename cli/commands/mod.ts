/**
 * The commands, each in the file with its name.
 *
 * **Shared.** `connection.ts` connects to the cluster; `output_flag.ts`, `yes_flag.ts` and the
 * flags in `connection.ts`, `name_selection.ts`, `partition_selection.ts` and `watch.ts` are the
 * same in all commands. `topic_names.ts` and `group_names.ts` resolve names. Commands that change
 * several topics report the outcome of each with `outcomes.ts`.
 *
 * **Reading.** `consume` resolves `--offset` with `partition_ranges.ts`, reads with
 * `read_ranges.ts`, or as a group member with `read_group.ts`, and prints with `record_printer.ts`.
 *
 * **Writing.** `produce` reads its input with the readers in `cli/records` and tracks deliveries in
 * `produce_deliveries.ts`.
 *
 * **Groups.** `group describe` prints the members, committed offsets and (from `end_offsets.ts`)
 * end offsets collected by `group_details.ts`; `reset_target.ts` parses the target of `group
 * reset-offsets`.
 *
 * **Transactions.** `txn find-hanging` and `txn abort` compare what is open in partitions with what
 * coordinators know (`txn/open_transactions.ts`).
 *
 * **Log files.** `log dump` is in `log/dump/`; `log verify` and `log repair` use the findings of
 * `verified_folder.ts`.
 *
 * **Replicas.** `cluster reassign`, `set-replicas` and `drain` plan with `cluster/replicas/`, show the plan,
 * and carry it out with `--execute`, as do `cluster elect` and `remove`.
 *
 * **Trial cluster.** `cluster try` runs etcd and brokers as processes; they and the relays between them
 * are in `cluster/trial/`.
 *
 * **Profiles** of how to connect are kept by `cli/connection`, and changed by `profile/`.
 *
 * **Security.** `security/` has users, rules (flags in `acl_flags.ts`), quotas and tokens; `acl explain`
 * decides with the broker's own code.
 *
 * **Benchmarks** are in `bench/`.
 *
 * Only `serve` and the commands for log files use the broker's code; all others are programs on top
 * of the SDK. Both are loaded when a command runs, which keeps the start of other commands fast.
 *
 * @module
 */

export * from "./bench/bench_consume.ts";
export * from "./bench/bench_latency.ts";
export * from "./bench/bench_produce.ts";
export * from "./cheat.ts";
export * from "./cluster/cluster_drain.ts";
export * from "./cluster/cluster_elect.ts";
export * from "./cluster/cluster_health.ts";
export * from "./cluster/cluster_import.ts";
export * from "./cluster/cluster_info.ts";
export * from "./cluster/cluster_reassign.ts";
export * from "./cluster/cluster_remove.ts";
export * from "./cluster/cluster_set_replicas.ts";
export * from "./cluster/cluster_try.ts";
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
export * from "./profile/profile_clear.ts";
export * from "./profile/profile_create.ts";
export * from "./profile/profile_delete.ts";
export * from "./profile/profile_describe.ts";
export * from "./profile/profile_list.ts";
export * from "./profile/profile_use.ts";
export * from "./records/produce.ts";
export { securityAclList } from "./security/acl_list.ts";
export * from "./security/acl_create.ts";
export * from "./security/acl_delete.ts";
export * from "./security/acl_explain.ts";
export * from "./security/quota_alter.ts";
export * from "./security/quota_describe.ts";
export * from "./security/token_create.ts";
export * from "./security/token_expire.ts";
export * from "./security/token_list.ts";
export * from "./security/token_renew.ts";
export * from "./security/user_create.ts";
export * from "./security/user_delete.ts";
export * from "./security/user_list.ts";
export * from "./security/user_reset.ts";
export * from "./serve/serve.ts";
export * from "./topic/topic_add_partitions.ts";
export * from "./topic/topic_alter.ts";
export * from "./topic/topic_create.ts";
export * from "./topic/topic_delete.ts";
export * from "./topic/topic_describe.ts";
export * from "./topic/topic_list.ts";
export * from "./topic/topic_trim.ts";
export * from "./txn/txn_abort.ts";
export * from "./txn/txn_describe.ts";
export * from "./txn/txn_describe_producers.ts";
export * from "./txn/txn_find_hanging.ts";
export * from "./txn/txn_list.ts";
export * from "./version.ts";
