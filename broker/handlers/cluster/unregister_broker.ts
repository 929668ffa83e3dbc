/**
 * UnregisterBroker: removes a permanently stopped broker from the cluster (KIP-500). Version 0.
 *
 * The only registered broker is this one, which is running and therefore refused; any other is
 * unknown.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { unregisterBroker } from "../../../protocol/messages/cluster/unregister_broker.ts";
import { type ApiHandler, handler } from "../../handler.ts";

/** Serves UnregisterBroker. */
export const unregisterBrokerHandler: ApiHandler = handler(
  unregisterBroker,
  ({ brokerId }, { broker: { cluster } }) =>
    cluster.broker(brokerId) === undefined
      ? {
        errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED,
        errorMessage: `Broker ID ${brokerId} is not currently registered`,
      }
      : {
        errorCode: ErrorCode.INVALID_REQUEST,
        errorMessage: `Cannot unregister broker ${brokerId}: it is running`,
      },
);
