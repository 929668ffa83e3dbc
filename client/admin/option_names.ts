import { OPERATION_NAMES } from "../connection/option_names.ts";
import { ISOLATION_NAMES } from "../consumer/offset_lookup.ts";
import type { Names } from "../ensure_known.ts";
import type {
  ListGroupOffsetsOptions,
  ListGroupsOptions,
  ResetGroupOffsetsOptions,
} from "../group/group_types.ts";
import type {
  ChangeOptions,
  CreatePartitionsOptions,
  DescribeClusterOptions,
  DescribeConfigsOptions,
  DescribeLogDirsOptions,
  ElectLeadersOptions,
  ListOffsetsOptions,
  ListTopicsOptions,
  NewTopic,
  ReassignPartitionsOptions,
  ReplicaPlan,
} from "./admin_types.ts";

/** The names of ChangeOptions. */
export const CHANGE_NAMES: Names<ChangeOptions> = { ...OPERATION_NAMES, validateOnly: true };

/** The names of NewTopic. */
export const NEW_TOPIC_NAMES: Names<NewTopic> = {
  name: true,
  partitions: true,
  replicas: true,
  assignments: true,
  configs: true,
};

/** The names of ListTopicsOptions. */
export const LIST_TOPICS_NAMES: Names<ListTopicsOptions> = { ...OPERATION_NAMES, internal: true };

/** The names of CreatePartitionsOptions. */
export const CREATE_PARTITIONS_NAMES: Names<CreatePartitionsOptions> = {
  ...CHANGE_NAMES,
  assignments: true,
};

/** The names of DescribeConfigsOptions. */
export const DESCRIBE_CONFIGS_NAMES: Names<DescribeConfigsOptions> = {
  ...OPERATION_NAMES,
  names: true,
  synonyms: true,
  documentation: true,
};

/** The names of ListOffsetsOptions. */
export const LIST_OFFSETS_NAMES: Names<ListOffsetsOptions> = {
  ...OPERATION_NAMES,
  partitions: true,
  ...ISOLATION_NAMES,
};

/** The names of DescribeClusterOptions. */
export const DESCRIBE_CLUSTER_NAMES: Names<DescribeClusterOptions> = {
  ...OPERATION_NAMES,
  includeFencedBrokers: true,
};

/** The names of ElectLeadersOptions. */
export const ELECT_LEADERS_NAMES: Names<ElectLeadersOptions> = { ...OPERATION_NAMES, type: true };

/** The names of ReplicaPlan. */
export const REPLICA_PLAN_NAMES: Names<ReplicaPlan> = {
  topic: true,
  partition: true,
  replicas: true,
};

/** The names of ReassignPartitionsOptions. */
export const REASSIGN_PARTITIONS_NAMES: Names<ReassignPartitionsOptions> = {
  ...OPERATION_NAMES,
  allowReplicationFactorChange: true,
};

/** The names of DescribeLogDirsOptions. */
export const DESCRIBE_LOG_DIRS_NAMES: Names<DescribeLogDirsOptions> = {
  ...OPERATION_NAMES,
  brokers: true,
  topics: true,
};

/** The names of ListGroupsOptions. */
export const LIST_GROUPS_NAMES: Names<ListGroupsOptions> = {
  ...OPERATION_NAMES,
  states: true,
  types: true,
};

/** The names of ListGroupOffsetsOptions. */
export const LIST_GROUP_OFFSETS_NAMES: Names<ListGroupOffsetsOptions> = {
  ...OPERATION_NAMES,
  partitions: true,
};

/** The names of ResetGroupOffsetsOptions. */
export const RESET_GROUP_OFFSETS_NAMES: Names<ResetGroupOffsetsOptions> = {
  ...OPERATION_NAMES,
  partitions: true,
  validateOnly: true,
};
