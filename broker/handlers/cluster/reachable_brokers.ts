/**
 * The brokers as a client can reach them: by the listener that it has come by.
 *
 * A broker without that listener does not exist for the client, as in Kafka.
 *
 * @module
 */

import type { BrokerInfo, ClusterState } from "../../cluster/cluster_state.ts";
import { endpointFor } from "../../cluster/broker_endpoints.ts";
import type { RequestContext } from "../../handler.ts";
import type { ListenerIdentity } from "../../security/session.ts";

/** A broker that a client can reach. */
export interface ReachableBroker {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** The registered brokers that the client of a request can reach, by id. */
export function reachableBrokers(
  { broker: { cluster }, session }: RequestContext,
): ReachableBroker[] {
  return cluster.brokers.flatMap((broker) => reach(broker, session.listener) ?? []);
}

/** The broker with an id as the client of a request can reach it; undefined if it cannot. */
export function reachableBroker(
  id: number,
  { broker: { cluster }, session }: RequestContext,
): ReachableBroker | undefined {
  const broker = cluster.broker(id);
  return broker === undefined ? undefined : reach(broker, session.listener);
}

/** Whether a broker is registered and has a listener. */
export function isReachable(
  id: number,
  cluster: ClusterState,
  listener: ListenerIdentity,
): boolean {
  const broker = cluster.broker(id);
  return broker !== undefined && endpointFor(broker, listener) !== undefined;
}

function reach(broker: BrokerInfo, listener: ListenerIdentity): ReachableBroker | undefined {
  const endpoint = endpointFor(broker, listener);
  if (endpoint === undefined) return undefined;
  const { host, port } = endpoint;
  return { id: broker.id, host, port, rack: broker.rack };
}
