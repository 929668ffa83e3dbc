/**
 * The record of a classic group in `__consumer_offsets`: key type 2.
 *
 * It is written when a generation has its assignment, when a static member is replaced, and when the
 * last member has left. Value version 1 adds the rebalance timeout, 2 the time of the state, 3 static
 * members (KIP-345), 4 is flexible. Version 3 is written, as Kafka does.
 *
 * @module
 */

import { array, bytes, int32, int64, message, string } from "../../../protocol/schema/schema.ts";

export const groupMetadataKey = message("GroupMetadataKey", "0", "none", {
  group: string(),
});

export const groupMetadataValue = message("GroupMetadataValue", "0-4", "4+", {
  protocolType: string(),
  generation: int32(),
  /** The assignor; `null` for an empty group. */
  protocol: string({ nullable: "0+" }),
  leader: string({ nullable: "0+" }),
  currentStateTimestamp: int64("2+", { default: -1, ignorable: true }),
  members: array({
    memberId: string(),
    groupInstanceId: string("3+", { nullable: "3+", default: null, ignorable: true }),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeout: int32("1+", { default: -1, ignorable: true }),
    sessionTimeout: int32(),
    subscription: bytes(),
    assignment: bytes(),
  }),
});
