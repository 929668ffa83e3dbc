/**
 * Kafka's numbers in access control lists (KIP-140).
 *
 * @module
 */

/** Types of resources that rules are about. */
export const AclResourceType = {
  unknown: 0,
  any: 1,
  topic: 2,
  group: 3,
  cluster: 4,
  transactionalId: 5,
  delegationToken: 6,
  user: 7,
} as const;

/** How the name of a rule is compared with that of a resource (KIP-290). */
export const AclPatternType = {
  unknown: 0,
  any: 1,
  match: 2,
  literal: 3,
  prefixed: 4,
} as const;

/** Operations that a rule allows or denies. */
export const AclOperation = {
  unknown: 0,
  any: 1,
  all: 2,
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
  createTokens: 13,
  describeTokens: 14,
  twoPhaseCommit: 15,
} as const;

/** Whether a rule allows or denies. */
export const AclPermissionType = {
  unknown: 0,
  any: 1,
  deny: 2,
  allow: 3,
} as const;

/** The name of the only resource of type cluster. */
export const CLUSTER_RESOURCE = "kafka-cluster";

/** One of the tables of numbers above. */
export type AclNumbers = Readonly<Record<string, number>>;

/** Kafka's word for a number of a table, such as `CLUSTER_ACTION`; `UNKNOWN` if it has none. */
export function aclWord(numbers: AclNumbers, number: number): string {
  return wordsOf(numbers).get(number) ?? "UNKNOWN";
}

/** The number of Kafka's word in a table, in upper or lower case; undefined if there is none. */
export function parseAclWord(numbers: AclNumbers, word: string): number | undefined {
  const upper = word.toUpperCase();
  for (const [number, known] of wordsOf(numbers)) if (known === upper) return number;
  return undefined;
}

const WORDS: Map<AclNumbers, ReadonlyMap<number, string>> = new Map();

function wordsOf(numbers: AclNumbers): ReadonlyMap<number, string> {
  let words = WORDS.get(numbers);
  if (words === undefined) {
    words = new Map(
      Object.entries(numbers).map(([name, number]) => [
        number,
        name.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase(),
      ]),
    );
    WORDS.set(numbers, words);
  }
  return words;
}
