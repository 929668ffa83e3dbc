/**
 * The options of a client, with their defaults.
 *
 * @module
 */

import { ensureKnown, type Names } from "./ensure_known.ts";
import { type BrokerAddress, parseBrokerAddress } from "./connection/address.ts";
import {
  type Dialer,
  EMBEDDED_ADDRESS,
  type EmbeddedBroker,
  embeddedDialer,
  networkDialer,
} from "./connection/dialer.ts";
import type { ConnectionStatus } from "./connection/connection_status.ts";
import { UsageError } from "./errors.ts";
import { atLeast } from "./option_checks.ts";
import type { Authenticator } from "./security/authenticator.ts";
import {
  type Credentials,
  resolveSasl,
  resolveTls,
  type SecurityOptions,
  type Source,
} from "./security/security_options.ts";
import { Tracing } from "./tracing/tracing.ts";
import type { TracingApi } from "./tracing/tracing_api.ts";

/** When and how often operations are retried. */
export interface RetryOptions {
  /** The maximum number of attempts; `timeoutMs` applies in any case. Default: unlimited. */
  readonly attempts?: number;
  /**
   * The wait after the first failure, in milliseconds; it doubles with each further one. Default:
   * 100.
   */
  readonly initialBackoffMs?: number;
  /** The maximum wait between attempts, in milliseconds. Default: 1000. */
  readonly maxBackoffMs?: number;
}

/** How to reach a cluster. Exactly one of `brokers` and `broker` is required. */
export interface ClientOptions extends SecurityOptions {
  /**
   * Addresses of one or more brokers, `host:port`, as a list or separated by commas. The client
   * discovers the other brokers of the cluster from these.
   */
  readonly brokers?: string | readonly string[];
  /** A broker in this process, instead of addresses. */
  readonly broker?: EmbeddedBroker;
  /** The client id that brokers use in logs and quotas. Default: `dqueue`. */
  readonly clientId?: string;
  /**
   * The time limit of an operation including retries, in milliseconds; for consumers also how long
   * they wait for unreachable brokers. Default: 30000, and no limit for consumers.
   */
  readonly timeoutMs?: number;
  /**
   * The time limit of a single request, in milliseconds; then the connection is closed and the
   * request retried. Default: 30000, or `timeoutMs` if that is less.
   */
  readonly requestTimeoutMs?: number;
  /**
   * The time limit for connecting to a broker, in milliseconds. Default: 10000, or `timeoutMs` if
   * that is less.
   */
  readonly connectTimeoutMs?: number;
  /** The maximum age of cached metadata, in milliseconds. Default: 300000. */
  readonly metadataMaxAgeMs?: number;
  /** When and how often to retry. */
  readonly retry?: RetryOptions;
  /**
   * Called when a connection to a broker opens, is lost or cannot be opened; see
   * {@linkcode ConnectionStatus}. What a consumer waits for, its own `onStatus` reports.
   */
  readonly onStatus?: (status: ConnectionStatus) => void;
  /**
   * The module `@opentelemetry/api`, to trace what is sent and processed: `import * as tracing from
   * "npm:@opentelemetry/api"`. Spans of sending are then made, and their context is in the headers
   * of messages (`traceparent`); `Client.process()` and handlers of consumers continue the trace.
   * Default: nothing is traced.
   */
  readonly tracing?: TracingApi;
}

/** The options with defaults applied. */
export interface ResolvedClientOptions {
  readonly bootstrap: readonly BrokerAddress[];
  readonly dialer: Dialer;
  readonly isEmbedded: boolean;
  /** Proves who the client is; undefined if it does not have to. */
  readonly authenticator: Authenticator | undefined;
  readonly clientId: string;
  readonly timeoutMs: number;
  /** How long a consumer waits for unreachable brokers. */
  readonly patienceMs: number;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
  readonly attempts: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly onStatus: ((status: ConnectionStatus) => void) | undefined;
  readonly tracing: Tracing | undefined;
}

/** @throws {UsageError} If an option is invalid. */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  ensureKnown("Client", options, CLIENT_NAMES);
  const { brokers, broker, retry = {} } = options;
  ensureKnown("retry", retry, RETRY_NAMES);
  if ((brokers === undefined) === (broker === undefined)) {
    throw new UsageError('Cannot create a client: give either "brokers" or "broker"');
  }
  const tls = resolveTls(options.tls);
  const sasl = resolveSasl(options.sasl);
  if (broker !== undefined && (tls !== undefined || sasl !== undefined)) {
    throw new UsageError(
      'Cannot use "tls" or "sasl" with "broker": connections inside the process have neither',
    );
  }
  const timeoutMs = atLeast("timeoutMs", options.timeoutMs ?? 30_000, 1);
  return {
    bootstrap: brokers === undefined ? [EMBEDDED_ADDRESS] : parseBrokers(brokers),
    dialer: broker === undefined ? networkDialer(tls) : embeddedDialer(broker),
    isEmbedded: broker !== undefined,
    authenticator: sasl === undefined ? undefined : saslAuthenticator(sasl),
    clientId: options.clientId ?? "dqueue",
    timeoutMs,
    patienceMs: options.timeoutMs ?? Infinity,
    requestTimeoutMs: atLeast(
      "requestTimeoutMs",
      options.requestTimeoutMs ?? Math.min(30_000, timeoutMs),
      1,
    ),
    connectTimeoutMs: atLeast(
      "connectTimeoutMs",
      options.connectTimeoutMs ?? Math.min(10_000, timeoutMs),
      1,
    ),
    metadataMaxAgeMs: atLeast("metadataMaxAgeMs", options.metadataMaxAgeMs ?? 300_000, 0),
    attempts: atLeast("retry.attempts", retry.attempts ?? Infinity, 1),
    initialBackoffMs: atLeast("retry.initialBackoffMs", retry.initialBackoffMs ?? 100, 0),
    maxBackoffMs: atLeast("retry.maxBackoffMs", retry.maxBackoffMs ?? 1000, 0),
    onStatus: options.onStatus,
    tracing: options.tracing === undefined ? undefined : new Tracing(options.tracing),
  };
}

/** The mechanisms are loaded with the first connection that needs one. */
export function saslAuthenticator(sasl: Source<Credentials>): Authenticator {
  return {
    get pending() {
      return sasl.pending;
    },
    async prepare() {
      const [{ authenticateSasl }, credentials] = await Promise.all([
        import("./security/sasl_authentication.ts"),
        sasl.get(),
      ]);
      return (exchange) => authenticateSasl(exchange, credentials);
    },
  };
}

function parseBrokers(brokers: string | readonly string[]): readonly BrokerAddress[] {
  const texts = typeof brokers === "string" ? brokers.split(",") : brokers;
  if (texts.length === 0) {
    throw new UsageError('Cannot create a client: "brokers" is empty, at least one is needed');
  }
  return texts.map(parseBrokerAddress);
}

/** The names of ClientOptions. */
const CLIENT_NAMES: Names<ClientOptions> = {
  brokers: true,
  broker: true,
  clientId: true,
  timeoutMs: true,
  requestTimeoutMs: true,
  connectTimeoutMs: true,
  metadataMaxAgeMs: true,
  retry: true,
  onStatus: true,
  tracing: true,
  tls: true,
  sasl: true,
};

/** The names of RetryOptions. */
const RETRY_NAMES: Names<RetryOptions> = {
  attempts: true,
  initialBackoffMs: true,
  maxBackoffMs: true,
};
