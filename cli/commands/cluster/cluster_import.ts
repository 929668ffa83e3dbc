/**
 * `dqueue cluster import`.
 *
 * @module
 */

import { CommandError, UsageError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import type { Flags } from "../../program/flag.ts";
import { brokerConfigInputs, brokerFlags } from "../serve/broker_flags.ts";

/** Other commands start faster without them. */
const BROKER = "../../../broker/mod.ts";
const IMPORT = "../../../broker/offline/import_metadata.ts";

/** Settings that an import needs. */
const NAMES = [
  "metadata",
  "metadata.credentials.file",
  "metadata.tls.ca.file",
  "metadata.tls.cert.file",
  "metadata.tls.key.file",
];

function storeFlags(): Flags {
  return Object.fromEntries(
    Object.entries(brokerFlags()).filter(([name]) => NAMES.includes(name)),
  );
}

/** `cluster import`. */
export const clusterImport = command({
  name: "cluster import",
  summary: "Copy the metadata of a single broker to etcd",
  description:
    `Copies topics, settings and producer ids from the data folder of a stopped broker to an empty ` +
    `place in etcd. The records stay where they are. From then on the broker starts with the same ` +
    `--metadata, and others can join its cluster.`,
  args: { folder: { value: "DATA", isFile: true, doc: "The data folder" } },
  flags: storeFlags,
  examples: [{
    doc: "Then start the broker with the same --metadata",
    command: "dqueue cluster import dqueue-data --metadata etcd://127.0.0.1:2379/orders",
  }],
  async run(context, { args, flags }) {
    const { parseBrokerConfig, silentLogger }: typeof import("../../../broker/mod.ts") =
      await import(
        BROKER
      );
    const { importMetadata }: typeof import("../../../broker/offline/import_metadata.ts") =
      await import(IMPORT);
    const inputs = { ...brokerConfigInputs(flags), data: args.folder };
    try {
      const config = parseBrokerConfig({ flags: inputs });
      const { clusterId, nodeId, topics } = await importMetadata(config, silentLogger);
      context.stdout.line(`Imported broker ${nodeId} of cluster ${clusterId}: ${topics} topics`);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error.name === "ConfigError") throw new UsageError(error.message, { cause: error });
      if (EXPECTED.includes(error.name)) throw new CommandError(error.message, { cause: error });
      throw error;
    }
  },
});

/** Errors whose messages say what to do. */
const EXPECTED: readonly string[] = [
  "DataFolderLockedError",
  "EtcdError",
  "EtcdRestoredError",
  "EtcdSilenceError",
  "CommitUnknownError",
];
