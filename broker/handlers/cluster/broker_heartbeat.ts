/**
 * BrokerHeartbeat: another broker tells this one, the controller, that it is alive and which
 * metadata it has applied (KIP-631). Versions 0 and 1.
 *
 * If this broker is not the controller the answer is NOT_CONTROLLER, which also shows that it is
 * alive. A broker that is not registered, or has registered again, learns that. The API is not
 * advertised: clients have no use for it.
 *
 * @module
 */

import { brokerHeartbeat } from "../../../protocol/messages/cluster/broker_heartbeat.ts";
import { NO_VERSIONS } from "../../../protocol/schema/version_range.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { onCluster } from "../access/mod.ts";
import { type ApiHandler, handler } from "../../handler.ts";

/** Serves BrokerHeartbeat. */
export const brokerHeartbeatHandler: ApiHandler = handler(
  brokerHeartbeat,
  (request, { broker, signal }) => broker.heartbeats.receive(request, signal),
  onCluster(AclOperation.clusterAction),
  NO_VERSIONS,
);
