/**
 * Finds problems of a cluster.
 *
 * @module
 */

import type { Admin, BrokerNode, TopicDescription } from "../../../client/mod.ts";
import { messageOf } from "../../errors.ts";

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
interface Problem {
  /** Name of the problem as a key in JSON. */
  readonly name: string;
  /** Title for people. */
  readonly title: string;
  /** The affected brokers, folders or partitions. */
  readonly items: readonly string[];
}

/** Examines a cluster. */
export async function examineCluster(
  admin: HealthAdmin,
  signal: AbortSignal,
): Promise<Health> {
  const [cluster, listings] = await Promise.all([
    admin.describeCluster({ signal }),
    admin.listTopics({ internal: true, signal }),
  ]);
  const topics = await admin.describeTopics(listings.map(({ name }) => name), { signal });
  const { clusterId, controllerId, brokers } = cluster;
  const broken = await Promise.all(brokers.map((broker) => brokerProblems(admin, broker, signal)));
  const problems: Problem[] = [
    {
      name: "no_controller",
      title: "No controller",
      items: controllerId < 0 ? ["the cluster has none at the moment"] : [],
    },
    { name: "failed_brokers", title: "Failed brokers and folders", items: broken.flat() },
    {
      name: "leaderless_partitions",
      title: "Partitions without a leader",
      items: partitionsWhere(topics, ({ leaderId }) => leaderId < 0),
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
async function brokerProblems(
  admin: HealthAdmin,
  { id, host, port }: BrokerNode,
  signal: AbortSignal,
): Promise<string[]> {
  const name = `broker ${id} at ${host}:${port}`;
  try {
    const folders = await admin.describeLogDirs({ brokers: [id], topics: [], signal });
    return folders
      .filter(({ error }) => error !== undefined)
      .map(({ path, error }) => `${name}, folder ${path}: ${error!.message}`);
  } catch (error) {
    signal.throwIfAborted();
    return [`${name}: ${messageOf(error)}`];
  }
}

function partitionsWhere(
  topics: readonly TopicDescription[],
  isMeant: (partition: TopicDescription["partitions"][number]) => boolean,
): string[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.filter(isMeant).map(({ partition }) => `${name}-${partition}`)
  );
}
