/**
 * DescribeAcls, CreateAcls and DeleteAcls (KIP-140). Versions 1 to 3.
 *
 * This broker has no authorizer and says so in Kafka's words.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { createAcls } from "../../../protocol/messages/security/create_acls.ts";
import { deleteAcls } from "../../../protocol/messages/security/delete_acls.ts";
import { describeAcls } from "../../../protocol/messages/security/describe_acls.ts";
import { type ApiHandler, handler } from "../../handler.ts";
import { claimResponseMemory } from "../claim_response_memory.ts";
import { mapEach } from "../each_item.ts";
import type { Outcome } from "../outcome.ts";

const NO_AUTHORIZER: Outcome = {
  errorCode: ErrorCode.SECURITY_DISABLED,
  errorMessage: "No Authorizer is configured.",
};

/** Size of an entry or filter in the response. */
const REFUSAL_BYTES = 40;

/** Serves DescribeAcls. */
export const describeAclsHandler: ApiHandler = handler(
  describeAcls,
  () => ({
    ...NO_AUTHORIZER,
    errorMessage: "No Authorizer is configured on the broker",
    resources: [],
  }),
);

/** Serves CreateAcls. */
export const createAclsHandler: ApiHandler = handler(
  createAcls,
  async ({ creations }, context) => {
    await claimResponseMemory(creations.length * REFUSAL_BYTES, context);
    return { results: await mapEach(creations, () => NO_AUTHORIZER) };
  },
);

const NONE_DELETED = { ...NO_AUTHORIZER, matchingAcls: [] };

/** Serves DeleteAcls. */
export const deleteAclsHandler: ApiHandler = handler(
  deleteAcls,
  async ({ filters }, context) => {
    await claimResponseMemory(filters.length * REFUSAL_BYTES, context);
    return { filterResults: await mapEach(filters, () => NONE_DELETED) };
  },
);
