/**
 * How commands reach the cluster.
 *
 * @module
 */

import type { Client } from "../../client/mod.ts";
import { type BrokerAddress, formatAddress, parseBrokerAddress } from "../../client/address.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../errors.ts";
import type { Flags } from "../flag.ts";

/** Flags of every command that asks a cluster. */
export const connectionFlags = {
  brokers: {
    alias: "b",
    separator: ",",
    value: "HOST:PORT",
    default: "localhost:9092",
    fileNames: ["broker_addrs"],
    group: "Connection",
    parse: parseBrokerAddress,
    doc: "Brokers to connect to; one is enough, it knows the others",
  },
  timeout: {
    type: "duration",
    min: 1,
    default: "30s",
    group: "Connection",
    doc: "How long to try before giving up",
  },
} as const satisfies Flags;

/** The values of {@linkcode connectionFlags}. */
export interface ConnectionValues {
  readonly brokers: readonly BrokerAddress[];
  readonly timeout: number;
}

/**
 * Connects to the cluster. A client is patient with brokers that are about to come back; somebody at
 * a terminal wants to hear at once that there is none.
 *
 * @throws {CommandError} if no broker accepts a connection
 */
export async function connect(context: Context, values: ConnectionValues): Promise<Client> {
  const [{ Client }] = await Promise.all([
    // Only commands that need the client wait for it to be loaded.
    import("../../client/mod.ts"),
    ensureReachable(context, values),
  ]);
  return new Client({
    brokers: values.brokers.map(formatAddress),
    timeout: values.timeout,
    clientId: "dqueue-cli",
  });
}

async function ensureReachable({ signal }: Context, values: ConnectionValues): Promise<void> {
  signal.throwIfAborted();
  const { brokers, timeout } = values;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(tooLate(timeout)), timeout);
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const attempts = brokers.map(async ({ host, port }) => {
    const conn = await Deno.connect({ hostname: host, port, signal: stop.signal });
    conn.close();
  });
  try {
    await Promise.any(attempts);
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(brokers, (error as AggregateError).errors);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    stop.abort();
    await Promise.allSettled(attempts);
  }
}

function tooLate(timeoutMs: number): Error {
  return new Error(`no answer within ${timeoutMs} ms of --timeout`);
}

function unreachable(brokers: readonly BrokerAddress[], errors: readonly Error[]): CommandError {
  const problems = brokers.map((broker, i) => `${formatAddress(broker)}: ${reason(errors[i]!)}`);
  const remedy = errors.every((error) => error instanceof Deno.errors.ConnectionRefused)
    ? `no broker runs there; start one with "dqueue serve", or name another with --brokers`
    : `check --brokers or DQUEUE_BROKERS`;
  return new CommandError(`Cannot connect to ${problems.join(", ")}; ${remedy}`);
}

function reason(error: Error): string {
  if (error instanceof Deno.errors.ConnectionRefused) return "connection refused";
  return error.message;
}
