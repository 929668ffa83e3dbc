/**
 * How commands reach the cluster.
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

/** Flags of every command that asks a cluster. */
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

/** The same for commands that follow a topic: they wait for a broker that is away. */
export const patientConnectionFlags = {
  ...connectionFlags,
  timeout: {
    type: "duration",
    min: 1,
    fallback: "no limit for a broker that is away, 30s for an answer",
    group: "Connection",
    doc: "How long to try before giving up",
  },
} as const satisfies Flags;

/** The values of {@linkcode connectionFlags} or {@linkcode patientConnectionFlags}. */
export interface ConnectionValues {
  readonly brokers: readonly BrokerAddress[];
  /** Undefined to wait for a broker that is away. */
  readonly timeout: number | undefined;
}

/** How {@linkcode connect} treats a broker that is away. */
export interface ConnectOptions {
  /**
   * Whether to wait for it, for as long as the values allow. Default: no. Those who run a command that
   * is done in a moment want to hear at once that there is none.
   */
  readonly waits?: boolean;
}

/**
 * Connects to the cluster.
 *
 * @throws {CommandError} if no broker accepts a connection
 */
export async function connect(
  context: Context,
  { brokers, timeout }: ConnectionValues,
  { waits = false }: ConnectOptions = {},
): Promise<Client> {
  const [{ Client }] = await Promise.all([
    // Only commands that need the client wait for it to be loaded.
    import("../../client/mod.ts"),
    ensureReachable(context, brokers, { waits, timeout: timeout ?? Infinity }),
  ]);
  return new Client({
    brokers: brokers.map(formatAddress),
    ...(timeout === undefined ? {} : { timeout }),
    clientId: "dqueue-cli",
  });
}
