/**
 * Connects commands to the cluster.
 *
 * @module
 */

import type { Client } from "../../client/mod.ts";
import {
  type BrokerAddress,
  formatAddress,
  parseBrokerAddress,
} from "../../client/connection/address.ts";
import type { Context } from "../terminal/context.ts";
import type { Flags } from "../program/flag.ts";
import { ensureReachable } from "./reachability.ts";

/**
 * The client's module. An import that names it would make Deno read it in every command, and keep its
 * text in the memory of a broker; `deno task compile` includes it by name.
 */
const CLIENT = "../../client/mod.ts";

/** Flags of every command that connects to a cluster. */
export const connectionFlags = {
  brokers: {
    alias: "b",
    separator: ",",
    value: "HOST:PORT",
    default: "localhost:9092",
    otherNames: ["bootstrap-server", "bootstrap-servers", "broker-list", "broker-addrs"],
    fileNames: ["broker_addrs", "bootstrap.servers"],
    group: "Connection",
    parse: parseBrokerAddress,
    doc: "Brokers to connect to; one is enough to find the others",
  },
  timeout: {
    type: "duration",
    min: 1,
    default: "30s",
    group: "Connection",
    doc: "How long to try before giving up",
  },
} as const satisfies Flags;

/** The same for commands that follow a topic, which wait for an unavailable broker. */
export const patientConnectionFlags = {
  ...connectionFlags,
  timeout: {
    type: "duration",
    min: 1,
    fallback: "no limit for an unavailable broker, 30s for a response",
    group: "Connection",
    doc: "How long to try before giving up",
  },
} as const satisfies Flags;

/** Values of {@linkcode connectionFlags} or {@linkcode patientConnectionFlags}. */
interface ConnectionValues {
  readonly brokers: readonly BrokerAddress[];
  /** Undefined to wait for an unavailable broker. */
  readonly timeout: number | undefined;
}

/** Options of {@linkcode connect}. */
interface ConnectOptions {
  /**
   * Whether to wait for an unavailable broker, limited by the timeout if there is one. Default:
   * false, because a short command should fail immediately if no broker is running.
   */
  readonly waits?: boolean;
}

/**
 * Connects to the cluster.
 *
 * @throws {CommandError} If no broker accepts a connection.
 */
export async function connect(
  context: Context,
  { brokers, timeout }: ConnectionValues,
  { waits = false }: ConnectOptions = {},
): Promise<Client> {
  const [{ Client }] = await Promise.all([
    // The client is loaded here, so commands without it start faster.
    import(CLIENT) as Promise<typeof import("../../client/mod.ts")>,
    ensureReachable(context, brokers, { waits, timeoutMs: timeout ?? Infinity }),
  ]);
  return new Client({
    brokers: brokers.map(formatAddress),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    clientId: "dqueue-cli",
  });
}
