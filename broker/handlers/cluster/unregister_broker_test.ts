import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { unregisterBroker } from "../../../protocol/messages/cluster/unregister_broker.ts";
import { TestBroker } from "../../broker_testing.ts";
import { unregisterBrokerHandler } from "./unregister_broker.ts";

Deno.test("UnregisterBroker rejects unknown brokers and this running one", async () => {
  await using broker = await TestBroker.start();
  const unregister = async (brokerId: number) => {
    const answer = await broker.call(unregisterBroker, unregisterBrokerHandler, 0, { brokerId });
    return [answer.errorCode, answer.errorMessage];
  };
  for (const id of [0, 9, -1]) {
    assertEquals(await unregister(id), [
      ErrorCode.BROKER_ID_NOT_REGISTERED,
      `Broker ID ${id} is not currently registered`,
    ]);
  }
  assertEquals(await unregister(1), [
    ErrorCode.INVALID_REQUEST,
    "Cannot unregister broker 1: it is running",
  ]);
  assertEquals(broker.cluster.brokers.map(({ id }) => id), [1]);
});
