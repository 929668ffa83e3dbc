/**
 * AddRaftVoter: adds a voter to the metadata quorum (KIP-853).
 *
 * Version 1 may be answered before the change is committed (KIP-1186).
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  type RequestOf,
  type ResponseTo,
  string,
  uint16,
  uuid,
} from "../../schema/schema.ts";

/** Request and response of AddRaftVoter in all versions. */
export const addRaftVoter = api({
  key: 80,
  name: "AddRaftVoter",
  versions: "0-1",
  flexible: "0+",
  request: {
    clusterId: string({ nullable: "0+" }),
    timeoutMs: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array({
      name: string(),
      host: string(),
      port: uint16(),
    }),
    ackWhenCommitted: bool("1+", { default: true }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+", ignorable: true }),
  },
});

/** A decoded AddRaftVoter request. */
export type AddRaftVoterRequest = RequestOf<typeof addRaftVoter>;
/** An AddRaftVoter response to encode. */
export type AddRaftVoterResponse = ResponseTo<typeof addRaftVoter>;
