/**
 * FindCoordinator: the broker that coordinates a group, a transactional id or a share partition.
 *
 * Version 1 adds transactional ids (KIP-98), 3 is flexible, 4 accepts several keys (KIP-699), 5 may
 * return TRANSACTION_ABORTABLE (KIP-890), 6 adds share partitions (KIP-932), whose key is
 * `groupId:topicId:partition`.
 *
 * @module
 */

import {
  api,
  array,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Types of coordinator keys. */
export const CoordinatorType = { group: 0, transaction: 1, share: 2 } as const;

/** Request and response of FindCoordinator in all versions. */
export const findCoordinator = api({
  key: 10,
  name: "FindCoordinator",
  versions: "0-6",
  flexible: "3+",
  request: {
    key: string("0-3", { default: "" }),
    /** One of `CoordinatorType`. */
    keyType: int8("1+", { default: 0 }),
    coordinatorKeys: array("4+", string(), { default: [] }),
  },
  response: {
    throttleTimeMs: int32("1+", { default: 0, ignorable: true }),
    errorCode: int16("0-3", { default: 0 }),
    errorMessage: string("1-3", { nullable: "1-3", default: null, ignorable: true }),
    /** The coordinator, −1 on error. Clients also look up its address in Metadata. */
    nodeId: int32("0-3", { default: 0 }),
    host: string("0-3", { default: "" }),
    port: int32("0-3", { default: 0 }),
    coordinators: array("4+", {
      key: string(),
      /** The coordinator, −1 on error. */
      nodeId: int32(),
      host: string(),
      port: int32(),
      errorCode: int16(),
      errorMessage: string({ nullable: "4+", default: null, ignorable: true }),
    }, { default: [] }),
  },
});

/** A decoded FindCoordinator request. */
export type FindCoordinatorRequest = RequestOf<typeof findCoordinator>;
/** A FindCoordinator response to encode. */
export type FindCoordinatorResponse = ResponseTo<typeof findCoordinator>;
