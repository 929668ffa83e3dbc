/**
 * Tests of requests about groups that do not exist or have an empty name. The expected answers are those of
 * Kafka 4.2 to the same requests.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import * as messages from "../../protocol/messages/mod.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { createTopic } from "../support/protocol/requests.ts";

const UNKNOWN = "unknown";
const NAMELESS = "";
const { GROUP_ID_NOT_FOUND, INVALID_GROUP_ID, UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, NONE } =
  ErrorCode;

/** Runs `use` on a connection to a broker with a loaded coordinator and a topic `t`. */
async function withCoordinator(use: (connection: RawConnection) => Promise<void>): Promise<void> {
  await using local = await LocalBroker.start({ config: { "offsets.topic.num.partitions": 1 } });
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "t");
  const isReady = async () => {
    await connection.request(messages.findCoordinator, 4, { coordinatorKeys: [UNKNOWN] });
    const { groups } = await connection.request(messages.describeGroups, 0, { groups: [UNKNOWN] });
    return groups[0]!.errorCode === NONE;
  };
  while (!await isReady());
  await use(connection);
}

Deno.test("DescribeGroups answers an unknown group as dead, and from version 6 with an error", async () => {
  await withCoordinator(async (connection) => {
    for (let version = 0; version <= 6; version++) {
      const { groups } = await connection.request(messages.describeGroups, version, {
        groups: [UNKNOWN, NAMELESS],
      });
      const found = groups.map(({ groupId, groupState, errorCode, errorMessage, members }) => {
        assertEquals(members, []);
        return [groupId, groupState, errorCode, errorMessage];
      });
      const outcome = (name: string) =>
        version < 6 ? [NONE, null] : [GROUP_ID_NOT_FOUND, `Group ${name} not found.`];
      assertEquals(found, [
        [UNKNOWN, "Dead", ...outcome(UNKNOWN)],
        [NAMELESS, "Dead", ...outcome(NAMELESS)],
      ]);
    }
  });
});

Deno.test("ConsumerGroupDescribe answers unknown groups and empty names with errors", async () => {
  await withCoordinator(async (connection) => {
    for (const version of [0, 1]) {
      const { groups } = await connection.request(messages.consumerGroupDescribe, version, {
        groupIds: [UNKNOWN, NAMELESS],
      });
      const found = groups.map(({ groupId, errorCode, errorMessage }) => [
        groupId,
        errorCode,
        errorMessage,
      ]);
      assertEquals(found, [
        [UNKNOWN, GROUP_ID_NOT_FOUND, "Group unknown not found."],
        [NAMELESS, INVALID_GROUP_ID, "The group id is invalid."],
      ]);
    }
  });
});

Deno.test("DeleteGroups and OffsetDelete answer unknown groups with errors", async () => {
  await withCoordinator(async (connection) => {
    for (const version of [0, 1, 2]) {
      const { results } = await connection.request(messages.deleteGroups, version, {
        groupsNames: [UNKNOWN, NAMELESS, UNKNOWN],
      });
      assertEquals(results, [
        { groupId: UNKNOWN, errorCode: GROUP_ID_NOT_FOUND },
        { groupId: NAMELESS, errorCode: GROUP_ID_NOT_FOUND },
      ]);
    }
    const offsetDelete = async (groupId: string) => {
      const topics = [{ name: "t", partitions: [{ partitionIndex: 0 }] }];
      const answer = await connection.request(messages.offsetDelete, 0, { groupId, topics });
      return [answer.errorCode, answer.topics];
    };
    assertEquals(await offsetDelete(UNKNOWN), [GROUP_ID_NOT_FOUND, []]);
    assertEquals(await offsetDelete(NAMELESS), [INVALID_GROUP_ID, []]);
  });
});

