/**
 * Tests of how clients report features that this broker does not have or use.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { removeRaftVoter, shareAcknowledge } from "../../protocol/messages/mod.ts";
import { randomUuid } from "../../protocol/primitives/uuid.ts";
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  kafkaJs,
  ResourcePatternTypes,
} from "../support/clients/kafkajs.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { Admin, platformaticOptions } from "../support/clients/platformatic.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";

Deno.test("kafkajs's admin finds no reassignments and no ACLs", async () => {
  await using local = await LocalBroker.start();
  const admin = kafkaJs(local.address).admin();
  await admin.connect();
  try {
    await admin.createTopics({ topics: [{ topic: "orders", numPartitions: 2 }] });
    const reassign = (replicas: number[]) =>
      admin.alterPartitionReassignments({
        topics: [{ topic: "orders", partitionAssignment: [{ partition: 0, replicas }] }],
      });
    await reassign([1]);
    await assertRejects(() => reassign([7]), Error, "reassign");
    const { topics } = await admin.listPartitionReassignments({
      topics: [{ topic: "orders", partitions: [0, 1] }],
    });
    assertEquals(topics, []);
    const anything = {
      resourceType: AclResourceTypes.ANY,
      resourcePatternType: ResourcePatternTypes.ANY,
      operation: AclOperationTypes.ANY,
      permissionType: AclPermissionTypes.ANY,
    };
    assertEquals((await admin.describeAcls(anything)).resources, []);
  } finally {
    await admin.disconnect();
  }
});

Deno.test("platformatic's admin finds no quotas", async () => {
  await using local = await LocalBroker.start();
  const admin = new Admin(platformaticOptions(local.address));
  try {
    const quotas = await admin.describeClientQuotas(
      {
        components: [{ entityType: "user", matchType: 2, match: null }],
      } as unknown as Parameters<typeof admin.describeClientQuotas>[0],
    );
    assertEquals(quotas, []);
  } finally {
    await admin.close();
  }
});

Deno.test("Request of an unserved API is refused with the API's name, and the connection stays open", async () => {
  await using local = await LocalBroker.start();
  using connection = await RawConnection.connect(local.address);
  const voter = { clusterId: null, voterId: 9, voterDirectoryId: randomUuid() };
  for (let i = 0; i < 2; i++) {
    const answer = await connection.request(removeRaftVoter, 0, voter);
    assertEquals(answer.errorCode, ErrorCode.UNSUPPORTED_VERSION);
    assertStringIncludes(answer.errorMessage!, "RemoveRaftVoter");
  }
  const acknowledged = await connection.request(shareAcknowledge, 1, {
    groupId: "g",
    memberId: "m",
    shareSessionEpoch: 0,
    topics: [],
  });
  assertEquals(acknowledged.errorCode, ErrorCode.UNSUPPORTED_VERSION);
  assertStringIncludes(acknowledged.errorMessage!, "ShareAcknowledge");
});
