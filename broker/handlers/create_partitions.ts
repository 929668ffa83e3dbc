/**
 * CreatePartitions: grows topics (KIP-195). Versions 0 to 3.
 *
 * A topic can only grow. Each is answered, in the order of the request (Kafka answers in none).
 * Version 2 is flexible, 3 may be throttled (KIP-599).
 *
 * @module
 */

import {
  createPartitions,
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
} from "../../protocol/messages/create_partitions.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { duplicate, duplicatesOf, failure, type Outcome, SUCCESS } from "./outcome.ts";
import { withinTimeout } from "./within_timeout.ts";

type TopicRequest = CreatePartitionsRequest["topics"][number];

/** Serves CreatePartitions. */
export const createPartitionsHandler: ApiHandler = handler(
  createPartitions,
  handleCreatePartitions,
);

async function handleCreatePartitions(
  request: CreatePartitionsRequest,
  context: RequestContext,
): Promise<CreatePartitionsResponse> {
  const duplicates = duplicatesOf(request.topics.map(({ name }) => name));
  const byName = new Map(request.topics.map((topic) => [topic.name, topic]));
  const results = [...byName.values()].map(async (topic) => ({
    name: topic.name,
    ...(duplicates.has(topic.name)
      ? duplicate(`topic "${topic.name}"`)
      : await grow(topic, request, context)),
  }));
  return { results: await Promise.all(results) };
}

async function grow(
  { name, count, assignments }: TopicRequest,
  { validateOnly, timeoutMs }: CreatePartitionsRequest,
  context: RequestContext,
): Promise<Outcome> {
  const assignment = assignments?.map(({ brokerIds }) => brokerIds) ?? null;
  const { topics } = context.broker;
  try {
    const grown = topics.createPartitions(name, count, assignment, { validateOnly });
    await withinTimeout(grown, timeoutMs, context);
    return SUCCESS;
  } catch (error) {
    return failure(error, context);
  }
}
