import { assertEquals, assertRejects } from "@std/assert";
import { MemoryFileSystem } from "../storage/mod.ts";
import { type MetadataStore, MetadataStoreSilentError } from "./metadata/metadata_store.ts";
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

Deno.test("ProducerIds.next() needs no store for the first ids, and while half a block is left", async () => {
  await using broker = await TestBroker.start();
  const { store } = broker;
  let isAway = false;
  const reads = { count: 0 };
  const ids = new ProducerIds({
    get: (key: string) => {
      reads.count++;
      return isAway ? Promise.reject(new MetadataStoreSilentError("away")) : store.get(key);
    },
    commit: store.commit.bind(store),
  } as unknown as MetadataStore, { isAhead: true });
  ids.takeAhead();
  while (reads.count === 0 || await store.get("producer_ids") === undefined);
  isAway = true;
  for (let id = 0; id < PRODUCER_ID_BLOCK_SIZE; id++) assertEquals(await ids.next(), id);
  await assertRejects(() => ids.next(), MetadataStoreSilentError);
  isAway = false;
  assertEquals(await ids.next(), PRODUCER_ID_BLOCK_SIZE);
});

Deno.test("ProducerIds.next() takes the next block when half of one is used", async () => {
  await using broker = await TestBroker.start();
  const ids = new ProducerIds(broker.store, { isAhead: true });
  const taken = async () => {
    const entry = await broker.store.get("producer_ids");
    return JSON.parse(new TextDecoder().decode(entry!.value)).next / PRODUCER_ID_BLOCK_SIZE;
  };
  for (let i = 0; i < PRODUCER_ID_BLOCK_SIZE / 2; i++) await ids.next();
  assertEquals(await taken(), 1);
  await ids.next();
  while (await taken() < 2);
});
