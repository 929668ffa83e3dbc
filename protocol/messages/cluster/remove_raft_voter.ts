/**
 * RemoveRaftVoter: removes a voter from the metadata quorum (KIP-853).
 *
 * @module
 */

import {
  api,
  int16,
  int32,
  type RequestOf,
  type ResponseTo,
  string,
  uuid,
} from "../../schema/schema.ts";

/** Request and response of RemoveRaftVoter in all versions. */
export const removeRaftVoter = api({
  key: 81,
  name: "RemoveRaftVoter",
  versions: "0",
  flexible: "0+",
  request: {
    clusterId: string({ nullable: "0+" }),
    voterId: int32(),
    voterDirectoryId: uuid(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+", ignorable: true }),
  },
});

/** A decoded RemoveRaftVoter request. */
export type RemoveRaftVoterRequest = RequestOf<typeof removeRaftVoter>;
/** A RemoveRaftVoter response to encode. */
export type RemoveRaftVoterResponse = ResponseTo<typeof removeRaftVoter>;
