import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { initProducerId } from "../../../protocol/messages/transactions/init_producer_id.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { TestBroker } from "../../broker_testing.ts";
import { initProducerIdHandler } from "./init_producer_id.ts";

function call(
  broker: TestBroker,
  apiVersion: number,
  request: Partial<RequestTo<typeof initProducerId>> = {},
) {
  return broker.call(initProducerId, initProducerIdHandler, apiVersion, {
    transactionalId: null,
    transactionTimeoutMs: 60_000,
    ...request,
  });
}

Deno.test("InitProducerId returns a new id with epoch 0, in every version (KIP-98)", async () => {
  await using broker = await TestBroker.start();
  for (let version = 0; version <= 5; version++) {
    const { errorCode, producerId, producerEpoch } = await call(broker, version);
    assertEquals([errorCode, producerId, producerEpoch], [ErrorCode.NONE, version, 0]);
  }
  const again = await call(broker, 4, { producerId: 3, producerEpoch: 7 });
  assertEquals([again.producerId, again.producerEpoch], [6, 0]);
});

Deno.test("InitProducerId rejects an incomplete id and epoch (KIP-360), and an empty transactional id", async () => {
  await using broker = await TestBroker.start();
  for (
    const request of [
      { producerId: 3 },
      { producerEpoch: 3 },
      { transactionalId: "" },
    ]
  ) {
    const { errorCode, producerId } = await call(broker, 3, request);
    assertEquals([errorCode, producerId], [ErrorCode.INVALID_REQUEST, -1]);
  }
});
