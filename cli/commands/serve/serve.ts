/**
 * `dqueue serve`: runs a broker until it is stopped.
 *
 * @module
 */

import { createLogger, type Logger, type LogLevel } from "../../../broker/logger.ts";
import type { Broker, HostPort } from "../../../broker/mod.ts";
import { type BrokerConfig, parseBrokerConfig } from "../../../broker/settings/config.ts";
import type { HttpServer } from "../../../broker/http/mod.ts";
import type { ProcessBrokers } from "../../../broker/workers/mod.ts";
import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import { exportsTelemetry } from "../../terminal/end_process.ts";
import { CommandError, messageOf, UsageError } from "../../errors.ts";
import { bootstrapFlags, readBootstrapUser } from "./bootstrap_user.ts";
import { brokerConfigInputs, brokerFlags } from "./broker_flags.ts";
import { exposureOf } from "./exposure.ts";
import { hintsOf } from "./hints.ts";
import { httpFlags, openHttp, openWorkersHttp } from "./http_port.ts";
import { VERSION } from "../about.ts";

/** A longer shutdown is explained to the user. */
const PATIENCE_MS = 2000;
const PATIENCE = "Still flushing data to disk; another SIGINT (Ctrl-C) stops immediately";

/** What is wrong with a metadata store that brokers share; the messages say what to do. */
const METADATA_ERRORS: readonly string[] = [
  "EtcdError",
  "EtcdSilenceError",
  "EtcdRestoredError",
  "CommitUnknownError",
  "NumberTakenError",
];

/** `serve`. */
export const serve = command({
  name: "serve",
  summary: "Run a broker",
  description:
    `Runs a broker that Kafka clients can connect to, until it is stopped with Ctrl-C or SIGTERM. ` +
    `Logs go to standard error.\n\n` +
    `The settings have Kafka's names: "log.retention.ms" is --log-retention-ms, the ` +
    `variable DQUEUE_LOG_RETENTION_MS, or "log.retention.ms" in the file of --config. Sizes and ` +
    `durations may have units: 64MiB, 7d.\n\n` +
    `Acknowledged messages survive:\n` +
    `  acks=all  a crash of the process or the machine, and power loss; except for the\n` +
    `            last second with flush=interval, or the last minute with flush=os\n` +
    `  acks=1    a crash of the process; otherwise as with flush=os\n` +
    `  acks=0    nothing is acknowledged\n` +
    `A full disk loses none of them: writes are rejected until there is space. Data damaged by the ` +
    `disk is not served, and "dqueue log verify" finds it.`,
  flags: () => ({
    workers: {
      doc: "Brokers to run as threads of this process, each on the port after the last one's; " +
        "auto for one per core",
      parse: parseWorkers,
      value: "N|auto",
      default: "1",
      group: "Cluster",
    } as const,
    ...httpFlags,
    ...bootstrapFlags,
    ...brokerFlags(),
  }),
  examples: [
    { doc: "On port 9092 of this machine, data in ./dqueue-data", command: "dqueue serve" },
    {
      doc: "For the whole network, with the host name used by clients",
      command: "dqueue serve --listen 0.0.0.0:9092 --advertised-listeners kafka.example.com:9092 " +
        "--data /var/lib/dqueue",
    },
    {
      doc: "On all cores: a cluster of as many brokers, on ports 9092, 9093 …",
      command: "dqueue serve --workers auto",
    },
    {
      doc:
        "For clients that log in: the first administrator is created with the password of a file",
      command: "dqueue serve --listen SASL_PLAINTEXT://127.0.0.1:9092 --sasl-enabled-mechanisms " +
        "SCRAM-SHA-256 --bootstrap-user admin --bootstrap-password-file admin.password",
    },
    {
      doc: "Console, REST and metrics by HTTPS, for the whole network",
      command: "dqueue serve --http https://0.0.0.0:8443 --ssl-keystore-type PEM " +
        "--ssl-keystore-location keystore.pem",
    },
    {
      doc: "With settings from a file",
      command: `dqueue serve --config broker.json   # { "log.retention.hours": 24 }`,
    },
  ],
  async run(context, { flags }) {
    // The compiled program may start processes, but only `cluster try` does. Giving up one of all
    // permissions (`deno run -A`) would also give up folders that require all, such as /dev/shm.
    if (Deno.build.standalone) Deno.permissions.revokeSync({ name: "run" });
    // The broker is by far the largest part of the program; other commands start faster without it.
    const { ProcessBrokers } = await import("../../../broker/workers/process_brokers.ts");
    const { workers, http, httpHost, httpTrustedProxies, httpWrites, ...others } = flags;
    const { httpStreamRate, httpCorsOrigin, ...rest } = others;
    const { bootstrapUser: _name, bootstrapPasswordFile: _file, ...settings } = rest;
    const config = parseBrokerConfig({ flags: brokerConfigInputs(settings) });
    const bootstrapUser = await readBootstrapUser(context, flags);
    const sink = logTo(context);
    const logger = createLogger({ level: config.get("log.level") as LogLevel, sink });
    logger.info("Starting", { version: VERSION, data: await fullPath(config.get("log.dirs")) });
    const fatal = Promise.withResolvers<never>();
    // It may come before anything waits for it.
    fatal.promise.catch(() => {});
    let brokers: ProcessBrokers;
    try {
      brokers = await ProcessBrokers.start({
        count: workers,
        config,
        logger,
        sink,
        onFatal: fatal.reject,
        ...(bootstrapUser === undefined ? {} : { bootstrapUser }),
      });
    } catch (error) {
      throw explained(error, config);
    }
    const { first } = brokers;
    logListeners(brokers, config, logger);
    let httpServer: HttpServer | undefined;
    let metricsExport: Disposable | undefined;
    try {
      const exportsMetrics = exportsTelemetry(context);
      const httpFlags = {
        http,
        httpHost,
        httpTrustedProxies,
        httpWrites,
        httpStreamRate,
        httpCorsOrigin,
        exportsMetrics,
        isOpen: brokers.isOpen,
      };
      httpServer = await openHttp(first, httpFlags, logger);
      if (httpServer !== undefined) await openWorkersHttp(brokers, httpFlags, logger);
      else if (exportsMetrics) {
        metricsExport = await exportMetrics(first);
        brokers.exportMetrics(VERSION);
      }
    } catch (error) {
      await httpServer?.close();
      await brokers.close();
      throw error;
    }
    if (context.stderr.isTerminal) await writeHints(context, brokers, config);
    try {
      await Promise.race([aborted(context.signal), fatal.promise]);
    } catch (error) {
      if (!isMetadataError(error)) throw error;
      await brokers.close();
      throw explained(error, config);
    }
    logger.info("Stopping", { connections: first.connectionCount });
    const timer = setTimeout(() => logger.info(PATIENCE), PATIENCE_MS);
    metricsExport?.[Symbol.dispose]();
    await httpServer?.close();
    await brokers.close();
    clearTimeout(timer);
    logger.info("Stopped");
  },
});

