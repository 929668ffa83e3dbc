/**
 * `dqueue cluster info`.
 *
 * @module
 */

import type { BrokerNode } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, formatDetails, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";

interface Row extends BrokerNode {
  readonly isController: boolean;
}

const COLUMNS: readonly Column<Row>[] = [
  { heading: "BROKER", cell: ({ id }) => id },
  { heading: "HOST", cell: ({ host }) => host },
  { heading: "PORT", cell: ({ port }) => port },
  { heading: "RACK", cell: ({ rack }) => rack },
  {
    heading: "ROLE",
    cell: ({ isController }) => isController ? "controller" : "",
    paint: ({ cyan }) => cyan,
  },
];

/** `cluster info`. */
export const clusterInfo = command({
  name: "cluster info",
  summary: "Show the brokers of the cluster, and counts of topics and partitions",
  flags: { ...outputFlag, ...connectionFlags },
  async run(context, { flags }) {
    const { signal, stdout } = context;
    await using client = await connect(context, flags);
    const admin = client.admin();
    const [cluster, topics] = await Promise.all([
      admin.describeCluster({ signal }),
      admin.listTopics({ internal: true, signal }),
    ]);
    const { clusterId, controllerId, brokers } = cluster;
    const rows = brokers.map((broker) => ({ ...broker, isController: broker.id === controllerId }));
    const partitions = topics.reduce((sum, topic) => sum + topic.partitions, 0);
    if (flags.output === "json") {
      return writeJsonDocument(stdout, {
        cluster_id: clusterId,
        controller: controllerId,
        brokers: brokers.map(({ id, host, port, rack }) => ({ id, host, port, rack })),
        topics: topics.length,
        partitions,
      });
    }
    const details = [["Cluster", clusterId], ["Topics", topics.length], ["Partitions", partitions]];
    stdout.write(formatDetails(details as [string, string | number][], stdout.style));
    stdout.line();
    printTable(context, COLUMNS, rows, "No live brokers");
  },
});
