/**
 * The operations that a client is authorized to perform on a resource, as a bit field: bit n is the
 * ACL operation with number n (KIP-430). Without an authorizer every operation is allowed.
 *
 * @module
 */

import { AclOperation } from "../../protocol/messages/security/acl_types.ts";

function bitsOf(...operations: readonly number[]): number {
  return operations.reduce((bits, operation) => bits | 1 << operation, 0);
}

/** All operations on a cluster. */
export const ALL_CLUSTER_OPERATIONS: number = bitsOf(
  AclOperation.create,
  AclOperation.alter,
  AclOperation.describe,
  AclOperation.clusterAction,
  AclOperation.describeConfigs,
  AclOperation.alterConfigs,
  AclOperation.idempotentWrite,
);

/** All operations on a topic. */
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
