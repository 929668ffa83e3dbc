/**
 * Finds problems of a cluster: for `dqueue cluster health`, and the page of the same name in the console.
 *
 * @module
 */

import type { Admin } from "./admin.ts";
import type { TopicDescription } from "./admin_types.ts";
import type { BrokerNode } from "../connection/cluster_metadata.ts";

/** The methods of `Admin` that the examination uses. */
export type HealthAdmin = Pick<
  Admin,
  "describeCluster" | "listTopics" | "describeTopics" | "describeLogDirs"
>;

/** Health of a cluster. */
export interface Health {
  readonly clusterId: string | null;
  /** Node id of the controller, −1 if there is none. */
  readonly controllerId: number;
  readonly brokers: readonly BrokerNode[];
  readonly partitions: number;
  /** Problems found, by kind; empty if the cluster is healthy. */
  readonly problems: readonly Problem[];
}

/** A kind of problem, with everything it affects. */
export interface Problem {
  /** Name of the problem as a key in JSON. */
  readonly name: string;
  /** Title for people. */
  readonly title: string;
  /** The affected brokers, folders or partitions. */
  readonly items: readonly string[];
}

/** With less space than this on its disk, a broker refuses writes. */
const MIN_FREE_BYTES = 1024 * 1024;
/** A healthy broker answers far sooner. */
const ANSWER_TIMEOUT_MS = 5000;

/** Examines a cluster. */
export async function examineCluster(
  admin: HealthAdmin,
  signal: AbortSignal,
): Promise<Health> {
  const [cluster, listings] = await Promise.all([
    admin.describeCluster({ includeFencedBrokers: true, signal }),
    admin.listTopics({ internal: true, signal }),
  ]);
  const topics = await admin.describeTopics(listings.map(({ name }) => name), { signal });
  const { clusterId, controllerId, brokers, fencedBrokers } = cluster;
  const found = await Promise.all(
    brokers.map(async (broker) => ({ broker, ...await askBroker(admin, broker, signal) })),
  );
  const alive = new Set(found.filter(({ isSilent }) => !isSilent).map(({ broker }) => broker.id));
  const problems: Problem[] = [
    {
      name: "no_controller",
      title: "No controller",
      items: controllerId < 0 ? ["the cluster has none at the moment"] : [],
    },
    {
      name: "fenced_brokers",
      title: "Fenced brokers",
      items: fencedBrokers.map((broker) =>
        `${nameOf(broker)}: serves nobody, because it cannot reach the metadata store; check ` +
        `that etcd is running and has a quorum`
      ),
    },
    {
      name: "missing_brokers",
      title: "Missing brokers",
      items: missingBrokers(topics, [...brokers, ...fencedBrokers]),
    },
    {
      name: "failed_brokers",
      title: "Failed brokers and folders",
      items: found.flatMap(({ problems }) => problems),
    },
    {
      name: "leaderless_partitions",
      title: "Partitions without a live leader",
      items: partitionsWhere(topics, ({ leaderId }) => !alive.has(leaderId)),
    },
    {
      name: "under_replicated_partitions",
      title: "Under-replicated partitions",
      items: partitionsWhere(topics, ({ isr, replicas }) => isr.length < replicas.length),
    },
  ];
  return {
    clusterId,
    controllerId,
    brokers,
    partitions: topics.reduce((sum, topic) => sum + topic.partitions.length, 0),
    problems: problems.filter(({ items }) => items.length > 0),
  };
}

/** Checks that a broker, which is listed as alive, responds, and that its folders work. */
async function askBroker(
  admin: HealthAdmin,
  broker: BrokerNode,
  signal: AbortSignal,
): Promise<{ isSilent: boolean; problems: string[] }> {
  const name = nameOf(broker);
  const options = { brokers: [broker.id], topics: [], timeoutMs: ANSWER_TIMEOUT_MS, signal };
  try {
    const folders = await admin.describeLogDirs(options);
    const problems = folders.flatMap(({ path, error, usableBytes }) => {
      if (error !== undefined) return [`${name}, folder ${path}: ${error.message}`];
      const isFull = usableBytes >= 0 && usableBytes < MIN_FREE_BYTES;
      return isFull ? [`${name}, folder ${path}: the disk is full, and writes are refused`] : [];
    });
    return { isSilent: false, problems };
  } catch (error) {
    signal.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    return { isSilent: true, problems: [`${name}: ${message}`] };
  }
}

/** Brokers that have replicas and are not registered. */
function missingBrokers(
  topics: readonly TopicDescription[],
  brokers: readonly BrokerNode[],
): string[] {
  const registered = new Set(brokers.map(({ id }) => id));
  const replicas = topics.flatMap(({ partitions }) => partitions.flatMap((each) => each.replicas));
  const missing = Map.groupBy(replicas.filter((id) => !registered.has(id)), (id) => id);
  return [...missing].sort(([a], [b]) => a - b).map(([id, { length }]) =>
    `broker ${id}: not registered, and has ${length} replica${length === 1 ? "" : "s"}; start it`
  );
}

function nameOf({ id, host, port }: BrokerNode): string {
  return `broker ${id} at ${host}:${port}`;
}

function partitionsWhere(
  topics: readonly TopicDescription[],
  isMeant: (partition: TopicDescription["partitions"][number]) => boolean,
): string[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.filter(isMeant).map(({ partition }) => `${name}-${partition}`)
  );
}
