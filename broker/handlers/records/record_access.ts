/**
 * What clients may produce and fetch. Each topic is checked once for a request.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { produce } from "../../../protocol/messages/records/produce.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import type { RequestOf } from "../../../protocol/schema/schema.ts";
import type { Access, RequestContext } from "../../handler.ts";
import { authorize, inHandler, rule } from "../access/mod.ts";

const TOPIC_DENIED = ErrorCode.TOPIC_AUTHORIZATION_FAILED;

/** Positions in a batch: its format, and the attributes that say whether it is transactional. */
const MAGIC_AT = 16;
const MAGIC = 2;
const ATTRIBUTES_AT = 22;
const TRANSACTIONAL_MASK = 0x10;

/** What Produce checks. */
export const PRODUCE_ACCESS: Access = inHandler(
  rule(AclOperation.write, AclResourceType.transactionalId, "request"),
  rule(AclOperation.write, AclResourceType.topic, "item"),
);

/** What Fetch checks: replicas have to be brokers. */
export const FETCH_ACCESS: Access = inHandler(
  rule(AclOperation.clusterAction, AclResourceType.cluster, "item", TOPIC_DENIED),
  rule(AclOperation.read, AclResourceType.topic, "item"),
);

/** The error of what is produced to a topic; `undefined` if it is allowed. */
export type ProduceDenial = (topic: string | undefined) => number | undefined;

/**
 * What a client must not produce.
 *
 * @returns `undefined` while everything is allowed.
 */
export function produceDenial(
  request: RequestOf<typeof produce>,
  context: RequestContext,
): ProduceDenial | undefined {
  if (context.broker.authorizer.isOpen) return undefined;
  const { write } = AclOperation;
  const { topic, transactionalId } = AclResourceType;
  if (isTransactional(request)) {
    const id = request.transactionalId;
    if (id === null || !authorize(context, write, transactionalId, id)) {
      return () => ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    }
  }
  // A topic id that does not exist has no name.
  return (name) =>
    name === undefined || authorize(context, write, topic, name) ? undefined : TOPIC_DENIED;
}

/** Whether the batch of any partition is transactional. */
function isTransactional({ topicData }: RequestOf<typeof produce>): boolean {
  return topicData.some(({ partitionData }) =>
    partitionData.some(({ records }) =>
      records !== null && records.length > ATTRIBUTES_AT && records[MAGIC_AT] === MAGIC &&
      (records[ATTRIBUTES_AT]! & TRANSACTIONAL_MASK) !== 0
    )
  );
}

/** Whether a client may read a topic that it names, or gives the id of. */
export type MayFetch = (topic: string, topicId: string) => boolean;

/**
 * What a client may fetch.
 *
 * @returns `undefined` while everything is allowed.
 */
export function mayFetch(context: RequestContext): MayFetch | undefined {
  const { authorizer, topics } = context.broker;
  if (authorizer.isOpen) return undefined;
  const known = new Map<string, boolean>();
  return (topic, topicId) => {
    const key = topicId === ZERO_UUID ? topic : topicId;
    let isAllowed = known.get(key);
    if (isAllowed === undefined) {
      const name = topicId === ZERO_UUID ? topic : topics.byId(topicId)?.name;
      // A topic id that does not exist has no name.
      isAllowed = name === undefined ||
        authorize(context, AclOperation.read, AclResourceType.topic, name);
      known.set(key, isAllowed);
    }
    return isAllowed;
  };
}
