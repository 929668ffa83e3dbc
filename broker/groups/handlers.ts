/**
 * The handlers of all requests about groups.
 *
 * @module
 */

import type { ApiHandler } from "../handler.ts";
import { consumerGroupDescribeHandler } from "../handlers/consumer_group_describe.ts";
import { consumerGroupHeartbeatHandler } from "../handlers/consumer_group_heartbeat.ts";
import { deleteGroupsHandler } from "../handlers/delete_groups.ts";
import { describeGroupsHandler } from "../handlers/describe_groups.ts";
import { findCoordinatorHandler } from "../handlers/find_coordinator.ts";
import { heartbeatHandler } from "../handlers/heartbeat.ts";
import { joinGroupHandler } from "../handlers/join_group.ts";
import { leaveGroupHandler } from "../handlers/leave_group.ts";
import { listGroupsHandler } from "../handlers/list_groups.ts";
import { offsetCommitHandler } from "../handlers/offset_commit.ts";
import { offsetDeleteHandler } from "../handlers/offset_delete.ts";
import { offsetFetchHandler } from "../handlers/offset_fetch.ts";
import { syncGroupHandler } from "../handlers/sync_group.ts";

/** Handlers of requests about groups. */
export const groupHandlers: readonly ApiHandler[] = [
  findCoordinatorHandler,
  joinGroupHandler,
  syncGroupHandler,
  heartbeatHandler,
  leaveGroupHandler,
  offsetCommitHandler,
  offsetFetchHandler,
  offsetDeleteHandler,
  describeGroupsHandler,
  listGroupsHandler,
  deleteGroupsHandler,
  consumerGroupHeartbeatHandler,
  consumerGroupDescribeHandler,
];
