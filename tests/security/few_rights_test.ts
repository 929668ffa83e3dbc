/**
 * A user with few rights, or none, tries to learn of others' resources, to get at them, and to be in the way.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import * as messages from "../../protocol/messages/mod.ts";
import { AclOperation, AclResourceType } from "../../protocol/messages/security/acl_types.ts";
import { AccessTarget } from "../support/security/access_target.ts";

const { topic, group } = AclResourceType;
const { describe, read } = AclOperation;

Deno.test("Fetch gives nothing of another user's session, and does not end it", async () => {
  await using target = await AccessTarget.start();
  const { admin, client, names } = target;
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
  const topics = [{ topic: names.topic, topicId: names.topicId, partitions }];
  for (const version of [12, 13]) {
    const fetch = (by: typeof admin, sessionId: number, sessionEpoch: number, of = topics) =>
      by.request(messages.fetch, version, {
        maxWaitMs: 0,
        minBytes: 0,
        sessionId,
        sessionEpoch,
        topics: of,
      });
    const { sessionId } = await fetch(admin, 0, 0);
    assert(sessionId !== 0);
    for (const epoch of [1, 2]) {
      const stolen = await fetch(client, sessionId, epoch, []);
      assertEquals(stolen.errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
      assertEquals(stolen.responses, []);
    }
    await fetch(client, sessionId, -1, []);
    await fetch(client, sessionId, 0);
    assertEquals((await fetch(admin, sessionId, 1, [])).errorCode, ErrorCode.NONE);
  }
});

Deno.test("ConsumerGroupHeartbeat refuses very many topics before it asks about each", async () => {
  await using target = await AccessTarget.start();
  const { client, names } = target;
  await target.setRules([...target.exactly([read, group]), ...target.exactly([describe, topic])]);
  const beat = (subscribedTopicNames: string[]) =>
    client.request(messages.consumerGroupHeartbeat, 1, {
      groupId: names.group,
      memberId: "m",
      memberEpoch: 0,
      rebalanceTimeoutMs: 30_000,
      subscribedTopicNames,
      topicPartitions: [],
    });
  const { errorCode, errorMessage } = await beat(Array(10_001).fill(names.topic));
  assertEquals(errorCode, ErrorCode.INVALID_REQUEST);
  assertEquals(errorMessage, "Cannot subscribe to 10001 topics: the limit is 10000");
  // Which topics they are makes no difference.
  assertEquals((await beat(Array(10_001).fill("secret"))).errorMessage, errorMessage);
  assertEquals(
    (await beat([names.topic, "secret"])).errorCode,
    ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  );
});
