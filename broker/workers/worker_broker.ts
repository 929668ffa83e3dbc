/**
 * A broker in a worker, as the main thread sees it: started, and started again when it fails.
 *
 * @module
 */

import type { HttpSettings } from "../http/mod.ts";
import type { Logger } from "../logger.ts";
import type { ConfigTexts } from "../settings/config.ts";
import type { HostPort } from "../settings/listener.ts";
import type { Clock } from "../time/clock.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** What a broker in a worker needs. */
export interface WorkerBrokerOptions {
  readonly nodeId: number;
  /** Its settings; `addresses` are those of its last life, undefined before the first. */
  configFor(addresses: readonly HostPort[] | undefined): ConfigTexts;
  /** Serves the cluster's metadata on a port, until it is disposed of. */
  serveMetadata(port: MessagePort): AsyncDisposable;
  /** Receives the worker's log lines. */
  readonly sink: (line: string) => void;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Called when the process must end, for the worker may still write to its files. */
  readonly onFatal: (error: Error) => void;
}

/** How long a broker that failed may take to close its files. */
const STOP_TIMEOUT_MS = 10_000;
const MIN_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

/** A broker that served for so long has not failed because of how it was started. */
const STEADY_MS = 30_000;

/** A broker in a worker cannot start. */
export class WorkerStartError extends Error {
  override name = "WorkerStartError";
}

/** A broker in a worker. */
export class WorkerBroker {
  readonly #options: WorkerBrokerOptions;
  #worker: Worker | undefined;
  #metadata: AsyncDisposable | undefined;
  #addresses: readonly HostPort[] | undefined;
  #served = quietly();
  #stopped = Promise.withResolvers<void>();
  #problem: string | undefined;
  #httpSettings: HttpSettings | undefined;
  #http: PromiseWithResolvers<HostPort | string> | undefined;
  /** The program's version that its exported metrics name. */
  #exportedVersion: string | undefined;
  /** When it began to serve, in milliseconds since 1970; undefined while it does not. */
  #servesSinceMs: number | undefined;
  #hasServed = false;
  #isClosing = false;
  #retryMs = 0;
  #retryTimer: number | undefined;
  #stopTimer: number | undefined;

  private constructor(options: WorkerBrokerOptions) {
    this.#options = options;
  }

  /**
   * Starts it; resolves when it serves clients.
   *
   * @throws {WorkerStartError} If it cannot start.
   */
  static async start(options: WorkerBrokerOptions): Promise<WorkerBroker> {
    const broker = new WorkerBroker(options);
    broker.#begin();
    await broker.#served.promise;
    return broker;
  }

  /** Its id in the cluster. */
  get nodeId(): number {
    return this.#options.nodeId;
  }

  /** Where it listens. */
  get addresses(): readonly HostPort[] {
    return this.#addresses ?? [];
  }

  /** Resolves when it serves clients, immediately if it does. */
  get serving(): Promise<void> {
    return this.#served.promise;
  }

  /**
   * Serves HTTP for it, also after it has failed and was started again.
   *
   * @returns The bound address, or why it cannot be used.
   */
  async serveHttp(settings: HttpSettings): Promise<HostPort | string> {
    this.#httpSettings = settings;
    this.#http = Promise.withResolvers();
    this.#post({ type: "http", settings });
    return await this.#http.promise;
  }

  /** Exports its metrics by OpenTelemetry without HTTP, also after it has failed and was started again. */
  exportMetrics(version: string): void {
    this.#exportedVersion = version;
    this.#post({ type: "export", version });
  }

  /** Makes it fail, for tests. */
  throw(): void {
    this.#post({ type: "throw" });
  }

