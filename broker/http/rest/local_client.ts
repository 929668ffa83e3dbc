/**
 * A client of the cluster that reaches this broker without a socket, and the others over TCP.
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
import { EMBEDDED_SESSION, type Session } from "../../security/session.ts";
import { formatHostPort } from "../../settings/listener.ts";

const CLIENT_ID = "http";
/** How long an operation may take, retries included. */
const TIMEOUT_MS = 30_000;
const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;

/**
 * Opens a client of the cluster that a broker belongs to.
 *
 * @param session Whom it acts for. Default: nobody who has authenticated.
 */
export function openLocalClient(
  parts: BrokerParts,
  session: Session = EMBEDDED_SESSION,
  tracing?: TracingApi,
): Client {
  return new Client({
    broker: { connect: (address) => openLocalChannel(parts, address, session) },
    clientId: CLIENT_ID,
    timeoutMs: TIMEOUT_MS,
    metadataMaxAgeMs: 5000,
    ...(tracing === undefined ? {} : { tracing }),
  });
}

/**
 * Connects to a broker of the cluster.
 *
 * @throws {ConnectionError} If it is another one and not everyone may do everything.
 */
export async function openLocalChannel(
  { context: { cluster, nodeId, authorizer }, server, membership, network }: BrokerParts,
  address: string,
  session: Session,
): Promise<EmbeddedChannel> {
  const inProcess = membership?.connect(address, session);
  if (inProcess !== undefined) return inProcess;
  const endpoint = cluster.brokers.filter(({ id }) => id !== nodeId)
    .flatMap(({ endpoints }) => endpoints)
    .find((each) => formatHostPort(each) === address);
  if (endpoint === undefined) return server.connect(session);
  // Over there this broker is not who asks it, and may do more: with its own login, or where those are
  // trusted that have none.
  if (!authorizer.isOpen) {
    throw new ConnectionError(
      `Cannot ask the broker at ${address} for a user of HTTP: it does not know who asks`,
      { retriable: false, advice: "Ask that broker's own HTTP port, or use Kafka's protocol" },
    );
  }
  const { host, port, protocol } = endpoint;
  if (protocol !== "PLAINTEXT") {
    return await network.connect(endpoint, AbortSignal.timeout(TIMEOUT_MS));
  }
  const conn = await Deno.connect({ hostname: host, port });
  conn.setNoDelay(true);
  return new StreamChannel(conn, address, { maxFrameSize: MAX_RESPONSE_BYTES });
}
