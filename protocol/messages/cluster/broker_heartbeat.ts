/**
 * BrokerHeartbeat: tells the controller that a broker is alive, and how far it knows the metadata
 * (KIP-631).
 *
 * Version 1 adds log directories that are offline (KIP-858).
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseTo,
  uuid,
} from "../../schema/schema.ts";

/** Request and response of BrokerHeartbeat in all versions. */
export const brokerHeartbeat = api({
  key: 63,
  name: "BrokerHeartbeat",
  versions: "0-1",
  flexible: "0+",
  request: {
    brokerId: int32(),
    /** The broker epoch; -1 if the broker is not registered. */
    brokerEpoch: int64({ default: -1 }),
    /** The last metadata that the broker has applied. */
    currentMetadataOffset: int64(),
    /** Whether the broker asks to be fenced. */
    wantFence: bool(),
    /** Whether the broker asks to shut down. */
    wantShutDown: bool(),
    /** Ids of log directories that failed. */
    offlineLogDirs: array("1+", uuid(), { tag: 0, default: [] }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    /** Whether the broker has applied the controller's metadata. */
    isCaughtUp: bool({ default: false }),
    isFenced: bool({ default: true }),
    /** Whether the broker can shut down now. */
    shouldShutDown: bool(),
  },
});

/** A decoded BrokerHeartbeat request. */
export type BrokerHeartbeatRequest = RequestOf<typeof brokerHeartbeat>;
/** A BrokerHeartbeat response to encode. */
export type BrokerHeartbeatResponse = ResponseTo<typeof brokerHeartbeat>;
