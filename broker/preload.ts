/**
 * Loads what a broker otherwise loads when it is needed.
 *
 * @module
 */

import { loadSnappy } from "../protocol/compression/snappy/snappy.ts";
import { loadCleaningPass } from "../storage/cleaner/log_compactor.ts";
import { loadGroups } from "./groups/group_coordinator.ts";
import { loadHandlers } from "./handlers/mod.ts";
import { loadReplication } from "./replication/replication.ts";

/**
 * Loads what brokers of this process otherwise load when they are needed, such as what serves groups, so
 * that the first request need not wait for it.
 */
export async function preload(): Promise<void> {
  // Literal names make it part of the graph of a program that embeds a broker: it need not be allowed to
  // read files. The program `dqueue` does not import this module, and starts faster.
  await Promise.all([
    import("./groups/shards.ts"),
    import("./handlers/administration.ts"),
    import("./handlers/groups/mod.ts"),
    import("./handlers/transactions/mod.ts"),
    import("./replication/replication_manager.ts"),
    import("../storage/cleaner/cleaning_pass.ts"),
    import("../storage/file_system/memory_file_system.ts"),
  ]);
  await Promise.all([
    loadGroups(),
    loadHandlers(),
    loadReplication(),
    loadCleaningPass(),
    loadSnappy(),
  ]);
}
