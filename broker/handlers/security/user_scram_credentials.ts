/**
 * DescribeUserScramCredentials and AlterUserScramCredentials (KIP-554). Version 0.
 *
 * The request has SaltedPassword, which is as good as the password: over a connection that others can
 * read it is refused with POLICY_VIOLATION.
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
import {
  MAX_SCRAM_ITERATIONS,
  MIN_SCRAM_ITERATIONS,
  SCRAM_MECHANISMS,
  scramCredential,
  type ScramMechanism,
} from "../../../protocol/sasl/scram.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { onCluster } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { alterCredential } from "../../security/credentials/alter_credentials.ts";
import {
  decodeUser,
  type ScramCredentials,
  userKey,
  userOfKey,
  USERS_PREFIX,
} from "../../security/credentials/user_record.ts";
import type { Session } from "../../security/session.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { awaitEach, byName, CHANGES_AT_ONCE, mapEach } from "../each_item.ts";
import { keepBrokersIn } from "./keep_brokers_in.ts";
import { onlyLocalWhileOpen } from "./only_local_while_open.ts";
import { failure, type Outcome, SUCCESS } from "../outcome.ts";

type Deletion = AlterUserScramCredentialsRequest["deletions"][number];
type Upsertion = AlterUserScramCredentialsRequest["upsertions"][number];
type Described = DescribeUserScramCredentialsResponse["results"][number];

/** Size of a user in the response, without its name. */
const RESULT_BYTES = 100;
/** Longest salt and SaltedPassword in bytes. */
const MAX_SECRET_BYTES = 1024;

/** Serves DescribeUserScramCredentials. */
export const describeUserScramCredentialsHandler: ApiHandler = handler(
  describeUserScramCredentials,
  handleDescribe,
  onCluster(AclOperation.describe),
);

/** Serves AlterUserScramCredentials. */
export const alterUserScramCredentialsHandler: ApiHandler = handler(
  alterUserScramCredentials,
  handleAlter,
  onCluster(AclOperation.alter),
);

async function handleDescribe(
  { users }: DescribeUserScramCredentialsRequest,
  context: RequestContext,
): Promise<DescribeUserScramCredentialsResponse> {
  const asked = users === null || users.length === 0 ? allUsers(context) : users;
  const bytes = sumOf(asked, ({ name }) => RESULT_BYTES + 2 * textBytes(name));
  await claimResponseMemory(bytes, context);
  const named = await byName(asked, ({ name }) => name);
  const results = await mapEach(
    [...named],
    ([user, { count }]) => describe(user, count > 1, context),
  );
  return { ...SUCCESS, results };
}

function allUsers({ broker: { cluster } }: RequestContext): { readonly name: string }[] {
  return Array.from(cluster.security.all(USERS_PREFIX).keys(), userOfKey)
    .filter((name) => name !== undefined)
    .map((name) => ({ name }));
}

function describe(user: string, isTwice: boolean, { broker }: RequestContext): Described {
  if (isTwice) {
    return {
      user,
      credentialInfos: [],
      errorCode: ErrorCode.DUPLICATE_RESOURCE,
      errorMessage:
        `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`,
    };
  }
  const key = userKey(user);
  const entry = key === undefined ? undefined : broker.cluster.security.get(key);
  if (entry === undefined) {
    return {
      user,
      credentialInfos: [],
      errorCode: ErrorCode.RESOURCE_NOT_FOUND,
      errorMessage: `Attempt to describe a user credential that does not exist: ${user}`,
    };
  }
  const credentialInfos = Array.from(readable(entry.value), ([mechanism, { iterations }]) => ({
    mechanism: SCRAM_MECHANISMS[mechanism].id,
    iterations,
  }));
  return { user, credentialInfos, ...SUCCESS };
}

/** A record that cannot be read has no credentials, and can be replaced. */
function readable(value: Uint8Array): ScramCredentials {
  try {
    return decodeUser(value);
  } catch {
    return new Map();
  }
}

/** What is to be done with a user: a change, or the reason why there is none. */
type Plan = Outcome | { readonly deletion: Deletion } | { readonly upsertion: Upsertion };

