import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { batchOf, TestBroker, transactionalBatchOf } from "../../broker_testing.ts";
import { ProtocolViolationError } from "../../protocol_violation_error.ts";
import { type Asked, TestAuthorizer } from "../../security/authorizer_testing.ts";
import { fetchHandler } from "./fetch.ts";
import { produceHandler } from "./produce.ts";

const { TOPIC_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_AUTHORIZATION_FAILED } = ErrorCode;
const isOfTopic = ({ resourceType }: Asked) => resourceType === AclResourceType.topic;

async function start(authorizer: TestAuthorizer, partitions = 1): Promise<TestBroker> {
  const broker = await TestBroker.start({ authorizer: () => authorizer });
  await broker.createTopic("a", { partitions });
  await broker.createTopic("b");
  return broker;
}

Deno.test("Fetch of a thousand partitions asks once for each topic", async () => {
  const authorizer = new TestAuthorizer();
  await using broker = await start(authorizer, 1000);
  const request = {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{
      topic: "a",
      partitions: Array.from({ length: 1000 }, (_, partition) => ({
        partition,
        fetchOffset: 0,
        partitionMaxBytes: 100,
      })),
    }],
  };
  const { responses } = await broker.call(fetch, fetchHandler, 12, request);
  const codes = new Set(responses[0]!.partitions.map(({ errorCode }) => errorCode));
  assertEquals([...codes], [TOPIC_AUTHORIZATION_FAILED]);
  assertEquals([authorizer.count, authorizer.denials.length], [1, 1]);
  // And never while everyone may do everything.
  authorizer.isOpen = true;
  await broker.call(fetch, fetchHandler, 12, request);
  assertEquals(authorizer.count, 1);
});

Deno.test("Fetch as a replica is refused to clients, whatever they may read (CVE-2018-1288)", async () => {
  const authorizer = new TestAuthorizer(isOfTopic);
  await using broker = await start(authorizer);
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }];
  const topics = [{ topic: "a", topicId: broker.topics.get("a")!.id, partitions }];
  for (const version of [12, 17]) {
    const { responses, sessionId } = await broker.call(fetch, fetchHandler, version, {
      maxWaitMs: 0,
      minBytes: 0,
      topics,
      ...(version < 15 ? { replicaId: 1 } : { replicaState: { replicaId: 1, replicaEpoch: 1 } }),
    });
    const { errorCode } = responses[0]!.partitions[0]!;
    assertEquals([errorCode, sessionId], [TOPIC_AUTHORIZATION_FAILED, 0], `version ${version}`);
  }
});

Deno.test("Produce needs the transactional id if any batch is transactional (CVE-2018-17196)", async () => {
  const authorizer = new TestAuthorizer(isOfTopic);
  await using broker = await start(authorizer);
  const dataOf = (name: string, records: Uint8Array) => ({
    name,
    partitionData: [{ index: 0, records }],
  });
  const plain = batchOf(["x"]).bytes;
  const transactional = transactionalBatchOf(["x"], { producerId: 7 }).bytes;
  const send = async (transactionalId: string | null, second: Uint8Array) => {
    const { responses } = await broker.call(produce, produceHandler, 11, {
      transactionalId,
      acks: -1,
      timeoutMs: 1000,
      topicData: [dataOf("a", plain), dataOf("b", second)],
    });
    return responses.map(({ partitionResponses: [of] }) => of!.errorCode);
  };
  const denied = TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  assertEquals(await send("t", transactional), [denied, denied]);
  assertEquals(await send(null, transactional), [denied, denied]);
  assertEquals(broker.topics.partition("a", 0)!.logEndOffset, 0);
  // The id alone does not count.
  assertEquals(await send("t", plain), [ErrorCode.NONE, ErrorCode.NONE]);
  authorizer.allows = ({ resourceType, name }) =>
    resourceType === AclResourceType.topic && name === "a";
  assertEquals(await send(null, plain), [ErrorCode.NONE, TOPIC_AUTHORIZATION_FAILED]);
  assertEquals(authorizer.denials.at(-1)?.operation, AclOperation.write);
});

Deno.test("Produce with acks=0 to a topic that the client may not write to ends the connection", async () => {
  await using broker = await start(new TestAuthorizer());
  const topicData = [{ name: "a", partitionData: [{ index: 0, records: batchOf(["x"]).bytes }] }];
  const request = { acks: 0, timeoutMs: 1000, topicData };
  const sent = () => broker.call(produce, produceHandler, 11, request);
  await assertRejects(sent, ProtocolViolationError);
  assertEquals(broker.topics.partition("a", 0)!.logEndOffset, 0);
});
