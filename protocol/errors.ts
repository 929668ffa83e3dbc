/**
 * Kafka's error codes: the meaning of each, whether a retry can help, and how to resolve it.
 *
 * Codes and names are part of the protocol and never change. A code in a response is a value, not
 * an exception; an exception made from a code takes its name and description from this table.
 *
 * The table matches Kafka 4.4.
 *
 * Spec: https://kafka.apache.org/protocol.html#protocol_error_codes
 *
 * @module
 */

/** Kafka's errors by name: code, kind and description of each. */
// deno-fmt-ignore: one line per error, a table
export const ERRORS = {
  UNKNOWN_SERVER_ERROR: [-1, "final", "The broker failed in a way it has no code for; its log says why"],
  NONE: [0, "final", "The operation succeeded"],
  OFFSET_OUT_OF_RANGE: [1, "final", "The offset is before the start or after the end of the log; seek to an offset in between"],
  CORRUPT_MESSAGE: [2, "retriable", "A record batch arrived corrupt: its checksum, size or layout is wrong; send it again"],
  UNKNOWN_TOPIC_OR_PARTITION: [3, "stale", "The broker has no such topic or partition; check the name, or wait for it to be created"],
  INVALID_FETCH_SIZE: [4, "final", "The fetch asked for an impossible number of bytes; correct the size"],
  LEADER_NOT_AVAILABLE: [5, "stale", "The partition has no leader at the moment; retry once one is elected"],
  NOT_LEADER_OR_FOLLOWER: [6, "stale", "The broker is not the leader or a follower of this partition; refresh metadata and send the request to the leader"],
  REQUEST_TIMED_OUT: [7, "retriable", "The request did not complete within its timeout; retry, or raise the timeout"],
  BROKER_NOT_AVAILABLE: [8, "final", "The broker is not reachable within its cluster; try another one"],
  REPLICA_NOT_AVAILABLE: [9, "stale", "The requested replica is not online; refresh metadata and retry"],
  MESSAGE_TOO_LARGE: [10, "final", "The record batch is larger than max.message.bytes; send smaller batches or raise the limit"],
  STALE_CONTROLLER_EPOCH: [11, "final", "The sender is no longer the controller; a newer one has taken over"],
  OFFSET_METADATA_TOO_LARGE: [12, "final", "The metadata committed with an offset is longer than offset.metadata.max.bytes; shorten it"],
  NETWORK_EXCEPTION: [13, "stale", "The connection was lost before the response arrived; reconnect and retry"],
  COORDINATOR_LOAD_IN_PROGRESS: [14, "retriable", "The coordinator is still reading its state from the log; retry shortly"],
  COORDINATOR_NOT_AVAILABLE: [15, "stale", "There is no coordinator for this group or transactional id yet; look it up again"],
  NOT_COORDINATOR: [16, "stale", "The broker does not coordinate this group or transactional id; look its coordinator up again"],
  INVALID_TOPIC_EXCEPTION: [17, "final", "The topic's name is invalid, or the topic is internal; use another topic"],
  RECORD_LIST_TOO_LARGE: [18, "final", "The record batch is larger than a log segment; send smaller batches or raise segment.bytes"],
  NOT_ENOUGH_REPLICAS: [19, "retriable", "Fewer replicas are in sync than min.insync.replicas, so nothing was written; retry"],
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: [20, "retriable", "The records were written, but too few replicas are in sync; a retry may write them twice"],
  INVALID_REQUIRED_ACKS: [21, "final", "The acks of a produce request must be -1, 0 or 1"],
  ILLEGAL_GENERATION: [22, "final", "The group has moved to another generation; rejoin it"],
  INCONSISTENT_GROUP_PROTOCOL: [23, "final", "The member shares no assignor or protocol type with its group; use the same configuration for all members"],
  INVALID_GROUP_ID: [24, "final", "The group id is empty or invalid; use another one"],
  UNKNOWN_MEMBER_ID: [25, "final", "The group does not know this member, perhaps because its session expired; rejoin without a member id"],
  INVALID_SESSION_TIMEOUT: [26, "final", "The session timeout is outside what the broker allows; see group.min.session.timeout.ms and group.max.session.timeout.ms"],
  REBALANCE_IN_PROGRESS: [27, "final", "The group is rebalancing; rejoin it"],
  INVALID_COMMIT_OFFSET_SIZE: [28, "final", "The offsets to commit exceed the size that the broker stores; commit fewer at a time"],
  TOPIC_AUTHORIZATION_FAILED: [29, "final", "The principal is not allowed to do this with the topic; ask for an ACL that allows it"],
  GROUP_AUTHORIZATION_FAILED: [30, "final", "The principal is not allowed to use this group; ask for an ACL that allows it"],
  CLUSTER_AUTHORIZATION_FAILED: [31, "final", "The principal is not allowed to do this with the cluster; ask for an ACL that allows it"],
  INVALID_TIMESTAMP: [32, "final", "A record's timestamp is further from the broker's clock than the topic allows; correct the timestamp"],
  UNSUPPORTED_SASL_MECHANISM: [33, "final", "The broker does not offer this SASL mechanism; choose one it lists"],
  ILLEGAL_SASL_STATE: [34, "final", "The request is not valid in this state of the SASL exchange; authenticate first"],
  UNSUPPORTED_VERSION: [35, "final", "The broker does not support this version of the API; ApiVersions returns the supported versions"],
  TOPIC_ALREADY_EXISTS: [36, "final", "A topic with this name already exists; use it or choose another name"],
  INVALID_PARTITIONS: [37, "final", "The number of partitions is invalid; it must be at least 1, and when adding partitions more than the current number"],
  INVALID_REPLICATION_FACTOR: [38, "final", "The replication factor must be at least 1 and at most the number of brokers"],
  INVALID_REPLICA_ASSIGNMENT: [39, "final", "The manual replica assignment is invalid; name existing brokers, each once per partition"],
  INVALID_CONFIG: [40, "final", "A setting is unknown or its value is invalid; correct it"],
  NOT_CONTROLLER: [41, "stale", "The broker is not the controller; refresh metadata and send the request to the controller"],
  INVALID_REQUEST: [42, "final", "The request contradicts itself or is not valid in this state; correct it"],
  UNSUPPORTED_FOR_MESSAGE_FORMAT: [43, "final", "The topic's message format is too old for this request; rewrite the topic in format 2"],
  POLICY_VIOLATION: [44, "final", "A policy of the broker's operator forbids this; choose other values"],
  OUT_OF_ORDER_SEQUENCE_NUMBER: [45, "final", "An idempotent producer's batch does not follow the one before it; an earlier batch was lost"],
  DUPLICATE_SEQUENCE_NUMBER: [46, "final", "The batch was written before, but the broker no longer knows its offset; treat it as written"],
  INVALID_PRODUCER_EPOCH: [47, "final", "The producer's epoch is older than the current one; abort and initialize the producer again"],
  INVALID_TXN_STATE: [48, "final", "The transaction is in a state that does not allow this; begin, commit or abort it first"],
  INVALID_PRODUCER_ID_MAPPING: [49, "final", "The producer id does not belong to this transactional id; initialize the producer again"],
  INVALID_TRANSACTION_TIMEOUT: [50, "final", "The transaction timeout is above transaction.max.timeout.ms; lower it"],
  CONCURRENT_TRANSACTIONS: [51, "retriable", "The previous transaction of this producer is still completing; retry shortly"],
  TRANSACTION_COORDINATOR_FENCED: [52, "final", "The marker was sent by a former coordinator; the new coordinator writes it"],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: [53, "final", "The principal is not allowed to use this transactional id; ask for an ACL that allows it"],
  SECURITY_DISABLED: [54, "final", "The broker runs without an authorizer, so it keeps no ACLs; configure one first"],
  OPERATION_NOT_ATTEMPTED: [55, "final", "This item was not attempted because another one in the same request failed; correct that one"],
  KAFKA_STORAGE_ERROR: [56, "stale", "The broker's disk failed for this partition; retry on the new leader"],
  LOG_DIR_NOT_FOUND: [57, "final", "The broker has no such log directory; name one of log.dirs"],
  SASL_AUTHENTICATION_FAILED: [58, "final", "Authentication failed; check user, password and mechanism"],
  UNKNOWN_PRODUCER_ID: [59, "final", "The partition no longer knows this producer id; initialize the producer again"],
  REASSIGNMENT_IN_PROGRESS: [60, "final", "The partition is already being reassigned; wait for it or cancel it"],
  DELEGATION_TOKEN_AUTH_DISABLED: [61, "final", "The broker has delegation tokens disabled; set delegation.token.secret.key on all brokers first"],
  DELEGATION_TOKEN_NOT_FOUND: [62, "final", "The broker does not know this delegation token; create a new one"],
  DELEGATION_TOKEN_OWNER_MISMATCH: [63, "final", "The principal is neither the owner nor a renewer of this delegation token; use one of them"],
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: [64, "final", "Delegation tokens cannot be requested over this connection; authenticate with SASL or mutual TLS"],
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: [65, "final", "The principal is not allowed to do this with the delegation token; ask for an ACL that allows it"],
  DELEGATION_TOKEN_EXPIRED: [66, "final", "The delegation token has expired; create a new one"],
  INVALID_PRINCIPAL_TYPE: [67, "final", "The broker does not know this type of principal; use User"],
  NON_EMPTY_GROUP: [68, "final", "The group still has members; stop them first"],
  GROUP_ID_NOT_FOUND: [69, "final", "There is no group with this id and type; check the id"],
  FETCH_SESSION_ID_NOT_FOUND: [70, "retriable", "The broker has dropped this fetch session; open a new one"],
  INVALID_FETCH_SESSION_EPOCH: [71, "retriable", "The fetch does not follow the last one of the session; open a new session"],
  LISTENER_NOT_FOUND: [72, "stale", "The leader has no listener with the name that this connection uses; configure the same listeners on all brokers"],
  TOPIC_DELETION_DISABLED: [73, "final", "The broker does not delete topics; set delete.topic.enable"],
  FENCED_LEADER_EPOCH: [74, "stale", "The request has an older leader epoch than the partition; refresh metadata and retry"],
  UNKNOWN_LEADER_EPOCH: [75, "retriable", "The request has a newer leader epoch than this broker knows; retry shortly"],
  UNSUPPORTED_COMPRESSION_TYPE: [76, "final", "This version of the request cannot carry the batch's compression; use a newer client or another codec"],
  STALE_BROKER_EPOCH: [77, "final", "The broker has registered again since this request was made; use its new epoch"],
  OFFSET_NOT_AVAILABLE: [78, "retriable", "The new leader's high watermark has not caught up yet; retry shortly"],
  MEMBER_ID_REQUIRED: [79, "final", "The group has assigned a member id; join again with it"],
  PREFERRED_LEADER_NOT_AVAILABLE: [80, "stale", "The partition's preferred leader is not online or not in sync; retry once it is"],
  GROUP_MAX_SIZE_REACHED: [81, "final", "The group has reached group.max.size members; raise the limit or stop some members"],
  FENCED_INSTANCE_ID: [82, "final", "Another member has taken over this group.instance.id; stop this one"],
  ELIGIBLE_LEADERS_NOT_AVAILABLE: [83, "stale", "No replica that is eligible to lead the partition is online; restart one"],
  ELECTION_NOT_NEEDED: [84, "stale", "The partition already has the right leader; no action is needed"],
  NO_REASSIGNMENT_IN_PROGRESS: [85, "final", "The partition is not being reassigned, so there is nothing to cancel"],
  GROUP_SUBSCRIBED_TO_TOPIC: [86, "final", "The group is subscribed to this topic; unsubscribe before deleting its offsets"],
  INVALID_RECORD: [87, "final", "A record or batch breaks a rule of the topic or of the format; the response says which one"],
  UNSTABLE_OFFSET_COMMIT: [88, "retriable", "The group's offsets depend on a transaction that is still open; retry once it has ended"],
  THROTTLING_QUOTA_EXCEEDED: [89, "retriable", "The client's quota for changes is used up; retry after the throttle time"],
  PRODUCER_FENCED: [90, "final", "A newer producer uses this transactional id; stop this one"],
  RESOURCE_NOT_FOUND: [91, "final", "The request refers to a resource that does not exist; check its name"],
  DUPLICATE_RESOURCE: [92, "final", "The request names the same resource twice; name it once"],
  UNACCEPTABLE_CREDENTIAL: [93, "final", "The credential breaks a rule of the broker, such as the number of iterations; choose another one"],
  INCONSISTENT_VOTER_SET: [94, "final", "Sender and receiver disagree about the voters of the quorum; check its configuration"],
  INVALID_UPDATE_VERSION: [95, "final", "The feature cannot be set to this version; choose one within the supported range"],
  FEATURE_UPDATE_FAILED: [96, "final", "The feature could not be updated because the broker failed; its log says why"],
  PRINCIPAL_DESERIALIZATION_FAILURE: [97, "final", "A forwarded request carries a principal that cannot be read; use the same principal builder on all brokers"],
  SNAPSHOT_NOT_FOUND: [98, "final", "The broker does not have this metadata snapshot; ask for its latest one"],
  POSITION_OUT_OF_RANGE: [99, "final", "The position lies outside the snapshot; start again at 0"],
  UNKNOWN_TOPIC_ID: [100, "stale", "The broker has no topic with this id: it was deleted, or is not known to this broker yet; refresh metadata"],
  DUPLICATE_BROKER_REGISTRATION: [101, "final", "A live broker already has this node id; give each broker its own"],
  BROKER_ID_NOT_REGISTERED: [102, "final", "No broker is registered under this node id; register it first"],
  INCONSISTENT_TOPIC_ID: [103, "stale", "The partition's log belongs to a topic with another id, perhaps a deleted one; refresh metadata"],
  INCONSISTENT_CLUSTER_ID: [104, "final", "The request is meant for another cluster; check the addresses"],
  TRANSACTIONAL_ID_NOT_FOUND: [105, "final", "The coordinator does not know this transactional id; check the id"],
  FETCH_SESSION_TOPIC_ID_ERROR: [106, "retriable", "The fetch session mixes requests with and without topic ids; open a new session"],
  INELIGIBLE_REPLICA: [107, "final", "A replica proposed for the ISR cannot join it because it is fenced or shutting down"],
  NEW_LEADER_ELECTED: [108, "final", "The ISR change elected a new leader; fetch the partition's new state"],
  OFFSET_MOVED_TO_TIERED_STORAGE: [109, "final", "The offset is only in remote storage; build the follower's state from there"],
  FENCED_MEMBER_EPOCH: [110, "final", "The coordinator has fenced this member; give up all partitions and rejoin with epoch 0"],
  UNRELEASED_INSTANCE_ID: [111, "final", "Another live member has this group.instance.id; wait until it leaves"],
  UNSUPPORTED_ASSIGNOR: [112, "final", "The group does not support this assignor; choose one of group.consumer.assignors"],
  STALE_MEMBER_EPOCH: [113, "final", "The member's epoch is out of date; send a heartbeat to get the new one, then retry"],
  MISMATCHED_ENDPOINT_TYPE: [114, "final", "The request was sent to the wrong type of endpoint; use the address of a broker or a controller as required"],
  UNSUPPORTED_ENDPOINT_TYPE: [115, "final", "The broker does not support this type of endpoint; leave it out"],
  UNKNOWN_CONTROLLER_ID: [116, "final", "There is no controller with this node id; check the id"],
  UNKNOWN_SUBSCRIPTION_ID: [117, "final", "The telemetry subscription is unknown or out of date; fetch a new one"],
  TELEMETRY_TOO_LARGE: [118, "final", "The pushed metrics are larger than telemetry.max.bytes; push fewer"],
  INVALID_REGISTRATION: [119, "final", "The controller refused the broker's registration; its log says why"],
  TRANSACTION_ABORTABLE: [120, "final", "The transaction cannot continue; abort it, then begin a new one"],
  INVALID_RECORD_STATE: [121, "final", "The record is not acquired by this member, so it cannot be acknowledged; its lock may have expired"],
  SHARE_SESSION_NOT_FOUND: [122, "retriable", "The broker has dropped this share session; open a new one"],
  INVALID_SHARE_SESSION_EPOCH: [123, "retriable", "The request does not follow the share session's last one; open a new session"],
  FENCED_STATE_EPOCH: [124, "final", "The share partition's state has a newer epoch; its new leader continues with it"],
  INVALID_VOTER_KEY: [125, "final", "The voter key is not that of the replica that received it; check node and directory id"],
  DUPLICATE_VOTER: [126, "final", "The replica is already a voter; no action is needed"],
  VOTER_NOT_FOUND: [127, "final", "The replica is not a voter; check node and directory id"],
  INVALID_REGULAR_EXPRESSION: [128, "final", "The regular expression of the subscription is invalid; use RE2 syntax"],
  REBOOTSTRAP_REQUIRED: [129, "final", "The client's knowledge of the cluster is out of date; reconnect to the bootstrap servers"],
  STREAMS_INVALID_TOPOLOGY: [130, "final", "The streams topology contradicts itself; correct it"],
  STREAMS_INVALID_TOPOLOGY_EPOCH: [131, "final", "The epoch of the streams topology is invalid; use the group's epoch or the next"],
  STREAMS_TOPOLOGY_FENCED: [132, "final", "The group runs a newer streams topology; upgrade this member"],
  SHARE_SESSION_LIMIT_REACHED: [133, "retriable", "The broker has reached its limit of share sessions; retry once others have closed"],
  GROUP_DELETION_FAILED: [134, "final", "The group could not be deleted; the response says why"],
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: [135, "final", "The description of the streams topology could not be stored; the response says why"],
  CONTROLLER_ID_NOT_REGISTERED: [136, "final", "No controller is registered under this node id; register it first"],
} as const satisfies { readonly [name: string]: ErrorEntry };

