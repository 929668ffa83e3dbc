import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import {
  consumerGroupHeartbeat,
  type ConsumerGroupHeartbeatResponse,
} from "../../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { offsetCommit } from "../../../protocol/messages/mod.ts";
import { KafkaError } from "../../errors.ts";
import { texts, write } from "../../testing/client_setup.ts";
import { DISCONNECT } from "../../testing/fake_cluster.ts";
import { pollAll, setupModernGroup } from "../../testing/group_setup.ts";

function refusal(errorCode: number): ConsumerGroupHeartbeatResponse {
  return { errorCode, memberEpoch: 0, heartbeatIntervalMs: 0 };
}

Deno.test("ModernMembership takes and revokes partitions of the target, and reports it", async () => {
  await using test = setupModernGroup();
  await test.consumer.joinGroup();
  assertEquals(test.consumer.assignment, [{ topic: "a", partition: 0 }]);
  test.group.assign(1);
  await test.until(() => test.events.length === 3);
  assertEquals(test.events, ["assigned 1", "revoked 1", "assigned 1"]);
  while (test.group.owned[0] !== 1) await test.untilBeats(1);
  write(test.cluster, "a", 1, ["x"]);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["x"]);
  const [join, second] = test.cluster.received(consumerGroupHeartbeat);
  assertEquals([join!.body.memberEpoch, join!.body.topicPartitions], [0, []]);
  assertEquals([second!.body.memberEpoch, second!.body.subscribedTopicNames], [1, null]);
});

Deno.test("ModernMembership reports everything after a lost response", async () => {
  await using test = setupModernGroup();
  await test.consumer.joinGroup();
  await test.untilBeats(1);
  test.group.assign(0, 1);
  test.cluster.once(consumerGroupHeartbeat, (request, { nodeId }) => {
    test.group.answer(request, nodeId);
    return DISCONNECT;
  });
  await test.until(({ state }) => state === "retrying");
  await test.until(({ state }) => state === "reading");
  assertEquals(test.consumer.assignment.length, 2);
  assertEquals(test.events, ["assigned 1", "assigned 1"]);
  while (test.group.owned.length !== 2) await test.untilBeats(1);
});

Deno.test("ModernMembership drops its partitions and rejoins when it is fenced or unknown", async (t) => {
  for (const code of ["FENCED_MEMBER_EPOCH", "UNKNOWN_MEMBER_ID"] as const) {
    await t.step(code, async () => {
      await using test = setupModernGroup();
      await test.consumer.joinGroup();
      const { memberId } = test.consumer.status;
      test.cluster.once(consumerGroupHeartbeat, () => refusal(ErrorCode[code]));
      await test.until(() => test.events.length === 3);
      assertEquals(test.events, ["assigned 1", "lost 1", "assigned 1"]);
      await test.until(({ state }) => state === "reading");
      assertEquals(test.consumer.status.memberId, memberId);
      assertEquals(test.consumer.status.generation, 2);
    });
  }
});

Deno.test("ModernMembership waits until its instance id is released (KIP-345)", async () => {
  await using test = setupModernGroup({ groupInstanceId: "one" });
  test.cluster.once(
    consumerGroupHeartbeat,
    () => refusal(ErrorCode.UNRELEASED_INSTANCE_ID),
  );
  await test.consumer.joinGroup();
  assertEquals(test.events, ["assigned 1"]);
  await test.consumer.close();
  const last = test.cluster.received(consumerGroupHeartbeat).at(-1)!.body;
  assertEquals([last.memberEpoch, last.instanceId], [-2, "one"]);
});

Deno.test("ModernMembership fails when the coordinator refuses it permanently", async () => {
  await using test = setupModernGroup({ serverAssignor: "best" });
  test.cluster.once(consumerGroupHeartbeat, (request, { nodeId }) => {
    assertEquals(request.serverAssignor, "best");
    assertEquals(nodeId, 0);
    return { ...refusal(ErrorCode.UNSUPPORTED_ASSIGNOR), errorMessage: "There is none" };
  });
  const error = await assertRejects(() => test.consumer.joinGroup(), KafkaError, "There is none");
  assertEquals(error.code, "UNSUPPORTED_ASSIGNOR");
});

Deno.test("ModernMembership follows its coordinator to another broker", async () => {
  await using test = setupModernGroup();
  await test.consumer.joinGroup();
  test.group.coordinatorId = 1;
  await test.untilBeats(5);
  await test.until(({ state }) => state === "reading");
  assertEquals(test.cluster.received(consumerGroupHeartbeat).at(-1)!.nodeId, 1);
  assertEquals(test.events, ["assigned 1"]);
});

Deno.test("ModernMembership retries a commit with its new epoch when the old one is stale", async () => {
  await using test = setupModernGroup({ autoCommit: false });
  write(test.cluster, "a", 0, ["x"]);
  await pollAll(test.consumer, 1);
  const epoch = test.group.epoch;
  test.cluster.once(offsetCommit, ({ topics }) => {
    // The response to the heartbeat with the new epoch is in flight.
    test.group.bumpEpoch();
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: ErrorCode.STALE_MEMBER_EPOCH,
        })),
      })),
    };
  });
  await test.consumer.commit();
  assertEquals(test.group.committed.get("a-0"), 1);
  const last = test.cluster.received(offsetCommit).at(-1)!.body;
  assertEquals(last.generationIdOrMemberEpoch, epoch + 1);
});

Deno.test("ModernMembership reads a topic that was created again from its beginning", async () => {
  await using test = setupModernGroup();
  write(test.cluster, "a", 0, ["old", "older"]);
  assertEquals(texts(await pollAll(test.consumer, 2)), ["old", "older"]);
  test.cluster.createTopic("a", 2);
  write(test.cluster, "a", 0, ["new"]);
  test.group.assign(0);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["new"]);
});
