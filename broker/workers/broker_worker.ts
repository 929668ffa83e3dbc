/**
 * The module of a worker: runs one broker until it is told to stop.
 *
 * After an error that nothing caught the broker is closed as at any other end, so that no write is under
 * way when its next worker opens the same files.
 *
 * @module
 */

import { Broker, type BrokerOptions } from "../broker.ts";
import { PortMetadataStore } from "../metadata/port/port_metadata_store.ts";
import type { HttpServer, HttpSettings } from "../http/mod.ts";
import { createLogger } from "../logger.ts";
import { BrokerConfig } from "../settings/config.ts";
import { formatHostPort, parseNamedAddress } from "../settings/listener.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** What a worker's global scope has. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
  addEventListener(type: "error", listener: (event: ErrorEvent) => void): void;
  addEventListener(
    type: "unhandledrejection",
    listener: (event: PromiseRejectionEvent) => void,
  ): void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;
let starting: Promise<Broker> | undefined;
let http: Promise<HttpServer | undefined> | undefined;
let exporting: Promise<Disposable> | undefined;
let stopping: Promise<void> | undefined;
/** Loaded only when it is asked for. */
const HTTP = "../http/mod.ts";

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case "start":
      starting = start(data);
      starting.then(
        ({ addresses }) => scope.postMessage({ type: "serving", addresses }),
        fail,
      );
      break;
    case "http":
      http = serveHttp(data.settings);
      http.catch(fail);
      break;
    case "export":
      exporting = exportMetrics(data.version);
      exporting.catch(fail);
      break;
    case "stop":
      stopping ??= stop();
      break;
    case "throw":
      throw new Error("A test asked for this error");
  }
};
scope.addEventListener("error", (event) => {
  event.preventDefault();
  fail(event.error);
});
scope.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  fail(event.reason);
});

async function start({ config: texts, metadata }: ToWorker & { type: "start" }): Promise<Broker> {
  const config = new BrokerConfig(texts);
  const options: BrokerOptions = {
    config,
    logger: createLogger({
      level: config.get("log.level"),
      sink: (line) => scope.postMessage({ type: "line", line }),
    }),
    membership: { store: new PortMetadataStore(metadata), connect: () => undefined },
  };
  try {
    return await Broker.start(options);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    const listeners = config.get("listeners").map(parseNamedAddress)
      .filter(({ port }) => port !== 0).map(formatHostPort);
    throw new Error(`Cannot listen on ${listeners.join(", ")}: the address is in use`);
  }
}

/** Serves HTTP for the broker; undefined if the address cannot be used. */
async function serveHttp(settings: HttpSettings): Promise<HttpServer | undefined> {
  const broker = await starting!;
  const { HttpServer, bindProblem }: typeof import("../http/mod.ts") = await import(HTTP);
  try {
    const server = await HttpServer.open({ ...settings, broker });
    scope.postMessage({ type: "http", address: server.address, problem: "" });
    return server;
  } catch (error) {
    const problem = bindProblem(error);
    if (problem === undefined) throw error;
    scope.postMessage({ type: "http", address: undefined, problem });
    return undefined;
  }
}

async function exportMetrics(version: string): Promise<Disposable> {
  const broker = await starting!;
  const { exportMetrics }: typeof import("../http/mod.ts") = await import(HTTP);
  return await exportMetrics({ broker, version, sharesProcess: true });
}

function fail(error: unknown): void {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  scope.postMessage({ type: "failed", message, stack });
  stopping ??= stop();
}

async function stop(): Promise<void> {
  try {
    const broker = await starting;
    await (await http?.catch(() => undefined))?.close();
    (await exporting?.catch(() => undefined))?.[Symbol.dispose]();
    await broker?.close();
  } catch {
    // It was reported when it could not start, or could not close a log.
  }
  scope.postMessage({ type: "stopped" });
  scope.close();
}
