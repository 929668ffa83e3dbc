/**
 * A look into the brokers of a cluster in memory, for tests of replication.
 *
 * @module
 */

import { RecordBatch } from "../../protocol/records/mod.ts";
import { type Broker, partsOf } from "../broker.ts";
import type { Cluster } from "../cluster.ts";
import type { ClusterState, PartitionState } from "../cluster/cluster_state.ts";
import { minInSync } from "../cluster/topic_state.ts";
import type { BrokerContext } from "../handler.ts";
import type { Partition } from "../topics/partition.ts";
import { electedState } from "../roles/isr.ts";

/** The components of a broker. */
function contextOf(broker: Broker): BrokerContext {
  return partsOf(broker).context;
}

/** The view of a running broker. */
export function viewOf(cluster: Cluster, nodeId: number): ClusterState {
  return contextOf(cluster.broker(nodeId)!).cluster;
}

/** A broker's replica of a partition. */
export function replicaOf(
  cluster: Cluster,
  nodeId: number,
  topic: string,
  index = 0,
): Partition | undefined {
  return contextOf(cluster.broker(nodeId)!).topics.partition(topic, index);
}

/** The running broker that is the controller. */
export function controllerOf(cluster: Cluster): ClusterState {
  for (const broker of cluster.brokers) {
    const view = contextOf(broker).cluster;
    if (view.isController()) return view;
  }
  throw new Error("There is no controller");
}

/** A partition's state, as the controller sees it. */
export function stateOf(cluster: Cluster, topic: string, index = 0): PartitionState {
  return controllerOf(cluster).topic(topic)!.partitions[index]!;
}

/** Resolves when `check` holds; it is checked after every change that a broker sees. */
export async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Elects a leader, as the controller does. */
export async function elect(
  cluster: Cluster,
  topic: string,
  id: number,
  index = 0,
): Promise<void> {
  const view = controllerOf(cluster);
  await view.retry(async () => {
    const state = view.topic(topic)!;
    const broker = view.broker(id)!;
    const partition = state.partitions[index]!;
    const next = electedState(partition, broker, {
      minInSync: minInSync(1, partition),
      isLive: (replica) => view.broker(replica) !== undefined,
    });
    const guard = { key: `brokers/${id}`, revision: broker.epoch };
    await view.commitPartitions([{ topic: state, index, next }], [guard], true);
  });
}

/** The values of all records in a replica's log, committed or not. */
export async function logOf(partition: Partition): Promise<string[]> {
  const { log } = partition;
  const values: string[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
    const read = await log.read(offset, { maxBytes: 1 << 20 });
    for (const chunk of read.chunks) {
      for (let position = 0; position < chunk.length;) {
        const batch = new RecordBatch(chunk, position);
        for (const record of batch.records()) values.push(new TextDecoder().decode(record.value!));
        position += batch.sizeInBytes;
      }
    }
    offset = read.nextOffset;
  }
  return values;
}
