/**
 * Idempotent and transactional producers.
 *
 * @module
 */

export * from "./add_offsets_to_txn.ts";
export * from "./add_partitions_to_txn.ts";
export * from "./describe_producers.ts";
export * from "./describe_transactions.ts";
export * from "./end_txn.ts";
export * from "./init_producer_id.ts";
export * from "./list_transactions.ts";
export * from "./txn_offset_commit.ts";
export * from "./write_txn_markers.ts";
