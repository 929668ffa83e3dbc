import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { describeCluster } from "../../../protocol/messages/cluster/describe_cluster.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { TestBroker } from "../../broker_testing.ts";
import { describeClusterHandler } from "./describe_cluster.ts";

function call(
  broker: TestBroker,
  apiVersion: number,
  request: RequestTo<typeof describeCluster> = {},
) {
  return broker.call(describeCluster, describeClusterHandler, apiVersion, request);
}

Deno.test("DescribeCluster returns cluster id, brokers and controller (KIP-700)", async (t) => {
  await using broker = await TestBroker.start();
  for (let version = 0; version <= 2; version++) {
    await t.step(`version ${version}`, async () => {
      const answer = await call(broker, version);
      assertEquals(answer.errorCode, ErrorCode.NONE);
      assertEquals([answer.clusterId, answer.controllerId], ["cluster-of-the-test-00", 1]);
      assertEquals(answer.brokers, [
        { brokerId: 1, host: "localhost", port: 9092, rack: null, isFenced: false },
      ]);
      assertEquals(answer.clusterAuthorizedOperations, -2147483648);
    });
  }
});

Deno.test("DescribeCluster returns authorized operations on request (KIP-430)", async () => {
  await using broker = await TestBroker.start();
  const answer = await call(broker, 0, { includeClusterAuthorizedOperations: true });
  // CREATE 5, ALTER 7, DESCRIBE 8, CLUSTER_ACTION 9, both CONFIGS 10 and 11, IDEMPOTENT_WRITE 12.
  assertEquals(answer.clusterAuthorizedOperations, 0b1_1111_1010_0000);
});

Deno.test("DescribeCluster rejects endpoint types other than brokers (KIP-919)", async () => {
  await using broker = await TestBroker.start();
  const controllers = await call(broker, 1, { endpointType: 2 });
  assertEquals(controllers.errorCode, ErrorCode.MISMATCHED_ENDPOINT_TYPE);
  const unknown = await call(broker, 1, { endpointType: 3 });
  assertEquals([unknown.errorCode, unknown.brokers], [ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, []]);
});