Deno.test("OffsetFetch answers an unknown group with no offsets and no error, in every version", async () => {
  await withCoordinator(async (connection) => {
    for (const groupId of [UNKNOWN, NAMELESS]) {
      for (let version = 1; version <= 9; version++) {
        const topics = [{ name: "t", partitionIndexes: [0] }, { name: "u", partitionIndexes: [0] }];
        const group = { groupId, topics, memberId: null, memberEpoch: -1 };
        const answer = await connection.request(
          messages.offsetFetch,
          version,
          version < 8 ? { groupId, topics } : { groups: [group] },
        );
        const found = version < 8 ? answer : answer.groups[0]!;
        assertEquals(found.errorCode, NONE);
        const offsets = found.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ committedOffset, errorCode }) => [name, committedOffset, errorCode])
        );
        assertEquals(offsets, [["t", -1, NONE], ["u", -1, NONE]]);
      }
    }
  });
});

Deno.test("Member requests answer unknown groups with UNKNOWN_MEMBER_ID and empty names with INVALID_GROUP_ID", async (t) => {
  await withCoordinator(async (connection) => {
    const member = { generationId: 1, memberId: "m" };
    const protocols = [{ name: "range", metadata: new Uint8Array(0) }];
    const joining = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, protocols };
    const cases: Record<string, (groupId: string) => Promise<number>> = {
      Heartbeat: async (groupId) =>
        (await connection.request(messages.heartbeat, 4, { groupId, ...member })).errorCode,
      SyncGroup: async (groupId) =>
        (await connection.request(messages.syncGroup, 4, { groupId, ...member })).errorCode,
      JoinGroup: async (groupId) =>
        (await connection.request(messages.joinGroup, 5, {
          groupId,
          memberId: "m",
          protocolType: "consumer",
          ...joining,
        })).errorCode,
      "LeaveGroup, version 2": async (groupId) =>
        (await connection.request(messages.leaveGroup, 2, { groupId, memberId: "m" })).errorCode,
      "LeaveGroup, version 5": async (groupId) => {
        const members = [{ memberId: "m" }];
        const answer = await connection.request(messages.leaveGroup, 5, { groupId, members });
        return answer.errorCode || answer.members[0]!.errorCode;
      },
    };
    for (const [name, codeOf] of Object.entries(cases)) {
      await t.step(name, async () => {
        assertEquals(await codeOf(UNKNOWN), UNKNOWN_MEMBER_ID);
        assertEquals(await codeOf(NAMELESS), INVALID_GROUP_ID);
      });
    }
  });
});

Deno.test("ConsumerGroupHeartbeat refuses an empty group name, and a member epoch in an unknown group", async () => {
  await withCoordinator(async (connection) => {
    const beat = async (groupId: string, memberEpoch: number) => {
      const request = { groupId, memberId: "m", memberEpoch };
      const answer = await connection.request(messages.consumerGroupHeartbeat, 1, request);
      return [answer.errorCode, answer.errorMessage];
    };
    assertEquals(await beat(NAMELESS, 0), [ErrorCode.INVALID_REQUEST, "GroupId can't be empty."]);
    for (const memberEpoch of [5, -1]) {
      assertEquals(await beat(UNKNOWN, memberEpoch), [
        GROUP_ID_NOT_FOUND,
        "Group unknown is not a consumer group.",
      ]);
    }
  });
});

Deno.test("OffsetCommit refuses a generation in an unknown group, and creates a group without one", async () => {
  await withCoordinator(async (connection) => {
    const commit = async (version: number, groupId: string, generation: number, memberId = "") => {
      const partitions = [{ partitionIndex: 0, committedOffset: 1 }];
      const { topics } = await connection.request(messages.offsetCommit, version, {
        groupId,
        generationIdOrMemberEpoch: generation,
        memberId,
        topics: [{ name: "t", partitions }],
      });
      return topics[0]!.partitions[0]!.errorCode;
    };
    for (let version = 2; version <= 9; version++) {
      const expected = version < 9 ? ILLEGAL_GENERATION : GROUP_ID_NOT_FOUND;
      assertEquals(await commit(version, UNKNOWN, 3, "m"), expected);
      assertEquals(await commit(version, `new-${version}`, -1), NONE);
      assertEquals(await commit(version, NAMELESS, -1), NONE);
    }
  });
});
