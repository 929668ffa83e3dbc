/**
 * DescribeCluster: the brokers, controller and id of the cluster (KIP-700).
 *
 * Version 1 can request controllers from controllers (KIP-919), 2 can include fenced brokers
 * (KIP-1073).
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";
import { NO_AUTHORIZED_OPERATIONS } from "../topics/metadata.ts";

/** Request and response of DescribeCluster in all versions. */
export const describeCluster = api({
  key: 60,
  name: "DescribeCluster",
  versions: "0-2",
  flexible: "0+",
  request: {
    includeClusterAuthorizedOperations: bool({ default: false }),
    /** 1 for brokers, 2 for controllers. */
    endpointType: int8("1+", { default: 1 }),
    /** Whether to list brokers that are registered but not alive. */
    includeFencedBrokers: bool("2+", { default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+", default: null }),
    /** 1 for brokers, 2 for controllers. */
    endpointType: int8("1+", { default: 1 }),
    clusterId: string(),
    /** The broker that receives requests for the controller, −1 if unknown. */
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: "0+", default: null }),
      isFenced: bool("2+", { default: false }),
    }),
    /** Bit field of operations that the principal is authorized for, if requested. */
    clusterAuthorizedOperations: int32({ default: NO_AUTHORIZED_OPERATIONS }),
  },
});

/** A decoded DescribeCluster request. */
export type DescribeClusterRequest = RequestOf<typeof describeCluster>;
/** A DescribeCluster response to encode. */
export type DescribeClusterResponse = ResponseTo<typeof describeCluster>;
