/**
 * Several brokers as threads of one process, for all cores of a machine.
 *
 * Each is an unchanged `Broker` with its own event loop, listeners and folder. The first runs in the
 * main thread and keeps the cluster's metadata; the others, in workers, reach it over a `MessagePort`.
 *
 * @module
 */

import { Broker } from "../broker.ts";
import type { Logger } from "../logger.ts";
import { BrokerConfig, ConfigError, type ConfigTexts } from "../settings/config.ts";
import { formatHostPort, type HostPort, parseListener } from "../settings/listener.ts";
import { systemClock } from "../time/clock.ts";
import { DenoFileSystem } from "../../storage/file_system/deno_file_system.ts";
import { FileSystemError } from "../../storage/file_system/file_system.ts";
import { WorkerBroker } from "./worker_broker.ts";
import { workerFolder, type WorkerLogs, workersWithLogs } from "./worker_folders.ts";

/** How to start the brokers of a process. */
export interface ProcessBrokersOptions {
  /** Number of brokers. */
  readonly count: number;
  /** Settings of all of them; ids and ports are those of the first, and the others' follow. */
  readonly config: BrokerConfig;
  readonly logger: Logger;
  /** Receives the log lines of those in workers. */
  readonly sink: (line: string) => void;
  /** Called when one cannot serve again or ended without closing its files: the process must end. */
  readonly onFatal: (error: Error) => void;
}

/**
 * Settings that bound what a process takes, with their minimum; each broker has its part. The batch cache
 * is not among them: with half of it a broker serves fewer reads from memory.
 */
const BUDGETS = {
  "queued.max.request.bytes": 1,
  "queued.max.response.bytes": 1,
  "open.files.max": 1,
  "log.cleaner.dedupe.buffer.size": 1024 * 1024,
} as const;

/** The brokers of a process. */
export class ProcessBrokers {
  readonly #first: Broker;
  readonly #workers: readonly WorkerBroker[];

  private constructor(first: Broker, workers: readonly WorkerBroker[]) {
    this.#first = first;
    this.#workers = workers;
  }

  /**
   * Starts them; all serve clients when this resolves.
   *
   * @throws {ConfigError} If a broker that would be missing has records.
   */
  static async start(options: ProcessBrokersOptions): Promise<ProcessBrokers> {
    const { count, config, logger, onFatal } = options;
    refuseFewer(config.get("log.dirs"), count);
    if (count === 1) {
      return new ProcessBrokers(await Broker.start({ config, logger, onFatal }), []);
    }
    if (config.get("metadata") !== "local") {
      throw new ConfigError(
        `Cannot serve with ${count} workers: metadata is in etcd, which they do not reach yet; start ` +
          "with --workers 1, or without --metadata",
      );
    }
    const parts = partsOf(config, count);
    const first = await Broker.start({ config: new BrokerConfig(parts), logger, onFatal });
    const ids = Array.from({ length: count - 1 }, (_, i) => i + 1);
    const started = await Promise.allSettled(
      ids.map((index) => startWorker(first, parts, index, options)),
    );
    const workers = started.flatMap((result) =>
      result.status === "fulfilled" ? [result.value] : []
    );
    const brokers = new ProcessBrokers(first, workers);
    const failed = started.find((result) => result.status === "rejected");
    if (failed === undefined) return brokers;
    await brokers.close();
    throw failed.reason;
  }

  /** The broker of the main thread. */
  get first(): Broker {
    return this.#first;
  }

  /** The others. */
  get workers(): readonly WorkerBroker[] {
    return this.#workers;
  }

  /** Where they listen, each with the broker's id. */
  get listeners(): { readonly broker: number; readonly address: HostPort }[] {
    return [this.#first, ...this.#workers].flatMap(({ nodeId, addresses }) =>
      addresses.map((address) => ({ broker: nodeId, address }))
    );
  }

  /** Where they listen. */
  get addresses(): readonly HostPort[] {
    return this.listeners.map(({ address }) => address);
  }

  /** Closes all. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    await this.#first.close();
  }

  /** Closes all. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function startWorker(
  first: Broker,
  parts: ConfigTexts,
  index: number,
  { config, logger, sink, onFatal }: ProcessBrokersOptions,
): Promise<WorkerBroker> {
  const nodeId = config.get("node.id") + index;
  const advertised = config.get("advertised.listeners");
  return WorkerBroker.start({
    nodeId,
    configFor: (addresses) =>
      new Map([
        ...[...parts].filter(([name]) => name !== "broker.id" && name !== "log.dir"),
        ["node.id", `${nodeId}`],
        ["cluster.id", first.clusterId],
        ["log.dirs", workerFolder(config.get("log.dirs"), index + 1)],
        ["listeners", addresses?.map(formatHostPort).join(",") ?? following(config, index)],
        ...(advertised === null ? [] : [
          ["advertised.listeners", advertised.map((text) => portAfter(text, index)).join(",")],
        ] as [string, string][]),
      ]),
    serveMetadata: (port) => first.serveMetadata(port),
    sink,
    logger,
    clock: systemClock,
    onFatal,
  });
}

function following(config: BrokerConfig, index: number): string {
  return config.get("listeners").map((text) => portAfter(text, index)).join(",");
}

/** The same address with a later port; port 0 stays, for any. */
function portAfter(text: string, index: number): string {
  const { host, port } = parseListener(text);
  return formatHostPort({ host, port: port === 0 ? 0 : port + index });
}

function partsOf(config: BrokerConfig, count: number): ConfigTexts {
  const parts = Object.entries(BUDGETS).map(([name, min]) => {
    const part = Math.floor(config.get(name as keyof typeof BUDGETS) / count);
    return [name, `${Math.max(min, part)}`] as const;
  });
  return new Map([...config.given, ...parts]);
}

/** @throws {ConfigError} If a worker that would be missing has logs, which nobody else has. */
function refuseFewer(data: string, count: number): void {
  const missing = withLogs(data).findLast(({ number }) => number > count);
  if (missing === undefined) return;
  const { folder, logCount, number } = missing;
  throw new ConfigError(
    `Cannot serve with ${count} workers: "${folder}" has ${logCount} logs that no other broker has; ` +
      `start with --workers ${number}`,
  );
}

function withLogs(data: string): WorkerLogs[] {
  try {
    return workersWithLogs(new DenoFileSystem(), data);
  } catch (error) {
    // A data folder that cannot be used, the broker reports.
    if (error instanceof FileSystemError) return [];
    throw error;
  }
}
