/**
 * What a client may do with a resource, as a bit field: bit n stands for the ACL operation of number
 * n (KIP-430). Without an authorizer that is all there is to do with it.
 *
 * @module
 */

/** Kafka's numbers of the operations that access lists know. */
export const AclOperation = {
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
} as const;

function bitsOf(...operations: readonly number[]): number {
  return operations.reduce((bits, operation) => bits | 1 << operation, 0);
}

/** All that can be done with a cluster. */
export const ALL_CLUSTER_OPERATIONS: number = bitsOf(
  AclOperation.create,
  AclOperation.alter,
  AclOperation.describe,
  AclOperation.clusterAction,
  AclOperation.describeConfigs,
  AclOperation.alterConfigs,
  AclOperation.idempotentWrite,
);

/** All that can be done with a topic. */
export const ALL_TOPIC_OPERATIONS: number = bitsOf(
  AclOperation.read,
  AclOperation.write,
  AclOperation.create,
  AclOperation.delete,
  AclOperation.alter,
  AclOperation.describe,
  AclOperation.describeConfigs,
  AclOperation.alterConfigs,
);
