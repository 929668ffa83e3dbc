/**
 * A client of the cluster that reaches this broker without a socket, and the others as this broker does.
 *
 * @module
 */

import {
  Client,
  ConnectionError,
  type EmbeddedChannel,
  type TracingApi,
} from "../../../client/mod.ts";
import { StreamChannel } from "../../../protocol/frames/channel.ts";
import type { BrokerParts } from "../../broker.ts";
import { type Carriers, CarryingRefusedError } from "../../carrying/mod.ts";
import type { Peer } from "../../peers/peers.ts";
import { EMBEDDED_SESSION, type Session } from "../../security/session.ts";
import { formatHostPort } from "../../settings/listener.ts";

const CLIENT_ID = "http";
/** How long an operation may take, retries included. */
const TIMEOUT_MS = 30_000;
const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;

/** How a client reaches the brokers of a cluster. */
export interface LocalClientOptions {
  readonly parts: BrokerParts;
  /** Connections to other brokers. */
  readonly carriers: Pick<Carriers, "connect">;
  /** Whom it acts for. Default: nobody who has authenticated. */
  readonly session?: Session | undefined;
  /** Traces what is produced. Default: nothing is. */
  readonly tracing?: TracingApi | undefined;
}

/** Opens a client of the cluster that a broker belongs to. */
export function openLocalClient({ tracing, ...options }: LocalClientOptions): Client {
  return new Client({
    broker: { connect: (address) => openLocalChannel(options, address) },
    clientId: CLIENT_ID,
    timeoutMs: TIMEOUT_MS,
    metadataMaxAgeMs: 5000,
    ...(tracing === undefined ? {} : { tracing }),
  });
}

/**
 * Connects to a broker of the cluster.
 *
 * @throws {ConnectionError} If it is another one, which does not let this one act for its users.
 */
export async function openLocalChannel(
  { parts, carriers, session = EMBEDDED_SESSION }: Omit<LocalClientOptions, "tracing">,
  address: string,
): Promise<EmbeddedChannel> {
  const { context: { cluster, nodeId, authorizer }, server, membership } = parts;
  const inProcess = membership?.connect(address, session);
  if (inProcess !== undefined) return inProcess;
  for (const broker of cluster.brokers) {
    const endpoint = broker.endpoints.find((each) => formatHostPort(each) === address);
    if (endpoint === undefined || broker.id === nodeId) continue;
    const { host, port, protocol } = endpoint;
    // By its own login this broker may do more over there than the user.
    if (!authorizer.isOpen || protocol !== "PLAINTEXT") {
      return await carried(carriers, broker, session);
    }
    const conn = await Deno.connect({ hostname: host, port });
    conn.setNoDelay(true);
    return new StreamChannel(conn, address, { maxFrameSize: MAX_RESPONSE_BYTES });
  }
  return server.connect(session);
}

async function carried(
  carriers: Pick<Carriers, "connect">,
  broker: Peer,
  session: Session,
): Promise<EmbeddedChannel> {
  try {
    return await carriers.connect(broker, session);
  } catch (error) {
    if (!(error instanceof CarryingRefusedError)) throw error;
    // Trying again is no use.
    throw new ConnectionError(`Cannot ask broker ${broker.id}: ${error.message}`, {
      cause: error,
      retriable: false,
      advice: "Let the administrator of the cluster see the log of this broker",
    });
  }
}
