/**
 * Heartbeat: keeps the session of a classic group member alive.
 *
 * Version 3 adds static members (KIP-345), 4 is flexible.
 *
 * @module
 */

import { api, int16, int32, type RequestOf, type ResponseTo, string } from "../../schema/schema.ts";

/** Request and response of Heartbeat in all versions. */
export const heartbeat = api({
  key: 12,
  name: "Heartbeat",
  versions: "0-4",
  flexible: "4+",
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string("3+", { nullable: "3+", default: null }),
  },
  response: {
    throttleTimeMs: int32("1+", { default: 0, ignorable: true }),
    errorCode: int16(),
  },
});

/** A decoded Heartbeat request. */
export type HeartbeatRequest = RequestOf<typeof heartbeat>;
/** A Heartbeat response to encode. */
export type HeartbeatResponse = ResponseTo<typeof heartbeat>;
