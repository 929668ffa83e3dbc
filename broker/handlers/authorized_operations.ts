/**
 * The operations that a client is authorized to perform on a resource, as a bit field: bit n is the
 * ACL operation with number n (KIP-430). All of them while the authorizer is open.
 *
 * @module
 */

import {
  AclOperation,
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../protocol/messages/security/acl_types.ts";
import { type Asking, mayDo, mayDoOnCluster } from "./access/mod.ts";

const CLUSTER_OPERATIONS = [
  AclOperation.create,
  AclOperation.alter,
  AclOperation.describe,
  AclOperation.clusterAction,
  AclOperation.describeConfigs,
  AclOperation.alterConfigs,
  AclOperation.idempotentWrite,
];
const TOPIC_OPERATIONS = [
  AclOperation.read,
  AclOperation.write,
  AclOperation.create,
  AclOperation.delete,
  AclOperation.alter,
  AclOperation.describe,
  AclOperation.describeConfigs,
  AclOperation.alterConfigs,
];
const GROUP_OPERATIONS = [
  AclOperation.read,
  AclOperation.delete,
  AclOperation.describe,
  AclOperation.describeConfigs,
  AclOperation.alterConfigs,
];

const ALL_CLUSTER_OPERATIONS = bitsOf(CLUSTER_OPERATIONS);
const ALL_TOPIC_OPERATIONS = bitsOf(TOPIC_OPERATIONS);
const ALL_GROUP_OPERATIONS = bitsOf(GROUP_OPERATIONS);

function bitsOf(operations: readonly number[]): number {
  return operations.reduce((bits, operation) => bits | 1 << operation, 0);
}

/** The client's operations on the cluster; none unless it may describe it. */
export function clusterOperations(asking: Asking): number {
  if (asking.broker.authorizer.isOpen) return ALL_CLUSTER_OPERATIONS;
  if (!mayDoOnCluster(asking, AclOperation.describe)) return 0;
  return allowed(asking, CLUSTER_OPERATIONS, AclResourceType.cluster, CLUSTER_RESOURCE);
}

/** The client's operations on a topic. */
export function topicOperations(asking: Asking, topic: string): number {
  if (asking.broker.authorizer.isOpen) return ALL_TOPIC_OPERATIONS;
  return allowed(asking, TOPIC_OPERATIONS, AclResourceType.topic, topic);
}

/** The client's operations on a group. */
export function groupOperations(asking: Asking, groupId: string): number {
  if (asking.broker.authorizer.isOpen) return ALL_GROUP_OPERATIONS;
  return allowed(asking, GROUP_OPERATIONS, AclResourceType.group, groupId);
}

function allowed(
  asking: Asking,
  operations: readonly number[],
  resourceType: number,
  name: string,
): number {
  return bitsOf(operations.filter((operation) => mayDo(asking, operation, resourceType, name)));
}
