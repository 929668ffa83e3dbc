/**
 * DescribeUserScramCredentials and AlterUserScramCredentials (KIP-554). Version 0.
 *
 * There are no users: describing or deleting one reports that it does not exist, and a new one is
 * validated as in Kafka and then refused with UNSUPPORTED_VERSION instead of being ignored.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  alterUserScramCredentials,
  type AlterUserScramCredentialsRequest,
  type AlterUserScramCredentialsResponse,
} from "../../../protocol/messages/security/alter_user_scram_credentials.ts";
import {
  describeUserScramCredentials,
  type DescribeUserScramCredentialsRequest,
  type DescribeUserScramCredentialsResponse,
} from "../../../protocol/messages/security/describe_user_scram_credentials.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { byName, mapEach } from "../each_item.ts";
import { type Outcome, SUCCESS } from "../outcome.ts";

type Upsertion = AlterUserScramCredentialsRequest["upsertions"][number];

const ScramMechanism = { sha256: 1, sha512: 2 } as const;
const MIN_ITERATIONS = 4096;
const MAX_ITERATIONS = 16_384;
/** Size of a user in the response, without its name. */
const RESULT_BYTES = 100;

/** Serves DescribeUserScramCredentials. */
export const describeUserScramCredentialsHandler: ApiHandler = handler(
  describeUserScramCredentials,
  handleDescribe,
);

/** Serves AlterUserScramCredentials. */
export const alterUserScramCredentialsHandler: ApiHandler = handler(
  alterUserScramCredentials,
  handleAlter,
);

async function handleDescribe(
  { users }: DescribeUserScramCredentialsRequest,
  context: RequestContext,
): Promise<DescribeUserScramCredentialsResponse> {
  const asked = users ?? [];
  const bytes = sumOf(asked, ({ name }) => RESULT_BYTES + 2 * textBytes(name));
  await claimResponseMemory(bytes, context);
  const named = await byName(asked, ({ name }) => name);
  const results = await mapEach([...named], ([user, { count }]) => ({
    user,
    credentialInfos: [],
    ...(count > 1
      ? {
        errorCode: ErrorCode.DUPLICATE_RESOURCE,
        errorMessage:
          `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`,
      }
      : {
        errorCode: ErrorCode.RESOURCE_NOT_FOUND,
        errorMessage: `Attempt to describe a user credential that does not exist: ${user}`,
      }),
  }));
  return { ...SUCCESS, results };
}

/** A user has a single result, that of its first change that fails. Every change fails. */
async function handleAlter(
  { deletions, upsertions }: AlterUserScramCredentialsRequest,
  context: RequestContext,
): Promise<AlterUserScramCredentialsResponse> {
  const bytesOf = ({ name }: { readonly name: string }) => RESULT_BYTES + textBytes(name);
  await claimResponseMemory(sumOf(deletions, bytesOf) + sumOf(upsertions, bytesOf), context);
  const named = await byName(upsertions, keyOf);
  const outcomes = new Map<string, Outcome>();
  const note = (user: string, outcome: Outcome) => {
    if (!outcomes.has(user)) outcomes.set(user, outcome);
  };
  await mapEach(deletions, (deletion) => {
    note(deletion.name, problemOf(deletion) ?? NOT_FOUND);
  });
  await mapEach(upsertions, (upsertion) => {
    const isTwice = named.get(keyOf(upsertion))!.count > 1;
    note(
      upsertion.name,
      problemOf(upsertion) ?? problemOfIterations(upsertion) ??
        (isTwice ? ALTERED_TWICE : NOT_KEPT),
    );
  });
  const results = await mapEach([...outcomes], ([user, outcome]) => ({ user, ...outcome }));
  return { results };
}

function keyOf({ name, mechanism }: { readonly name: string; readonly mechanism: number }): string {
  return `${mechanism} ${name}`;
}

function problemOf(
  { name, mechanism }: { readonly name: string; readonly mechanism: number },
): Outcome | undefined {
  if (name === "") return unacceptable("Username must not be empty");
  if (Object.values<number>(ScramMechanism).includes(mechanism)) return undefined;
  return {
    errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
    errorMessage: "Unknown SCRAM mechanism",
  };
}

function problemOfIterations({ iterations }: Upsertion): Outcome | undefined {
  if (iterations < MIN_ITERATIONS) return unacceptable("Too few iterations");
  if (iterations > MAX_ITERATIONS) return unacceptable("Too many iterations");
  return undefined;
}

function unacceptable(errorMessage: string): Outcome {
  return { errorCode: ErrorCode.UNACCEPTABLE_CREDENTIAL, errorMessage };
}

const NOT_FOUND: Outcome = {
  errorCode: ErrorCode.RESOURCE_NOT_FOUND,
  errorMessage: "Attempt to delete a user credential that does not exist",
};

const ALTERED_TWICE: Outcome = {
  errorCode: ErrorCode.DUPLICATE_RESOURCE,
  errorMessage: "A user credential cannot be altered twice in the same request",
};

const NOT_KEPT: Outcome = {
  errorCode: ErrorCode.UNSUPPORTED_VERSION,
  errorMessage: "Cannot keep SCRAM credential: clients of this broker do not authenticate",
};
