/**
 * Dumps the state files of a partition and of a data folder.
 *
 * @module
 */

import { readCheckpoint } from "../../../../storage/file_system/checkpoint_file.ts";
import { DenoFileSystem } from "../../../../storage/file_system/deno_file_system.ts";
import { readMetaProperties } from "../../../../storage/directory/meta_properties.ts";
import { readPartitionMetadata } from "../../../../storage/log/partition_metadata.ts";
import { decodeProducerSnapshot } from "../../../../storage/log/producers/producer_snapshot.ts";
import { timeText } from "../../records/record_printer.ts";
import type { DumpColumn, DumpOutput } from "./dump_output.ts";

const SNAPSHOT_COLUMNS: readonly DumpColumn[] = [
  { heading: "PRODUCER", width: 12 },
  { heading: "EPOCH", width: 5 },
  { heading: "LAST SEQUENCE", width: 13 },
  { heading: "LAST OFFSET", width: 12 },
  { heading: "LAST BATCH", width: 10 },
  { heading: "LAST TIMESTAMP", width: -24 },
  { heading: "COORDINATOR EPOCH", width: 17 },
  { heading: "TRANSACTION SINCE", width: 17 },
];
const EPOCH_COLUMNS: readonly DumpColumn[] = [
  { heading: "EPOCH", width: 8 },
  { heading: "START OFFSET", width: 14 },
];
const OFFSETS_COLUMNS: readonly DumpColumn[] = [
  { heading: "TOPIC", width: -30 },
  { heading: "PARTITION", width: 9 },
  { heading: "OFFSET", width: 14 },
];
const PROPERTY_COLUMNS: readonly DumpColumn[] = [
  { heading: "NAME", width: -14 },
  { heading: "VALUE", width: -24 },
];

/** Dumps a producer snapshot. */
export async function dumpSnapshot(path: string, output: DumpOutput): Promise<void> {
  output.file(path, "producer snapshot", SNAPSHOT_COLUMNS);
  const entries = decodeProducerSnapshot(path, Deno.readFileSync(path));
  if (entries.length === 0) output.empty();
  for (const entry of entries) {
    const { producerId, producerEpoch, lastSequence, lastOffset, offsetDelta } = entry;
    await output.row({
      cells: [
        producerId,
        producerEpoch,
        orNone(lastSequence),
        orNone(lastOffset),
        lastOffset < 0 ? "-" : offsetDelta + 1,
        timeText(entry.lastTimestamp),
        orNone(entry.coordinatorEpoch),
        orNone(entry.currentTransactionFirstOffset),
      ],
      json: {
        producer_id: producerId,
        producer_epoch: producerEpoch,
        last_sequence: lastSequence,
        last_offset: lastOffset,
        offset_delta: offsetDelta,
        last_timestamp: entry.lastTimestamp,
        coordinator_epoch: entry.coordinatorEpoch,
        current_transaction_first_offset: entry.currentTransactionFirstOffset,
      },
    });
  }
}

/** Dumps the leader epoch checkpoint. */
export async function dumpLeaderEpochs(path: string, output: DumpOutput): Promise<void> {
  output.file(path, "leader epochs", EPOCH_COLUMNS);
  const entries = readCheckpoint(new DenoFileSystem(), path, 2);
  if (entries.length === 0) output.empty();
  for (const [epoch, offset] of entries) {
    await output.row({
      cells: [epoch!, offset!],
      json: { leader_epoch: Number(epoch), start_offset: Number(offset) },
    });
  }
}

/** Dumps a checkpoint with offsets of all partitions. */
export async function dumpOffsetCheckpoint(path: string, output: DumpOutput): Promise<void> {
  output.file(path, "offset checkpoint", OFFSETS_COLUMNS);
  const entries = readCheckpoint(new DenoFileSystem(), path, 3);
  if (entries.length === 0) output.empty();
  for (const [topic, partition, offset] of entries) {
    await output.row({
      cells: [topic!, partition!, offset!],
      json: { topic: topic!, partition: Number(partition), offset: Number(offset) },
    });
  }
}

/** Dumps the topic id of a partition. */
export async function dumpPartitionMetadata(path: string, output: DumpOutput): Promise<void> {
  output.file(path, "partition metadata", PROPERTY_COLUMNS);
  const topicId = readPartitionMetadata(new DenoFileSystem(), path);
  if (topicId === undefined) return output.empty();
  await output.row({ cells: ["topic_id", topicId], json: { topic_id: topicId } });
}

/** Dumps the properties of a data folder. */
export async function dumpMetaProperties(path: string, output: DumpOutput): Promise<void> {
  output.file(path, "data folder", PROPERTY_COLUMNS);
  const properties = readMetaProperties(new DenoFileSystem(), path);
  if (properties === undefined) return output.empty();
  const { clusterId, nodeId, directoryId = null } = properties;
  const json = { cluster_id: clusterId, node_id: nodeId, directory_id: directoryId };
  if (output.isJson) return await output.row({ cells: [], json });
  for (const [name, value] of Object.entries(json)) {
    await output.row({ cells: [name, value ?? "-"], json: {} });
  }
}

function orNone(value: number): number | string {
  return value < 0 ? "-" : value;
}
