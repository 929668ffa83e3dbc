/**
 * A client of the cluster that reaches this broker without a socket, and the others as this broker does.
 *
 * @module
 */

import { Client, type EmbeddedChannel, type TracingApi } from "../../../client/mod.ts";
import { StreamChannel } from "../../../protocol/frames/channel.ts";
import type { BrokerParts } from "../../broker.ts";
import type { Carriers } from "../../carrying/mod.ts";
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

/** Connects to a broker of the cluster. */
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
      return await carriers.connect(broker, session);
    }
    const conn = await Deno.connect({ hostname: host, port });
    conn.setNoDelay(true);
    return new StreamChannel(conn, address, { maxFrameSize: MAX_RESPONSE_BYTES });
  }
  return server.connect(session);
}
