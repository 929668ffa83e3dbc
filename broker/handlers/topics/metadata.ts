/**
 * Metadata: brokers, topics, partitions and their leaders. Versions 0 to 13.
 *
 * `null` topics select all, as does an empty list in version 0; from version 1 an empty list
 * selects none. An unknown topic is created if both the client and `auto.create.topics.enable`
 * allow it, and returned with its leaders, because not every client retries after
 * UNKNOWN_TOPIC_OR_PARTITION. Topics are in request order; duplicates are returned once, as in
 * Kafka. Topics for which response memory is insufficient are answered with INVALID_REQUEST.
 *
 * From version 12 topics can be requested by id; versions 10 and 11 only return ids. From version 8
 * a client can request authorized operations (KIP-430), up to version 10 also those of the cluster.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { metadata } from "../../../protocol/messages/topics/metadata.ts";
import type { RequestOf, ResponseTo } from "../../../protocol/schema/schema.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { ResponseBudget } from "../response_budget.ts";
import { errorCodeOf } from "../../api_error.ts";
import { forwardCreation } from "../../cluster/forwarded_creation.ts";
import { clusterOperations, topicOperations } from "../authorized_operations.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { authorize, inHandler, mayDo, mayDoOnCluster, rule } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { mapEach } from "../each_item.ts";
import { isInternalTopic } from "../../topics/topic_name.ts";
import type { Topic } from "../../topics/topic.ts";
import { controllerOf } from "../cluster/controller_of.ts";
import { reachableBrokers } from "../cluster/reachable_brokers.ts";
import { partitionMetadata } from "./partition_metadata.ts";

type Request = RequestOf<typeof metadata>;
type Response = ResponseTo<typeof metadata>;
type TopicMetadata = Response["topics"][number];

const FIRST_VERSION_BY_TOPIC_ID = 12;
const FIRST_VERSION_WITH_LISTENER_NOT_FOUND = 6;

/** Maximum number of topics created by one request. */
const MAX_CREATED = 1000;

/** Errors of creating a topic while the controller is away. Clients retry LEADER_NOT_AVAILABLE. */
const LACKS_CONTROLLER: ReadonlySet<number> = new Set([
  ErrorCode.NOT_CONTROLLER,
  ErrorCode.REQUEST_TIMED_OUT,
]);

/** Upper bounds of the encoded sizes of parts of the response. */
const TOPIC_BYTES = 300;
const PARTITION_BYTES = 40;
const REPLICA_BYTES = 4;

/** Serves Metadata. */
export const metadataHandler: ApiHandler = handler(
  metadata,
  handleMetadata,
  inHandler(
    rule(AclOperation.describe, AclResourceType.topic, "item"),
    rule(AclOperation.describe, AclResourceType.topic, "shown"),
    rule(AclOperation.create, AclResourceType.cluster, "instead"),
    rule(AclOperation.create, AclResourceType.topic, "item"),
    rule(AclOperation.describe, AclResourceType.cluster, "shown"),
  ),
);

async function handleMetadata(request: Request, context: RequestContext): Promise<Response> {
  const { cluster } = context.broker;
  const topics = await describeTopics(request, context);
  return {
    brokers: reachableBrokers(context).map(({ id, ...where }) => ({ nodeId: id, ...where })),
    clusterId: cluster.clusterId,
    controllerId: controllerOf(context),
    topics: request.includeTopicAuthorizedOperations
      ? await mapEach(topics, (topic) => withOperations(topic, context))
      : topics,
    ...(request.includeClusterAuthorizedOperations
      ? { clusterAuthorizedOperations: clusterOperations(context) }
      : {}),
  };
}

function withOperations(topic: TopicMetadata, context: RequestContext): TopicMetadata {
  // Those of a missing topic are told, too, to a client that may describe it.
  const { TOPIC_AUTHORIZATION_FAILED } = ErrorCode;
  if (topic.name === null || topic.errorCode === TOPIC_AUTHORIZATION_FAILED) return topic;
  return { ...topic, topicAuthorizedOperations: topicOperations(context, topic.name!) };
}

async function describeTopics(request: Request, context: RequestContext): Promise<TopicMetadata[]> {
  const wantsAll = request.topics === null ||
    (context.apiVersion === 0 && request.topics.length === 0);
  const found = wantsAll
    ? new Set(await visible(context))
    : await find(request.topics!, request, context);
  const budget = new ResponseBudget(context);
  const described = await mapEach([...found], (topic): Topic | TopicMetadata => {
    if (!isTopic(topic)) {
      budget.reserve(TOPIC_BYTES);
      return topic;
    }
    return budget.reserve(sizeOf(topic)) ? topic : tooLarge(topic);
  });
  await budget.claim();
  return await mapEach(described, (topic) => isTopic(topic) ? describe(topic, context) : topic);
}

