import { assertEquals } from "@std/assert";
import { MemoryFileSystem } from "../storage/mod.ts";
import { TestBroker } from "./broker_testing.ts";
import { PRODUCER_ID_BLOCK_SIZE, ProducerIds } from "./producer_ids.ts";

Deno.test("ProducerIds.next() counts up across the end of a block", async () => {
  await using broker = await TestBroker.start();
  const ids = new ProducerIds(broker.store);
  for (let id = 0; id < PRODUCER_ID_BLOCK_SIZE + 2; id++) assertEquals(await ids.next(), id);
});

Deno.test("ProducerIds.next() returns different ids to concurrent calls", async () => {
  await using broker = await TestBroker.start();
  const brokers = [new ProducerIds(broker.store), new ProducerIds(broker.store)];
  const count = 1500;
  const ids = await Promise.all(
    Array.from({ length: count }, (_, i) => brokers[i % 2]!.next()),
  );
  assertEquals(new Set(ids).size, count);
});

Deno.test("ProducerIds.next() never repeats an id, even after a power failure", async () => {
  let fs = new MemoryFileSystem();
  const given: number[] = [];
  for (let start = 0; start < 3; start++) {
    const broker = await TestBroker.start({ fs });
    for (let i = 0; i < 5; i++) given.push(await broker.context.producerIds.next());
    fs = fs.clone({ unsynced: "lost" });
    await broker.close();
  }
  assertEquals(new Set(given).size, given.length);
});
