/**
 * The handlers of all group APIs but FindCoordinator. They are loaded with the first such request: a broker
 * starts faster without them.
 *
 * @module
 */

import type { ApiHandler } from "../../handler.ts";
import { consumerGroupDescribeHandler } from "./consumer_group_describe.ts";
import { consumerGroupHeartbeatHandler } from "./consumer_group_heartbeat.ts";
import { deleteGroupsHandler } from "./delete_groups.ts";
import { describeGroupsHandler } from "./describe_groups.ts";
import { heartbeatHandler } from "./heartbeat.ts";
import { joinGroupHandler } from "./join_group.ts";
import { leaveGroupHandler } from "./leave_group.ts";
import { listGroupsHandler } from "./list_groups.ts";
import { offsetCommitHandler } from "./offset_commit.ts";
import { offsetDeleteHandler } from "./offset_delete.ts";
import { offsetFetchHandler } from "./offset_fetch.ts";
import { syncGroupHandler } from "./sync_group.ts";
import { txnOffsetCommitHandler } from "./txn_offset_commit.ts";

/** The handlers by API key. */
export const handlers: ReadonlyMap<number, ApiHandler> = new Map([
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
  txnOffsetCommitHandler,
  consumerGroupHeartbeatHandler,
  consumerGroupDescribeHandler,
].map((handler) => [handler.api.key, handler]));