/** The topics that the client may know of. */
async function visible(context: RequestContext): Promise<Iterable<Topic>> {
  const { authorizer, topics } = context.broker;
  if (authorizer.isOpen) return topics.all();
  const found: Topic[] = [];
  const slice = new TimeSlice();
  for (const topic of topics.all()) {
    if (mayDo(context, AclOperation.describe, AclResourceType.topic, topic.name)) found.push(topic);
    if (slice.isOver) await slice.pause();
  }
  return found;
}

/** The requested topics without duplicates, or the error of those that do not exist. */
async function find(
  asked: NonNullable<Request["topics"]>,
  request: Request,
  context: RequestContext,
): Promise<Set<Topic | TopicMetadata>> {
  const { topics } = context.broker;
  const found = new Set<Topic | TopicMetadata>();
  const seen = new Set<string>();
  const creation = { left: MAX_CREATED };
  const slice = new TimeSlice();
  for (const { topicId, name } of asked) {
    if (slice.isOver) await slice.pause();
    const byId = topicId !== ZERO_UUID && context.apiVersion >= FIRST_VERSION_BY_TOPIC_ID;
    const key = byId ? `id ${topicId}` : `name ${name}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const known = byId ? topics.byId(topicId) : undefined;
    if (byId && known === undefined) found.add(unknownId(topicId));
    else if (!byId && name === null) {
      found.add({ errorCode: ErrorCode.INVALID_REQUEST, name: "", topicId, partitions: [] });
    } else if (
      !authorize(context, AclOperation.describe, AclResourceType.topic, known?.name ?? name!)
    ) {
      found.add(byId ? denied(null, topicId) : denied(name, ZERO_UUID));
    } else found.add(known ?? topics.get(name!) ?? await create(name!, request, creation, context));
  }
  return found;
}

/** Creates a missing topic, if allowed. */
async function create(
  name: string,
  { allowAutoTopicCreation }: Request,
  creation: { left: number },
  context: RequestContext,
): Promise<Topic | TopicMetadata> {
  const { broker } = context;
  const isWanted = allowAutoTopicCreation && broker.config.get("auto.create.topics.enable");
  if (isWanted && !mayCreate(name, context)) return denied(name, ZERO_UUID);
  const isAllowed = allowAutoTopicCreation && creation.left > 0;
  try {
    const topic = await broker.topics.autoCreate(
      name,
      isAllowed,
      () => forwardCreation(broker.forwarding, name, context),
    );
    creation.left--;
    // The controller records what others forward to it.
    if (broker.cluster.isController()) {
      broker.audit.record({
        event: "change",
        session: context.session,
        clientId: context.clientId,
        api: metadata.name,
        resourceType: "TOPIC",
        resource: name,
        after: { partitions: topic.partitions.length },
      });
    }
    return topic;
  } catch (error) {
    const errorCode = errorCodeOf(error, broker.logger);
    if (!LACKS_CONTROLLER.has(errorCode)) return { errorCode, name, partitions: [] };
    // A wait for each of the other topics would add up.
    creation.left = 0;
    return { errorCode: ErrorCode.LEADER_NOT_AVAILABLE, name, partitions: [] };
  }
}

function mayCreate(name: string, context: RequestContext): boolean {
  return mayDoOnCluster(context, AclOperation.create) ||
    authorize(context, AclOperation.create, AclResourceType.topic, name);
}

function isTopic(topic: Topic | TopicMetadata): topic is Topic {
  return !("errorCode" in topic);
}

/** Upper bound of the encoded size of a topic. */
function sizeOf({ state: { partitions } }: Topic): number {
  const replicas = partitions[0]?.replicas.length ?? 0;
  return TOPIC_BYTES + partitions.length * (PARTITION_BYTES + 2 * REPLICA_BYTES * replicas);
}

function tooLarge({ name, id }: Topic): TopicMetadata {
  return { errorCode: ErrorCode.INVALID_REQUEST, name, topicId: id, partitions: [] };
}

function denied(name: string | null, topicId: string): TopicMetadata {
  const isInternal = name !== null && isInternalTopic(name);
  const errorCode = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  return { errorCode, name, topicId, isInternal, partitions: [] };
}

function unknownId(topicId: string): TopicMetadata {
  return { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] };
}

function describe(
  { name, id, isInternal, state }: Topic,
  { apiVersion, broker: { cluster }, session: { listener } }: RequestContext,
): TopicMetadata {
  const knowsListeners = apiVersion >= FIRST_VERSION_WITH_LISTENER_NOT_FOUND;
  return {
    errorCode: ErrorCode.NONE,
    name,
    topicId: id,
    isInternal,
    partitions: state.partitions.map((partition, index) =>
      partitionMetadata(index, partition, cluster, listener, knowsListeners)
    ),
  };
}
