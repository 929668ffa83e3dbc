/**
 * What clients may do with the settings of a resource.
 *
 * @module
 */

import {
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../../protocol/messages/security/acl_types.ts";
import { ConfigResourceType } from "../../../protocol/messages/configs/mod.ts";
import { ApiError } from "../../api_error.ts";

/** A resource of a request. */
interface ConfigResourceName {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** Settings of brokers, loggers and client metrics are those of the cluster. */
const TYPES: ReadonlyMap<number, number> = new Map([
  [ConfigResourceType.topic, AclResourceType.topic],
  [ConfigResourceType.group, AclResourceType.group],
  [ConfigResourceType.broker, AclResourceType.cluster],
  [ConfigResourceType.brokerLogger, AclResourceType.cluster],
  [ConfigResourceType.clientMetrics, AclResourceType.cluster],
]);

/** The resource of an ACL that a resource with settings belongs to. */
export const ofConfigs = {
  resourceType: {
    types: [AclResourceType.topic, AclResourceType.group, AclResourceType.cluster],
    typeOf: ({ resourceType }: ConfigResourceName): number | undefined => TYPES.get(resourceType),
  },
  nameOf: ({ resourceType, resourceName }: ConfigResourceName): string =>
    TYPES.get(resourceType) === AclResourceType.cluster ? CLUSTER_RESOURCE : resourceName,
};

/** The answer to a denied resource. */
export function deniedConfigs(
  { resourceType, resourceName }: ConfigResourceName,
  errorCode: number,
) {
  const { message: errorMessage } = new ApiError(errorCode);
  return { resourceType, resourceName, errorCode, errorMessage };
}
