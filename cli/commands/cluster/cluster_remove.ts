/**
 * `dqueue cluster remove`.
 *
 * @module
 */

import { CommandError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { placementView, tellNothingDone } from "./replicas/replica_plan.ts";
import { partitionsOf } from "./replicas/replica_placement.ts";

/** `cluster remove`. */
export const clusterRemove = command({
  name: "cluster remove",
  summary: "Forget a broker that has stopped for good",
  description:
    `Its number is free afterwards. The broker must be stopped and have no replicas: "dqueue cluster ` +
    `drain --replicas" moves them, also those of a broker that is lost. Nothing is changed without ` +
    `--execute.`,
  args: { broker: { doc: "Id of the broker", type: "integer", min: 0 } },
  flags: {
    execute: { type: "boolean", env: false, doc: "Forget the broker" },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [{ doc: "Forget broker 3", command: "dqueue cluster remove 3 --execute" }],
  async run(context, { args: { broker: id }, flags }) {
    const { signal, stdout } = context;
    await using client = await connect(context, flags);
    const admin = client.admin();
    const { brokers, topics } = await placementView(context, admin);
    if (brokers.some((broker) => broker.id === id)) {
      throw new CommandError(`Cannot remove broker ${id}: it is running; stop it first`);
    }
    const replicas = partitionsOf(topics)
      .filter(({ partition }) => partition.replicas.includes(id)).length;
    if (replicas > 0) {
      throw new CommandError(
        `Cannot remove broker ${id}: it has ${replicas} replica${
          replicas === 1 ? "" : "s"
        }; move ` +
          `them with "dqueue cluster drain ${id} --replicas --execute"`,
      );
    }
    if (flags.execute) await admin.unregisterBroker(id, { signal });
    if (flags.output === "json") {
      return writeJsonDocument(stdout, { broker: id, executed: flags.execute });
    }
    stdout.line(
      flags.execute ? `Removed broker ${id}` : `Broker ${id} is not running and has no replicas`,
    );
    if (!flags.execute) tellNothingDone(context);
  },
});