  /** Stops it, and closes its files. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#retryTimer !== undefined) this.#options.clock.clearTimeout(this.#retryTimer);
    if (this.#worker === undefined) return;
    this.#post({ type: "stop" });
    await this.#stopped.promise;
  }

  #begin(): void {
    const { configFor, serveMetadata, nodeId } = this.#options;
    this.#problem = undefined;
    this.#stopped = Promise.withResolvers();
    const { port1, port2 } = new MessageChannel();
    this.#metadata = serveMetadata(port1);
    const worker = new Worker(new URL("./broker_worker.ts", import.meta.url), {
      type: "module",
      name: `broker-${nodeId}`,
    });
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      const error = new Error(`Broker ${nodeId} ended without closing: ${event.message}`);
      this.#served.reject(error);
      this.#options.onFatal(error);
    };
    const start: ToWorker = {
      type: "start",
      config: configFor(this.#addresses),
      metadata: port2,
    };
    worker.postMessage(start, [port2]);
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "line":
        return this.#options.sink(message.line);
      case "serving":
        this.#addresses = message.addresses;
        this.#servesSinceMs = this.#options.clock.monotonic();
        if (this.#hasServed && this.#httpSettings !== undefined) {
          this.#post({ type: "http", settings: this.#httpSettings });
        }
        if (this.#hasServed && this.#exportedVersion !== undefined) {
          this.#post({ type: "export", version: this.#exportedVersion });
        }
        this.#hasServed = true;
        return this.#served.resolve();
      case "http":
        return this.#noteHttp(message.address, message.problem);
      case "failed":
        return this.#fail(message.message, message.stack);
      case "stopped":
        return void this.#end();
    }
  }

  #noteHttp(address: HostPort | undefined, problem: string): void {
    if (address !== undefined) this.#httpSettings = { ...this.#httpSettings!, address };
    else if (this.#http === undefined) {
      const { nodeId, logger } = this.#options;
      logger.warn("A worker cannot serve HTTP any more", { nodeId, problem });
    }
    this.#http?.resolve(address ?? problem);
    this.#http = undefined;
  }

  #fail(problem: string, stack = problem): void {
    this.#http?.resolve(problem);
    this.#http = undefined;
    this.#problem ??= problem;
    const { nodeId, logger, clock, onFatal } = this.#options;
    // What cannot start for the first time is reported by start().
    if (this.#hasServed) {
      logger.error("A worker failed; its broker is closed and started again", { nodeId, stack });
    }
    this.#stopTimer ??= clock.setTimeout(
      () =>
        onFatal(new Error(`Broker ${nodeId} cannot close its files after it failed: ${problem}`)),
      STOP_TIMEOUT_MS,
    );
  }

  async #end(): Promise<void> {
    const { clock, nodeId } = this.#options;
    if (this.#stopTimer !== undefined) clock.clearTimeout(this.#stopTimer);
    this.#stopTimer = undefined;
    this.#worker!.terminate();
    this.#worker = undefined;
    await this.#metadata?.[Symbol.asyncDispose]();
    this.#stopped.resolve();
    if (this.#isClosing) return;
    if (!this.#hasServed) {
      const problem = this.#problem ?? "the worker ended";
      return this.#served.reject(new WorkerStartError(`Cannot start broker ${nodeId}: ${problem}`));
    }
    this.#startAgain();
  }

  /** The first time immediately, then after 1, 2, 4 … 30 s, until it has served for a while. */
  #startAgain(): void {
    const { clock } = this.#options;
    if (this.#servesSinceMs !== undefined) {
      this.#served = quietly();
      if (clock.monotonic() - this.#servesSinceMs >= STEADY_MS) this.#retryMs = 0;
      this.#servesSinceMs = undefined;
    }
    this.#retryTimer = clock.setTimeout(() => {
      this.#retryTimer = undefined;
      this.#begin();
    }, this.#retryMs);
    this.#retryMs = Math.min(Math.max(2 * this.#retryMs, MIN_RETRY_MS), MAX_RETRY_MS);
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }
}

/** A promise that may be rejected with nobody waiting for it. */
function quietly(): PromiseWithResolvers<void> {
  const resolvers = Promise.withResolvers<void>();
  resolvers.promise.catch(() => {});
  return resolvers;
}
