import { assertEquals, assertThrows } from "@std/assert";
import { MalformedMessageError } from "../../../protocol/primitives/reader.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  type RecordOf,
  UnknownRecordError,
} from "./group_record.ts";

const TOPIC_ID = "AAECAwQFBgcICQoLDA0ODw";

const bytes = (...values: number[]) => Uint8Array.from(values);

const offset: RecordOf<"offsetCommit"> = {
  kind: "offsetCommit",
  key: { group: "g", topic: "tp", partition: 3 },
  value: {
    offset: 258,
    leaderEpoch: 5,
    metadata: "m",
    commitTimestamp: 1,
    expireTimestamp: -1,
    topicId: ZERO_UUID,
  },
};

Deno.test("encodeGroupRecord() writes offsets in version 4, with the topic id in a tag", () => {
  const { key, value } = encodeGroupRecord(offset);
  // deno-fmt-ignore
  assertEquals(key, bytes(0, 1, 0, 1, 103, 0, 2, 116, 112, 0, 0, 0, 3));
  // deno-fmt-ignore
  assertEquals(
    value,
    bytes(0, 4, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 5, 2, 109, 0, 0, 0, 0, 0, 0, 0, 1, 0),
  );
  const withId = encodeGroupRecord({ ...offset, value: { ...offset.value!, topicId: TOPIC_ID } });
  // deno-fmt-ignore
  assertEquals(
    withId.value!.subarray(-20),
    bytes(1, 1, 0, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15).with(0, 1),
  );
});

Deno.test("encodeGroupRecord() writes offsets in version 1 if they have an expiry time", () => {
  const expiring = { ...offset, value: { ...offset.value!, expireTimestamp: 2 } };
  const record = encodeGroupRecord(expiring);
  // deno-fmt-ignore
  assertEquals(
    record.value,
    bytes(0, 1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 1, 109, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2),
  );
  const decoded = decodeGroupRecord(record.key, record.value);
  assertEquals(decoded, { ...expiring, value: { ...expiring.value, leaderEpoch: -1 } });
});

Deno.test("encodeGroupRecord() writes classic groups in version 3", () => {
  const { key, value } = encodeGroupRecord({
    kind: "classicGroup",
    key: { group: "g" },
    value: {
      protocolType: "consumer",
      generation: 7,
      protocol: null,
      leader: null,
      currentStateTimestamp: 1,
      members: [],
    },
  });
  assertEquals(key, bytes(0, 2, 0, 1, 103));
  // deno-fmt-ignore
  assertEquals(
    value,
    bytes(
      0, 3, 0, 8, 99, 111, 110, 115, 117, 109, 101, 114, 0, 0, 0, 7, 255, 255, 255, 255,
      0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
    ),
  );
});

Deno.test("decodeGroupRecord() decodes what encodeGroupRecord() wrote, including tombstones", async (t) => {
  const topicPartitions = [{ topicId: TOPIC_ID, partitions: [0, 2] }];
  const member = { groupId: "g", memberId: "m" };
  const records: GroupRecord[] = [
    offset,
    {
      kind: "classicGroup",
      key: { group: "g" },
      value: {
        protocolType: "consumer",
        generation: 7,
        protocol: "range",
        leader: "m",
        currentStateTimestamp: 1_700_000_000_000,
        members: [{
          memberId: "m",
          groupInstanceId: "i",
          clientId: "c",
          clientHost: "/127.0.0.1",
          rebalanceTimeout: 60_000,
          sessionTimeout: 10_000,
          subscription: bytes(1, 2),
          assignment: bytes(),
        }],
      },
    },
    { kind: "consumerGroup", key: { groupId: "g" }, value: { epoch: 3, metadataHash: 2 ** 40 } },
    {
      kind: "consumerPartitions",
      key: { groupId: "g" },
      value: {
        topics: [{
          topicId: TOPIC_ID,
          topicName: "t",
          numPartitions: 1,
          partitionMetadata: [{ partition: 0, racks: ["r"] }],
        }],
      },
    },
    {
      kind: "consumerMember",
      key: member,
      value: {
        instanceId: null,
        rackId: "r",
        clientId: "c",
        clientHost: "/h",
        subscribedTopicNames: ["a", "b"],
        subscribedTopicRegex: null,
        rebalanceTimeoutMs: 5,
        serverAssignor: "uniform",
        classicMemberMetadata: {
          sessionTimeoutMs: 6,
          supportedProtocols: [{ name: "range", metadata: bytes(9) }],
        },
      },
    },
    { kind: "consumerTarget", key: { groupId: "g" }, value: { assignmentEpoch: 3 } },
    { kind: "consumerTargetMember", key: member, value: { topicPartitions } },
    {
      kind: "consumerCurrentMember",
      key: member,
      value: {
        memberEpoch: 3,
        previousMemberEpoch: 2,
        state: 1,
        assignedPartitions: topicPartitions,
        partitionsPendingRevocation: [],
      },
    },
    {
      kind: "consumerRegex",
      key: { groupId: "g", regularExpression: "a.*" },
      value: { topics: ["ab"], version: 4, timestamp: 5 },
    },
  ];
  for (const record of records) {
    await t.step(record.kind, () => {
      const { key, value } = encodeGroupRecord(record);
      assertEquals(decodeGroupRecord(key, value), record);
      const tombstone = { ...record, value: null } as GroupRecord;
      const encoded = encodeGroupRecord(tombstone);
      assertEquals(encoded.value, null);
      assertEquals(decodeGroupRecord(encoded.key, null), tombstone);
    });
  }
});

Deno.test("decodeGroupRecord() distinguishes records of later versions from malformed ones", () => {
  const { key, value } = encodeGroupRecord(offset);
  assertThrows(() => decodeGroupRecord(bytes(0, 99, 0, 0), value), UnknownRecordError, "type 99");
  assertThrows(() => decodeGroupRecord(key, bytes(0, 5, 0, 0)), UnknownRecordError, "version is 5");
  assertThrows(() => decodeGroupRecord(key, bytes(255, 255)), MalformedMessageError);
  for (let size = 0; size < value!.length; size++) {
    assertThrows(() => decodeGroupRecord(key, value!.subarray(0, size)), MalformedMessageError);
  }
  for (let size = 0; size < key.length; size++) {
    assertThrows(() => decodeGroupRecord(key.subarray(0, size), null), MalformedMessageError);
  }
});
