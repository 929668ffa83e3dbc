/**
 * Several brokers as threads of one process, for all cores of a machine.
 *
 * Each is an unchanged `Broker` with its own event loop, listeners and folder. The first runs in the
 * main thread and keeps the cluster's metadata; the others, in workers, reach it over a `MessagePort`.
 *
 * @module
 */

import type { BootstrapUser } from "../bootstrap_user.ts";
import { Broker, partsOf, type RegisteredBroker } from "../broker.ts";
import type { HttpSettings } from "../http/mod.ts";
import type { Logger } from "../logger.ts";
import { BrokerConfig, ConfigError, type ConfigTexts } from "../settings/config.ts";
import type { HostPort } from "../settings/listener.ts";
import { type Listener, readListeners } from "../settings/listeners.ts";
import { DenoFileSystem } from "../../storage/file_system/deno_file_system.ts";
import { FileSystemError } from "../../storage/file_system/file_system.ts";
import type { WorkerBroker } from "./worker_broker.ts";
import { type WorkerLogs, workersWithLogs } from "./worker_folders.ts";
import { withWorkersListener } from "./workers_listener.ts";

/** Loaded when it is needed. */
const WORKERS = "./worker_brokers.ts";

/** How to start the brokers of a process. */
export interface ProcessBrokersOptions {
  /** Number of brokers. */
  readonly count: number;
  /** Settings of all of them; ids and ports are those of the first, and the others' follow. */
  readonly config: BrokerConfig;
  readonly logger: Logger;
  /** The first administrator of a new cluster. Default: none. */
  readonly bootstrapUser?: BootstrapUser;
  /** Receives the log lines of those in workers. */
  readonly sink: (line: string) => void;
  /** Called when one cannot serve again or ended without closing its files: the process must end. */
  readonly onFatal: (error: Error) => void;
}

/** Settings that bound what a process takes, with their minimum; each broker has its part. */
const BUDGETS = {
  "batch.cache.bytes": 0,
  "queued.max.request.bytes": 1,
  "queued.max.response.bytes": 1,
  "open.files.max": 1,
  "log.cleaner.dedupe.buffer.size": 1024 * 1024,
} as const;

/** A listener of one of the brokers. */
export interface BrokerListener extends Listener {
  /** The broker's id. */
  readonly broker: number;
  /** Where it is bound. */
  readonly address: HostPort;
}

/** The brokers of a process. */
export class ProcessBrokers {
  readonly #first: Broker;
  readonly #workers: readonly WorkerBroker[];
  readonly #listeners: readonly Listener[];

  private constructor(
    first: Broker,
    workers: readonly WorkerBroker[],
    listeners: readonly Listener[],
  ) {
    this.#first = first;
    this.#workers = workers;
    this.#listeners = listeners;
  }

  /**
   * Starts them; all serve clients when this resolves, and none is served before they are one cluster.
   *
   * @throws {ConfigError} If a broker that would be missing has records.
   */
  static async start(options: ProcessBrokersOptions): Promise<ProcessBrokers> {
    const { count, config, logger, onFatal, bootstrapUser } = options;
    const more = bootstrapUser === undefined ? {} : { bootstrapUser };
    const { all } = readListeners(config);
    refuseFewer(config.get("log.dirs"), count);
    if (count === 1) {
      const only = await Broker.start({ config, logger, onFatal, ...more });
      return new ProcessBrokers(only, [], all);
    }
    if (config.get("metadata") !== "local") {
      throw new ConfigError(
        `Cannot serve with ${count} workers: metadata is in etcd, which they do not reach yet; start ` +
          "with --workers 1, or without --metadata",
      );
    }
    const parts = withWorkersListener(budgetsOf(config, count), config);
    const own = new BrokerConfig(parts);
    const { startWorkerBrokers }: typeof import("./worker_brokers.ts") = await import(WORKERS);
    let workers: WorkerBroker[] = [];
    // They start before the first broker serves clients, who then find all of them.
    const onRegistered = async (first: RegisteredBroker) => {
      workers = await startWorkerBrokers(first, parts, { ...options, config: own });
    };
    const first = await Broker.start({ config: own, logger, onFatal, onRegistered, ...more });
    return new ProcessBrokers(first, workers, all);
  }

  /** The broker of the main thread. */
  get first(): Broker {
    return this.#first;
  }

  /** The others. */
  get workers(): readonly WorkerBroker[] {
    return this.#workers;
  }

  /** What they listen on, each with the broker's id. */
  get listeners(): BrokerListener[] {
    return [this.#first, ...this.#workers].flatMap(({ nodeId, addresses }) =>
      // The last one is for themselves.
      this.#listeners.map((listener, i) => ({
        ...listener,
        broker: nodeId,
        address: addresses[i]!,
      }))
    );
  }

  /** Whether everyone may do everything. */
  get isOpen(): boolean {
    return partsOf(this.#first).context.authorizer.isOpen;
  }

  /** Where they listen. */
  get addresses(): readonly HostPort[] {
    return this.listeners.map(({ address }) => address);
  }

  /**
   * Serves HTTP for the brokers in workers, each on the port after the one before.
   *
   * @param settings Those of the first broker's HTTP port.
   * @returns For each broker, the bound address or why it cannot be used.
   */
  serveHttp(
    settings: HttpSettings,
  ): Promise<
    { readonly broker: number; readonly wanted: HostPort; readonly bound: HostPort | string }[]
  > {
    const { host, port } = settings.address;
    return Promise.all(this.#workers.map(async (worker, i) => {
      const wanted = { host, port: port === 0 ? 0 : port + i + 1 };
      const bound = await worker.serveHttp({ ...settings, address: wanted, sharesProcess: true });
      return { broker: worker.nodeId, wanted, bound };
    }));
  }

  /** Exports the metrics of the brokers in workers by OpenTelemetry, without serving HTTP. */
  exportMetrics(version: string): void {
    for (const worker of this.#workers) worker.exportMetrics(version);
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

function budgetsOf(config: BrokerConfig, count: number): ConfigTexts {
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