/**
 * An error: its code, whether the same request may succeed later (`retriable`), later and after
 * fetching metadata or the coordinator's address again (`stale`), or not at all (`final`), and its
 * description.
 */
export type ErrorEntry = readonly [
  code: number,
  kind: "final" | "retriable" | "stale",
  description: string,
];

/** Kafka's name of an error. */
export type ErrorName = keyof typeof ERRORS;

const ENTRIES = Object.entries(ERRORS) as [ErrorName, ErrorEntry][];

/** Kafka's error codes by name. */
export const ErrorCode: { readonly [N in ErrorName]: (typeof ERRORS)[N][0] } = Object.fromEntries(
  ENTRIES.map(([name, [code]]) => [name, code]),
) as never;

/** Name, retriability and description of an error code. */
export interface ErrorInfo {
  /** The code on the wire. */
  readonly code: number;
  /** Kafka's name, `UNKNOWN_ERROR_CODE` for a code not in the table. */
  readonly name: ErrorName | "UNKNOWN_ERROR_CODE";
  /** Whether the same request may succeed later. */
  readonly retriable: boolean;
  /** Whether metadata or the coordinator's address is out of date and must be fetched again. */
  readonly refreshesMetadata: boolean;
  /** The cause and the remedy, in one sentence. */
  readonly description: string;
}

const LOWEST = ERRORS.UNKNOWN_SERVER_ERROR[0];

/** The table by code; codes are consecutive from the lowest one. */
const BY_CODE: readonly ErrorInfo[] = ENTRIES.map(([name, [code, kind, description]]) => ({
  code,
  name,
  retriable: kind !== "final",
  refreshesMetadata: kind === "stale",
  description,
}));

/**
 * Returns the properties of an error code. An unknown code, perhaps of a later version, gets a
 * generic entry that is not retriable.
 */
export function errorInfo(code: number): ErrorInfo {
  return BY_CODE[code - LOWEST] ?? {
    code,
    name: "UNKNOWN_ERROR_CODE",
    retriable: false,
    refreshesMetadata: false,
    description: `The broker answered with error code ${code}, which this program does not know`,
  };
}
