/**
 * CreatePartitions: adds partitions to topics (KIP-195). Versions 0 to 3.
 *
 * The number of partitions can only grow. Results are in request order (Kafka guarantees none).
 * Version 2 is flexible, 3 may be throttled (KIP-599).
 *
 * @module
 */

import {
  createPartitions,
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
} from "../../../protocol/messages/topics/create_partitions.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { eachItem } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { awaitEach, byName, CHANGES_AT_ONCE } from "../each_item.ts";
import { duplicate, failure, type Outcome, SUCCESS } from "../outcome.ts";
import { MutationQuota } from "./mutation_quota.ts";
import { withinTimeout } from "../within_timeout.ts";

type TopicRequest = CreatePartitionsRequest["topics"][number];

/** The first version in which topics beyond the quota of changes are refused (KIP-599). */
const FIRST_STRICT_VERSION = 3;

/** Serves CreatePartitions. */
export const createPartitionsHandler: ApiHandler = handler(
  createPartitions,
  handleCreatePartitions,
  eachItem(createPartitions, "topics", "results", {
    operation: AclOperation.alter,
    resourceType: AclResourceType.topic,
    nameOf: ({ name }) => name,
    denied: ({ name }, errorCode) => ({ name, errorCode, errorMessage: null }),
  }),
);

async function handleCreatePartitions(
  request: CreatePartitionsRequest,
  context: RequestContext,
): Promise<CreatePartitionsResponse> {
  const topics = await byName(request.topics, ({ name }) => name);
  const quota = new MutationQuota(context, FIRST_STRICT_VERSION);
  const results = await awaitEach([...topics.values()], async ({ item: topic, count }) => ({
    name: topic.name,
    ...(count > 1
      ? duplicate(`topic "${topic.name}"`)
      : await grow(topic, request, quota, context)),
  }), CHANGES_AT_ONCE);
  return { results, throttleTimeMs: quota.throttleTimeMs };
}

async function grow(
  { name, count, assignments }: TopicRequest,
  { validateOnly, timeoutMs }: CreatePartitionsRequest,
  quota: MutationQuota,
  context: RequestContext,
): Promise<Outcome> {
  const assignment = assignments?.map(({ brokerIds }) => brokerIds) ?? null;
  const { topics } = context.broker;
  const change = () => topics.createPartitions(name, count, assignment, { validateOnly });
  try {
    const added = Math.max(0, count - (topics.get(name)?.partitions.length ?? count));
    await withinTimeout(
      quota.spend(added, change),
      timeoutMs,
      context,
    );
    return SUCCESS;
  } catch (error) {
    return failure(error, context);
  }
}
