/**
 * What a broker can have many of, and how to create it.
 *
 * @module
 */

import { describeCluster } from "../../../protocol/messages/cluster/describe_cluster.ts";
import { findCoordinator } from "../../../protocol/messages/groups/find_coordinator.ts";
import { offsetCommit } from "../../../protocol/messages/groups/offset_commit.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { LoadConnection } from "./load_connection.ts";
import { sampleBatch } from "./record_batches.ts";
import { createTopics, expectNone, PRODUCE_VERSION, TIMEOUT_MS } from "./target.ts";

/** A topic with one partition, for any writes. */
export const TOPIC = "one";

const AT_ONCE = 100;
const BATCH = { size: 1000, count: 900 };

/** Something that grows. */
export interface Growth {
  /** What grows. */
  readonly name: string;
  readonly sizes: readonly number[];
  /** Whether it survives a restart. */
  readonly isKept: boolean;
  /** Creates the given amount on a broker that has only `TOPIC`. */
  grow(address: string, connection: LoadConnection, size: number): Promise<Disposable | void>;
}

/** Everything that can grow. */
export const GROWTHS: readonly Growth[] = [
  {
    name: "connections",
    sizes: [1, 10, 100, 1000, 5000],
    isKept: false,
    grow: async (address, _, size) => {
      const connections: LoadConnection[] = [];
      while (connections.length < size) {
        const count = Math.min(AT_ONCE, size - connections.length);
        connections.push(...await Promise.all(Array.from({ length: count }, () => used(address))));
      }
      return {
        [Symbol.dispose]: () => {
          for (const connection of connections) connection.close();
        },
      };
    },
  },
  {
    name: "partitions of a topic, one record in each",
    sizes: [1, 10, 100, 1000, 10_000],
    isKept: true,
    grow: async (_, connection, size) => {
      await createTopics(connection, ["many"], size);
      const records = sampleBatch({ size: 100, count: 1 });
      for (let done = 0; done < size; done += AT_ONCE) {
        const count = Math.min(AT_ONCE, size - done);
        await append(
          connection,
          "many",
          Array.from({ length: count }, (_, i) => done + i),
          records,
        );
      }
    },
  },
  {
    name: "topics of one partition",
    sizes: [1, 10, 100, 1000, 10_000],
    isKept: true,
    grow: async (_, connection, size) => {
      for (let done = 0; done < size; done += AT_ONCE) {
        const count = Math.min(AT_ONCE, size - done);
        const names = Array.from({ length: count }, (_, i) => `topic-${done + i}`);
        await createTopics(connection, names, 1);
      }
    },
  },
  {
    name: "groups with a committed offset",
    sizes: [1, 10, 100, 1000, 10_000],
    isKept: true,
    grow: async (_, connection, size) => {
      // Creates the offsets topic, if needed.
      await connection.request(findCoordinator, 3, { key: "group-0", keyType: 0 });
      for (let index = 0; index < size; index++) await commit(connection, `group-${index}`);
    },
  },
  {
    name: "MB in a partition",
    sizes: [1, 10, 100, 1000],
    isKept: true,
    grow: async (_, connection, size) => {
      const records = sampleBatch(BATCH);
      for (let bytes = 0; bytes < size * 1e6; bytes += records.length) {
        await append(connection, TOPIC, [0], records);
      }
    },
  },
];

/** Appends the same records to partitions. */
export async function append(
  connection: LoadConnection,
  name: string,
  partitions: readonly number[],
  records: Uint8Array,
  acks = 1,
): Promise<void> {
  const { responses } = await connection.request(produce, PRODUCE_VERSION, {
    acks,
    timeoutMs: TIMEOUT_MS,
    topicData: [{ name, partitionData: partitions.map((index) => ({ index, records })) }],
  });
  for (const { errorCode } of responses[0]!.partitionResponses) expectNone(errorCode, "produce");
}

/** Opens a connection and uses it once. */
async function used(address: string): Promise<LoadConnection> {
  const connection = await LoadConnection.connect(address);
  await connection.request(describeCluster, 0, {});
  return connection;
}

/** Errors of a coordinator that is not ready yet. */
const NOT_YET: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
]);
const MAX_TRIES = 500;

/** Commits an offset of `TOPIC`. */
async function commit(connection: LoadConnection, groupId: string): Promise<void> {
  for (let tries = 1;; tries++) {
    const { topics } = await connection.request(offsetCommit, 8, {
      groupId,
      memberId: "",
      topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, committedOffset: 1 }] }],
    });
    const { errorCode } = topics[0]!.partitions[0]!;
    if (!NOT_YET.has(errorCode) || tries === MAX_TRIES) return expectNone(errorCode, "commit");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
