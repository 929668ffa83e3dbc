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
import { type Mechanism, MECHANISMS } from "../connection/connection_settings.ts";
import type { ConnectionFlagValues, ResolvedConnection } from "../connection/mod.ts";
import { profilesPath } from "../connection/profiles_path.ts";
import type { Context } from "../terminal/context.ts";
import type { Flags } from "../program/flag.ts";
import { ensureReachable } from "./reachability.ts";

/**
 * The client's module. An import that names it would make Deno read it in every command, and keep its
 * text in the memory of a broker; `deno task compile` includes it by name.
 */
const CLIENT = "../../client/mod.ts";

/** Not a literal where it is imported, for the same reason. */
const CONNECTION = "../connection/mod.ts";

/** The brokers of commands that name none. */
const DEFAULT_BROKERS: readonly BrokerAddress[] = [{ host: "localhost", port: 9092 }];

/** Flags that say which cluster, and as whom. */
export const clusterFlags = {
  brokers: {
    alias: "b",
    separator: ",",
    value: "HOST:PORT",
    fallback: "localhost:9092",
    otherNames: ["bootstrap-server", "bootstrap-servers", "broker-list", "broker-addrs"],
    fileNames: ["broker_addrs", "bootstrap.servers"],
    group: "Connection",
    parse: parseBrokerAddress,
    doc: "Brokers to connect to; one is enough to find the others",
  },
  tls: {
    type: "boolean",
    otherNames: ["tls-enabled"],
    fallback: "no, unless another --tls flag is given",
    group: "Connection",
    doc: "Encrypt the connection",
  },
  tlsCa: {
    otherNames: ["tls-truststore"],
    isFile: true,
    fallback: "the authorities that Deno trusts",
    group: "Connection",
    doc: "Authorities that may have signed the brokers' certificates, in PEM",
  },
  tlsCert: {
    isFile: true,
    group: "Connection",
    doc: "Certificate of the client, in PEM",
  },
  tlsKey: {
    isFile: true,
    group: "Connection",
    doc: "Private key of the client's certificate, in PEM",
  },
  tlsServerName: {
    value: "NAME",
    fallback: "the host",
    isRare: true,
    group: "Connection",
    doc: "Name in the brokers' certificates",
  },
  saslMechanism: {
    choices: ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"],
    parse: parseMechanism,
    value: "NAME",
    fallback: "SCRAM-SHA-256 with --user",
    group: "Connection",
    doc: "How to authenticate",
  },
  user: {
    otherNames: ["username", "sasl-username"],
    value: "NAME",
    group: "Connection",
    doc: "User to authenticate as; the password is asked for on a terminal",
  },
  passwordFile: {
    otherNames: ["sasl-password-file"],
    isFile: true,
    fallback: "DQUEUE_PASSWORD",
    group: "Connection",
    doc: "File with the user's password",
  },
  tokenFile: {
    isFile: true,
    fallback: "DQUEUE_TOKEN",
    isRare: true,
    group: "Connection",
    doc: "File with the token of OAUTHBEARER",
  },
} as const satisfies Flags;

/** Flags of every command that connects to a cluster. */
export const connectionFlags = {
  ...clusterFlags,
  profile: {
    insteadOf: "clientConfig",
    namesFrom: "profile list",
    value: "NAME",
    fallback: `that of "dqueue profile use", unless --brokers is given`,
    group: "Connection",
    doc: "Profile that says how to connect, where no flag or variable does",
  },
  clientConfig: {
    insteadOf: "profile",
    otherNames: ["command-config", "consumer-config", "producer-config"],
    isFile: true,
    group: "Connection",
    doc: "Properties of a Java client, or of kcat, instead of a profile",
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
interface ConnectionValues extends ConnectionFlagValues {
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
 * @throws {UsageError} If what says how to connect cannot be used.
 */
export async function connect(
  context: Context,
  flags: ConnectionValues,
  { waits = false }: ConnectOptions = {},
): Promise<Client> {
  // The client is loaded here, so commands without it start faster.
  const loading: Promise<typeof import("../../client/mod.ts")> = import(CLIENT);
  const { brokers = DEFAULT_BROKERS, security } = await resolve(context, flags);
  const { timeout } = flags;
  const [{ Client }] = await Promise.all([
    loading,
    ensureReachable(context, brokers, { waits, timeoutMs: timeout ?? Infinity }),
  ]);
  return new Client({
    brokers: brokers.map(formatAddress),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    clientId: "dqueue-cli",
    ...security,
  });
}

/** Nothing is loaded for a command that only has addresses. */
async function resolve(
  context: Context,
  flags: ConnectionFlagValues,
): Promise<ResolvedConnection> {
  if (!isSecured(flags) && (flags.brokers !== undefined || !hasProfiles(context))) {
    return { brokers: flags.brokers, security: {} };
  }
  const { resolveConnection }: typeof import("../connection/mod.ts") = await import(CONNECTION);
  return await resolveConnection(context, flags);
}

function isSecured({ brokers: _, ...flags }: ConnectionFlagValues): boolean {
  const { profile, clientConfig, tls, tlsCa, tlsCert, tlsKey, tlsServerName } = flags;
  const { saslMechanism, user, passwordFile, tokenFile } = flags;
  return [
    ...[profile, clientConfig, tls, tlsCa, tlsCert, tlsKey, tlsServerName],
    ...[saslMechanism, user, passwordFile, tokenFile],
  ].some((each) => each !== undefined);
}

/** Whether the user has profiles; without permission to look there, as if there were none. */
function hasProfiles(context: Context): boolean {
  const path = profilesPath(context);
  if (path === undefined) return false;
  try {
    const { state } = Deno.permissions.querySync({ name: "read", path });
    return state === "granted" && Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Kafka's names are in capitals. */
function parseMechanism(text: string): Mechanism {
  const mechanism = MECHANISMS.find((each) => each === text.toUpperCase());
  if (mechanism !== undefined) return mechanism;
  throw new SyntaxError(`Cannot use "${text}": expected one of ${MECHANISMS.join(", ")}`);
}
