/**
 * DescribeAcls, CreateAcls and DeleteAcls (KIP-140). Versions 1 to 3.
 *
 * This broker has no authorizer, which is what it answers, in Kafka's words.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { createAcls } from "../../protocol/messages/create_acls.ts";
import { deleteAcls } from "../../protocol/messages/delete_acls.ts";
import { describeAcls } from "../../protocol/messages/describe_acls.ts";
import { type ApiHandler, handler } from "../handler.ts";
import type { Outcome } from "./outcome.ts";
import { mapInSteps, slicedAnswer } from "./sliced_answer.ts";

const NO_AUTHORIZER: Outcome = {
  errorCode: ErrorCode.SECURITY_DISABLED,
  errorMessage: "No Authorizer is configured.",
};

/** What an entry or a filter takes in an answer. */
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
  ({ creations }, context) => {
    const steps = function* () {
      return { results: yield* mapInSteps(creations, () => NO_AUTHORIZER) };
    };
    return slicedAnswer(creations.length * REFUSAL_BYTES, steps(), context);
  },
);

const NONE_DELETED = { ...NO_AUTHORIZER, matchingAcls: [] };

/** Serves DeleteAcls. */
export const deleteAclsHandler: ApiHandler = handler(
  deleteAcls,
  ({ filters }, context) => {
    const steps = function* () {
      return { filterResults: yield* mapInSteps(filters, () => NONE_DELETED) };
    };
    return slicedAnswer(filters.length * REFUSAL_BYTES, steps(), context);
  },
);
