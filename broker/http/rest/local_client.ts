/**
 * A client of the cluster that reaches this broker without a socket, and the others over TCP.
 *
 * @module
 */

import { Client, type EmbeddedChannel, type TracingApi } from "../../../client/mod.ts";
import { StreamChannel } from "../../../protocol/frames/channel.ts";
import type { BrokerParts } from "../../broker.ts";
import { formatHostPort } from "../../settings/listener.ts";

const CLIENT_ID = "http";
/** How long an operation may take, retries included. */
const TIMEOUT_MS = 30_000;
const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;

/** Opens a client of the cluster that a broker belongs to. */
export function openLocalClient(parts: BrokerParts, tracing?: TracingApi): Client {
  return new Client({
    broker: { connect: (address) => connect(parts, address) },
    clientId: CLIENT_ID,
    timeoutMs: TIMEOUT_MS,
    metadataMaxAgeMs: 5000,
    ...(tracing === undefined ? {} : { tracing }),
  });
}

function connect(
  { context: { cluster, nodeId }, server, membership }: BrokerParts,
  address: string,
): EmbeddedChannel | Promise<EmbeddedChannel> {
  const inProcess = membership?.connect(address);
  if (inProcess !== undefined) return inProcess;
  const other = cluster.brokers.find((broker) =>
    broker.id !== nodeId && formatHostPort(broker) === address
  );
  if (other === undefined) return server.connect();
  return Deno.connect({ hostname: other.host, port: other.port }).then((conn) => {
    conn.setNoDelay(true);
    return new StreamChannel(conn, address, { maxFrameSize: MAX_RESPONSE_BYTES });
  });
}
