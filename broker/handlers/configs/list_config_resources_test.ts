import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { ConfigResourceType } from "../../../protocol/messages/configs/describe_configs.ts";
import { listConfigResources } from "../../../protocol/messages/configs/list_config_resources.ts";
import { TestBroker } from "../../broker_testing.ts";
import { listConfigResourcesHandler } from "./list_config_resources.ts";

async function list(broker: TestBroker, apiVersion: number, ...resourceTypes: number[]) {
  const { errorCode, configResources } = await broker.call(
    listConfigResources,
    listConfigResourcesHandler,
    apiVersion,
    apiVersion === 0 ? {} : { resourceTypes },
  );
  return [
    errorCode,
    ...configResources.map(({ resourceType, resourceName }) => `${resourceType} ${resourceName}`),
  ];
}

Deno.test("ListConfigResources lists the resources of the requested types, or of all (KIP-1142)", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  await broker.createTopic("b");
  const { topic, broker: brokers, brokerLogger, clientMetrics, group } = ConfigResourceType;
  assertEquals(await list(broker, 1), [ErrorCode.NONE, "2 a", "2 b", "4 1", "8 1"]);
  assertEquals(await list(broker, 1, topic, topic), [ErrorCode.NONE, "2 a", "2 b"]);
  assertEquals(await list(broker, 1, brokerLogger, brokers), [ErrorCode.NONE, "8 1", "4 1"]);
  assertEquals(await list(broker, 1, clientMetrics, group), [ErrorCode.NONE]);
  await broker.cluster.changeResourceConfigs("groups", "g/1", () => new Map([["a", "1"]]));
  await broker.cluster.changeResourceConfigs("client-metrics", "m", () => new Map([["a", "1"]]));
  assertEquals(await list(broker, 1, clientMetrics, group), [ErrorCode.NONE, "16 m", "32 g/1"]);
  assertEquals((await list(broker, 0)).length, 2);
});

Deno.test("ListConfigResources lists only client metrics in version 0 (KIP-714)", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  assertEquals(await list(broker, 0), [ErrorCode.NONE]);
});

Deno.test("ListConfigResources rejects unknown types", async () => {
  await using broker = await TestBroker.start();
  for (const type of [0, 1, 3, 64, -1]) {
    assertEquals(await list(broker, 1, ConfigResourceType.broker, type), [
      ErrorCode.UNSUPPORTED_VERSION,
    ]);
  }
});
