/**
 * Starts the brokers of a process that run in workers, when the first one is registered.
 *
 * @module
 */

import type { RegisteredBroker } from "../broker.ts";
import { MetadataStoreServer } from "../metadata/port/metadata_store_server.ts";
import { SharedMetadataStore } from "../metadata/shared_metadata_store.ts";
import type { ConfigTexts } from "../settings/config.ts";
import { formatNamedAddress, parseNamedAddress } from "../settings/listener.ts";
import { systemClock } from "../time/clock.ts";
import type { ProcessBrokersOptions } from "./process_brokers.ts";
import { WorkerBroker } from "./worker_broker.ts";
import { workerFolder } from "./worker_folders.ts";

/**
 * Starts all brokers but the first; they serve clients when this resolves.
 *
 * @param parts Settings of each, apart from those that tell them apart.
 * @throws {WorkerStartError} If one cannot start. The others are closed.
 */
export async function startWorkerBrokers(
  first: RegisteredBroker,
  parts: ConfigTexts,
  options: ProcessBrokersOptions,
): Promise<WorkerBroker[]> {
  const indexes = Array.from({ length: options.count - 1 }, (_, i) => i + 1);
  const started = await Promise.allSettled(
    indexes.map((index) => startWorkerBroker(first, parts, index, options)),
  );
  const workers = started.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
  const failed = started.find((result) => result.status === "rejected");
  if (failed === undefined) return workers;
  await Promise.all(workers.map((worker) => worker.close()));
  throw failed.reason;
}

function startWorkerBroker(
  { clusterId, store }: RegisteredBroker,
  parts: ConfigTexts,
  index: number,
  { config, logger, sink, onFatal }: ProcessBrokersOptions,
): Promise<WorkerBroker> {
  const nodeId = config.get("node.id") + index;
  const listeners = config.get("listeners");
  const names = listeners.map((text) => parseNamedAddress(text).name);
  const advertised = config.get("advertised.listeners");
  const following = (texts: readonly string[]) =>
    texts.map((text) => portAfter(text, index)).join(",");
  return WorkerBroker.start({
    nodeId,
    configFor: (addresses) =>
      new Map([
        ...[...parts].filter(([name]) => name !== "broker.id" && name !== "log.dir"),
        ["node.id", `${nodeId}`],
        ["cluster.id", clusterId],
        ["log.dirs", workerFolder(config.get("log.dirs"), index + 1)],
        [
          "listeners",
          addresses?.map((address, i) => formatNamedAddress({ ...address, name: names[i]! }))
            .join(",") ?? following(listeners),
        ],
        ...(advertised === null
          ? []
          : [["advertised.listeners", following(advertised)]] as [string, string][]),
      ]),
    serveMetadata: (port) => new MetadataStoreServer(new SharedMetadataStore(store), port),
    sink,
    logger,
    clock: systemClock,
    onFatal,
  });
}

/** The same address with a later port; port 0 stays, for any. */
function portAfter(text: string, index: number): string {
  const { port } = parseNamedAddress(text);
  return port === 0 ? text : text.replace(/\d+$/, `${port + index}`);
}