/** A user has a single result: it can be changed once, for one mechanism. */
async function handleAlter(
  request: AlterUserScramCredentialsRequest,
  context: RequestContext,
): Promise<AlterUserScramCredentialsResponse> {
  onlyLocalWhileOpen(context);
  const { deletions, upsertions } = request;
  if (upsertions.length > 0) keepBrokersIn(context);
  const bytesOf = ({ name }: { readonly name: string }) => RESULT_BYTES + textBytes(name);
  await claimResponseMemory(sumOf(deletions, bytesOf) + sumOf(upsertions, bytesOf), context);
  const isExposed = canBeOverheard(context.session);
  const plans = new Map<string, Plan>();
  const plan = (name: string, change: Plan, problem: Outcome | undefined) => {
    const earlier = plans.get(name);
    if (earlier === undefined) plans.set(name, problem ?? change);
    else if (!("errorCode" in earlier)) plans.set(name, ALTERED_TWICE);
  };
  await mapEach(deletions, (deletion) => {
    const problem = problemOf(deletion) ?? (exists(deletion, context) ? undefined : NOT_FOUND);
    plan(deletion.name, { deletion }, problem);
  });
  await mapEach(upsertions, (upsertion) => {
    const problem = problemOf(upsertion) ?? problemOfUpsertion(upsertion);
    plan(upsertion.name, { upsertion }, problem ?? (isExposed ? EXPOSED : undefined));
  });
  const results = await awaitEach(
    [...plans],
    async ([user, planned]) => ({ user, ...await carryOut(planned, context) }),
    CHANGES_AT_ONCE,
  );
  return { results };
}

async function carryOut(plan: Plan, context: RequestContext): Promise<Outcome> {
  if ("errorCode" in plan) return plan;
  const { cluster } = context.broker;
  const isDeletion = "deletion" in plan;
  const { name, mechanism: id } = isDeletion ? plan.deletion : plan.upsertion;
  const mechanism = mechanismOf(id)!;
  const key = userKey(name)!;
  const credential = isDeletion ? undefined : credentialOf(mechanism, plan.upsertion);
  try {
    const hadIt = await cluster.retry(() =>
      alterCredential(cluster.security, key, mechanism, credential)
    );
    return isDeletion && !hadIt ? NOT_FOUND : SUCCESS;
  } catch (error) {
    return failure(error, context);
  }
}

function credentialOf(mechanism: ScramMechanism, upsertion: Upsertion) {
  const { saltedPassword, salt, iterations } = upsertion;
  return scramCredential(mechanism, saltedPassword, salt.slice(), iterations);
}

function mechanismOf(id: number): ScramMechanism | undefined {
  const found = Object.entries(SCRAM_MECHANISMS).find(([, algorithm]) => algorithm.id === id);
  return found?.[0] as ScramMechanism | undefined;
}

/** Whether others between client and broker can read what is sent. */
function canBeOverheard({ listener: { protocol }, isLocal }: Session): boolean {
  return !isLocal && (protocol === "PLAINTEXT" || protocol === "SASL_PLAINTEXT");
}

/** Whether a user has the credential that is to be deleted. */
function exists({ name, mechanism }: Deletion, { broker }: RequestContext): boolean {
  const entry = broker.cluster.security.get(userKey(name)!);
  return entry !== undefined && readable(entry.value).has(mechanismOf(mechanism)!);
}

function problemOf(
  { name, mechanism }: { readonly name: string; readonly mechanism: number },
): Outcome | undefined {
  if (name === "") return unacceptable("Username must not be empty");
  if (mechanismOf(mechanism) === undefined) {
    return {
      errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
      errorMessage: "Unknown SCRAM mechanism",
    };
  }
  return userKey(name) === undefined ? unacceptable("Username is too long") : undefined;
}

function problemOfUpsertion({ iterations, salt, saltedPassword }: Upsertion): Outcome | undefined {
  if (iterations < MIN_SCRAM_ITERATIONS) return unacceptable("Too few iterations");
  if (iterations > MAX_SCRAM_ITERATIONS) return unacceptable("Too many iterations");
  for (const [what, { length }] of [["Salt", salt], ["SaltedPassword", saltedPassword]] as const) {
    if (length === 0) return unacceptable(`${what} must not be empty`);
    if (length > MAX_SECRET_BYTES) return unacceptable(`${what} is too long`);
  }
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

const EXPOSED: Outcome = {
  errorCode: ErrorCode.POLICY_VIOLATION,
  errorMessage: "Cannot take a credential over a connection that others can read: use an SSL or " +
    "SASL_SSL listener, or connect from the machine of the broker",
};