/** Logs where clients reach the brokers, and what there is to fear. */
function logListeners(brokers: ProcessBrokers, config: BrokerConfig, logger: Logger): void {
  const { first: { clusterId }, listeners, isOpen, workers } = brokers;
  const hasPeers = workers.length > 0 || config.get("metadata") !== "local";
  for (const { broker, name, protocol, address, isInterBroker } of listeners) {
    const where = { address: formatAddress(address) };
    const isPlain = name === "PLAINTEXT" && protocol === "PLAINTEXT";
    logger.info("Listening", {
      ...where,
      clusterId,
      nodeId: broker,
      ...(isPlain ? {} : { listener: name, protocol }),
    });
    const own = config.ofListener(name);
    const exposure = exposureOf({
      address,
      protocol,
      needsCertificate: needsCertificateAt({ name, protocol }, config),
      takesPasswords: own.get("sasl.enabled.mechanisms").includes("PLAIN"),
      isForBrokers: isInterBroker && hasPeers,
      isOpen,
    });
    if (exposure !== undefined) logger.warn(exposure, where);
  }
}

function needsCertificateAt(
  { name, protocol }: { readonly name: string; readonly protocol: string },
  config: BrokerConfig,
): boolean {
  return protocol === "SSL" && config.ofListener(name).get("ssl.client.auth") === "required";
}

/** Exports metrics by OpenTelemetry without an HTTP port. */
async function exportMetrics(broker: Broker): Promise<Disposable> {
  const { exportMetrics } = await import("../../../broker/http/mod.ts");
  return await exportMetrics({ broker, version: VERSION });
}

/** Parses a number of brokers. */
function parseWorkers(text: string): number {
  if (text === "auto") return navigator.hardwareConcurrency;
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new Error(`"${text}" is not a number from 1 to 999, or auto`);
}

/** Log lines are not awaited, and a closed reader does not stop the broker. */
function logTo({ stderr }: Context): (line: string) => void {
  return (line) => {
    stderr.line(line);
    stderr.flush().catch(() => {});
  };
}

async function writeHints(
  { stderr }: Context,
  { listeners, isOpen }: ProcessBrokers,
  config: BrokerConfig,
): Promise<void> {
  const { bold, dim } = stderr.style;
  // Nobody needs a name while the cluster is open.
  const plain = listeners.find(({ protocol }) => isOpen && protocol === "PLAINTEXT");
  const named = listeners.find(({ protocol }) => protocol !== "PLAINTEXT");
  const listener = plain ?? named ?? listeners[0]!;
  const needsCertificate = needsCertificateAt(listener, config);
  stderr.line();
  stderr.line(bold("Try it from another terminal:"));
  for (const line of hintsOf({ ...listener, needsCertificate })) stderr.line(`  ${line}`);
  stderr.line(dim(`"dqueue cheat" has more examples. Press Ctrl-C to stop the broker.`));
  stderr.line();
  await stderr.flush().catch(() => {});
}

/** Explains an error at startup, and what to do about it. */
function explained(error: unknown, config: BrokerConfig): unknown {
  const addresses = config.get("listeners")
    .map((listener) => listener.replace("PLAINTEXT://", "")).join(", ");
  const message = messageOf(error);
  if (error instanceof Deno.errors.AddrInUse) {
    return new CommandError(
      `Cannot listen on ${addresses}: the address is in use; choose another port with --listen`,
    );
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return new CommandError(
      `Cannot listen on ${addresses}: this machine has no such address; choose another with --listen`,
    );
  }
  if (!(error instanceof Error)) return error;
  const cause = { cause: error };
  if (error.name === "WorkerStartError") return new CommandError(message, cause);
  if (error.name === "ConfigError") return new UsageError(message, cause);
  if (["DataFolderLockedError", "FileSystemError"].includes(error.name)) {
    return new CommandError(`${message}; choose another folder with --data`, cause);
  }
  if (isMetadataError(error)) return new CommandError(message, cause);
  if (["CorruptRecordError", "CorruptFileError"].includes(error.name)) {
    return new CommandError(
      `${message}; "dqueue log repair ${config.get("log.dirs")}" shows what can be done`,
      cause,
    );
  }
  return error;
}

function isMetadataError(error: unknown): boolean {
  return error instanceof Error && METADATA_ERRORS.includes(error.name);
}

/** An absolute path, because the log may be read elsewhere. */
async function fullPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch {
    // A new broker creates the folder.
    return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  }
}

function formatAddress({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
