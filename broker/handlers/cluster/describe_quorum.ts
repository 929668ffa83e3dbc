/**
 * DescribeQuorum: the voters on the cluster metadata and their progress (KIP-595). Versions 0 to 2.
 *
 * The broker that keeps the metadata log is its leader and only voter; there are no observers.
 * Offsets refer to that log, `__cluster_metadata-0`; any other partition is unknown. As in Kafka, a
 * request for more than that partition gets an empty response.
 *
 * Version 1 adds times (KIP-836), 2 directory ids, addresses and error messages (KIP-853).
 *
 * @module
 */

import { ErrorCode, errorInfo } from "../../../protocol/errors.ts";
import {
  describeQuorum,
  type DescribeQuorumRequest,
  type DescribeQuorumResponse,
} from "../../../protocol/messages/cluster/describe_quorum.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { onCluster } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { mapNested } from "../each_item.ts";

import { reachableBroker } from "./reachable_brokers.ts";
type PartitionResponse = DescribeQuorumResponse["topics"][number]["partitions"][number];

const METADATA_TOPIC = "__cluster_metadata";
const METADATA_PARTITION = 0;
const FIRST_VERSION_WITH_DIRECTORIES = 2;
/** Size of a partition in the response. */
const PARTITION_BYTES = 160;

/** Serves DescribeQuorum. */
export const describeQuorumHandler: ApiHandler = handler(
  describeQuorum,
  handleDescribeQuorum,
  onCluster(AclOperation.describe),
);

async function handleDescribeQuorum(
  { topics }: DescribeQuorumRequest,
  context: RequestContext,
): Promise<DescribeQuorumResponse> {
  const bytes = sumOf(
    topics,
    ({ topicName, partitions }) => textBytes(topicName) + partitions.length * PARTITION_BYTES,
  );
  await claimResponseMemory(bytes, context);
  const [first] = topics;
  const asksForMetadata = topics.length === 1 && first!.topicName === METADATA_TOPIC &&
    first!.partitions.length === 1 && first!.partitions[0]!.partitionIndex === METADATA_PARTITION;
  const quorum = asksForMetadata ? describe(context) : undefined;
  const described = await mapNested(
    topics,
    ({ partitions }) => partitions,
    (_, { partitionIndex }) => quorum ?? unknown(partitionIndex),
  );
  return {
    errorCode: ErrorCode.NONE,
    topics: described.map(([{ topicName }, partitions]) => ({ topicName, partitions })),
    ...(quorum === undefined ? {} : nodes(context)),
  };
}

function describe(
  { apiVersion, broker: { cluster, clock, topics } }: RequestContext,
): PartitionResponse | undefined {
  const { metadataLog: log, controllerId } = cluster;
  if (log === undefined) return undefined;
  const { leaderEpoch, highWatermark, logEndOffset } = log;
  const nowMs = clock.now();
  const voter = {
    replicaId: controllerId,
    logEndOffset,
    lastFetchTimestamp: nowMs,
    lastCaughtUpTimestamp: nowMs,
    ...(apiVersion < FIRST_VERSION_WITH_DIRECTORIES
      ? {}
      : { replicaDirectoryId: topics.logDirectoryId ?? ZERO_UUID }),
  };
  return {
    partitionIndex: METADATA_PARTITION,
    errorCode: ErrorCode.NONE,
    leaderId: controllerId,
    leaderEpoch,
    highWatermark,
    currentVoters: [voter],
    observers: [],
  };
}

function nodes(context: RequestContext): Pick<DescribeQuorumResponse, "nodes"> {
  const { apiVersion, broker: { cluster }, session: { listener } } = context;
  const node = reachableBroker(cluster.controllerId, context);
  if (apiVersion < FIRST_VERSION_WITH_DIRECTORIES || node === undefined) return {};
  const { id, host, port } = node;
  // A connection within the broker came by none.
  const endpoint = cluster.broker(id)!.endpoints
    .find((each) => each.host === host && each.port === port);
  const name = endpoint?.name ?? listener.name;
  return { nodes: [{ nodeId: id, listeners: [{ name, host, port }] }] };
}

function unknown(partitionIndex: number): PartitionResponse {
  return {
    partitionIndex,
    errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    errorMessage: errorInfo(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION).description,
    leaderId: -1,
    leaderEpoch: 0,
    highWatermark: 0,
    currentVoters: [],
    observers: [],
  };
}
