/**
 * Users and their SCRAM credentials (KIP-554).
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { alterUserScramCredentials } from "../../protocol/messages/security/alter_user_scram_credentials.ts";
import { describeUserScramCredentials } from "../../protocol/messages/security/describe_user_scram_credentials.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { KafkaError, UsageError } from "../errors.ts";
import { atLeast, oneOf } from "../option_checks.ts";
import { changeAtController } from "./change_at_controller.ts";
import type {
  ScramMechanismName,
  UserResult,
  UserScramAlteration,
  UserScramCredentials,
} from "./security_types.ts";

/** Kafka's numbers of mechanisms. */
const MECHANISMS: Readonly<Record<ScramMechanismName, number>> = {
  "SCRAM-SHA-256": 1,
  "SCRAM-SHA-512": 2,
};
const SALT_BYTES = 18;

/** Describes users, by default all. */
export async function describeUsers(
  core: ClientCore,
  users: readonly string[] | undefined,
  options: OperationOptions,
): Promise<UserScramCredentials[]> {
  const action = "describe users";
  const body = { users: users?.map((name) => ({ name })) ?? null };
  return await core.retry(action, options, async (signal) => {
    const answer = await core.requestAny(describeUserScramCredentials, body, { signal });
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new KafkaError(action, answer.errorCode, answer.errorMessage);
    }
    return answer.results.map(({ user, errorCode, errorMessage, credentialInfos }) => {
      if (errorCode !== ErrorCode.NONE) {
        throw new KafkaError(`describe user "${user}"`, errorCode, errorMessage);
      }
      return {
        user,
        credentials: credentialInfos.map(({ mechanism, iterations }) => ({
          mechanism: mechanismName(mechanism),
          iterations,
        })),
      };
    }).sort((a, b) => a.user < b.user ? -1 : 1);
  });
}

function mechanismName(number: number): ScramMechanismName | "unknown" {
  for (const [name, known] of Object.entries(MECHANISMS)) {
    if (known === number) return name as ScramMechanismName;
  }
  return "unknown";
}

/** Changes credentials. Each user has its own result. */
export async function alterUsers(
  core: ClientCore,
  alterations: readonly UserScramAlteration[],
  options: OperationOptions,
): Promise<UserResult[]> {
  if (alterations.length === 0) return [];
  const deletions = alterations.filter(({ password }) => password === null)
    .map(({ user, mechanism }) => ({ name: user, mechanism: mechanismNumber(mechanism) }));
  const upsertions = await Promise.all(
    alterations.filter(({ password }) => password !== null).map(upsertion),
  );
  return await changeAtController(
    core,
    "alter users",
    alterUserScramCredentials,
    { deletions, upsertions },
    options,
    ({ results }) =>
      results.map(({ user, errorCode, errorMessage }) => ({
        key: user,
        error: errorCode === ErrorCode.NONE
          ? undefined
          : new KafkaError(`alter user "${user}"`, errorCode, errorMessage),
      })),
  ).then((results) => results.map(({ key, error }) => ({ user: key, error })));
}

function mechanismNumber(mechanism: ScramMechanismName): number {
  const names = Object.keys(MECHANISMS) as ScramMechanismName[];
  return MECHANISMS[oneOf("mechanism", mechanism, names)];
}

/** The password never leaves the client, but what is derived from it is as good as the password. */
async function upsertion({ user, mechanism, password, iterations }: UserScramAlteration) {
  const number = mechanismNumber(mechanism);
  if (typeof password !== "string" || password === "") {
    throw new UsageError(
      `Cannot alter user "${user}": the password must be a text that is not empty, or null to delete`,
    );
  }
  // What a broker refuses would only cost time here.
  const { DEFAULT_SCRAM_ITERATIONS, scramSaltedPassword } = await import(
    "../../protocol/sasl/scram.ts"
  );
  const rounds = atLeast("iterations", iterations ?? DEFAULT_SCRAM_ITERATIONS, 1);
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  return {
    name: user,
    mechanism: number,
    iterations: rounds,
    salt,
    saltedPassword: await scramSaltedPassword(
      mechanism,
      password,
      salt,
      Math.min(rounds, MAX_ROUNDS),
    ),
  };
}

/** Brokers refuse more; without a limit, a mistyped number would keep the program busy. */
const MAX_ROUNDS = 100_000;
