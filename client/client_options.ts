/**
 * What a client can be told, with the defaults.
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
  tcpDialer,
} from "./connection/dialer.ts";
import { UsageError } from "./errors.ts";

/** How often and how patiently a client tries again. */
export interface RetryOptions {
  /** How often an operation is tried at most; `timeout` ends it in any case. Default: no limit. */
  readonly attempts?: number;
  /** Milliseconds to wait after the first failure; twice as long after each further one. Default: 100. */
  readonly initialBackoff?: number;
  /** The longest such wait, in milliseconds. Default: 1000. */
  readonly maxBackoff?: number;
}

/** How to reach a cluster. One of `brokers` and `broker` is required. */
export interface ClientOptions {
  /**
   * Addresses of one or more brokers, `host:port`, as a list or separated by commas. The client asks
   * them for the rest of the cluster, so not all have to be named.
   */
  readonly brokers?: string | readonly string[];
  /** A broker in this process, instead of addresses. */
  readonly broker?: EmbeddedBroker;
  /** What brokers log and count this client as. Default: `dqueue`. */
  readonly clientId?: string;
  /**
   * How long an operation may take in all, retries included, in milliseconds; also how long a consumer
   * waits for brokers that cannot be reached. Default: 30000, and consumers wait for as long as it takes.
   */
  readonly timeout?: number;
  /**
   * How long a broker may take to answer one request, in milliseconds; then the connection is given up
   * and the request tried again. Default: 30000, or `timeout` if that is less.
   */
  readonly requestTimeout?: number;
  /** How long it may take to reach a broker, in milliseconds. Default: 10000, or `timeout` if less. */
  readonly connectTimeout?: number;
  /** How old metadata may be before they are asked for again, in milliseconds. Default: 300000. */
  readonly metadataMaxAge?: number;
  /** How often and how patiently to try again. */
  readonly retry?: RetryOptions;
}

/** The options with all defaults filled in. */
export interface ResolvedClientOptions {
  readonly bootstrap: readonly BrokerAddress[];
  readonly dialer: Dialer;
  readonly isEmbedded: boolean;
  readonly clientId: string;
  readonly timeoutMs: number;
  /** How long a consumer waits for brokers that cannot be reached. */
  readonly patienceMs: number;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
  readonly attempts: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
}

/** @throws {UsageError} If an option is not possible. */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  ensureKnown("Client", options, CLIENT_NAMES);
  const { brokers, broker, retry = {} } = options;
  ensureKnown("retry", retry, RETRY_NAMES);
  if ((brokers === undefined) === (broker === undefined)) {
    throw new UsageError('Cannot make a client: give either "brokers" or "broker"');
  }
  const timeoutMs = atLeast("timeout", options.timeout ?? 30_000, 1);
  return {
    bootstrap: brokers === undefined ? [EMBEDDED_ADDRESS] : parseBrokers(brokers),
    dialer: broker === undefined ? tcpDialer : embeddedDialer(broker),
    isEmbedded: broker !== undefined,
    clientId: options.clientId ?? "dqueue",
    timeoutMs,
    patienceMs: options.timeout ?? Infinity,
    requestTimeoutMs: atLeast(
      "requestTimeout",
      options.requestTimeout ?? Math.min(30_000, timeoutMs),
      1,
    ),
    connectTimeoutMs: atLeast(
      "connectTimeout",
      options.connectTimeout ?? Math.min(10_000, timeoutMs),
      1,
    ),
    metadataMaxAgeMs: atLeast("metadataMaxAge", options.metadataMaxAge ?? 300_000, 0),
    attempts: atLeast("retry.attempts", retry.attempts ?? Infinity, 1),
    initialBackoffMs: atLeast("retry.initialBackoff", retry.initialBackoff ?? 100, 0),
    maxBackoffMs: atLeast("retry.maxBackoff", retry.maxBackoff ?? 1000, 0),
  };
}

function parseBrokers(brokers: string | readonly string[]): readonly BrokerAddress[] {
  const texts = typeof brokers === "string" ? brokers.split(",") : brokers;
  if (texts.length === 0) {
    throw new UsageError('Cannot make a client: "brokers" is empty, at least one is needed');
  }
  return texts.map(parseBrokerAddress);
}

/**
 * Checks a number among options.
 *
 * @throws {UsageError} If it is not a number, or below `min`.
 */
export function atLeast(name: string, value: number, min: number): number {
  if (typeof value !== "number" || Number.isNaN(value) || value < min) {
    throw new UsageError(`Cannot use ${name} of ${value}: the least is ${min}`);
  }
  return value;
}

/**
 * Checks a choice among options.
 *
 * @throws {UsageError} If it is none of `choices`.
 */
export function oneOf<T extends string | number>(
  name: string,
  value: T,
  choices: readonly T[],
): T {
  if (!choices.includes(value)) {
    throw new UsageError(`Cannot use ${name} of "${value}": choose one of ${choices.join(", ")}`);
  }
  return value;
}

/** The names of ClientOptions. */
export const CLIENT_NAMES: Names<ClientOptions> = {
  brokers: true,
  broker: true,
  clientId: true,
  timeout: true,
  requestTimeout: true,
  connectTimeout: true,
  metadataMaxAge: true,
  retry: true,
};

/** The names of RetryOptions. */
export const RETRY_NAMES: Names<RetryOptions> = {
  attempts: true,
  initialBackoff: true,
  maxBackoff: true,
};
