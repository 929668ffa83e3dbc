import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { LogDirectory, MemoryFileSystem } from "../../storage/mod.ts";
import { ManualClock } from "../time/clock.ts";
import { LocalMetadataStore, METADATA_LOG_NAME } from "./local_metadata_store.ts";
import {
  type MetadataEvent,
  type MetadataStore,
  MetadataStoreClosedError,
  RevisionCompactedError,
  RevisionConflictError,
} from "./metadata_store.ts";

const clock = new ManualClock();

/** A store and the folder it is in. */
class Opened {
  constructor(readonly store: LocalMetadataStore, readonly directory: LogDirectory) {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.directory.close();
  }
}

async function open(fs = new MemoryFileSystem(), minRecordsToCompact = 1000): Promise<Opened> {
  const nowMs = clock.now();
  const directory = await LogDirectory.open(fs, "/data", { nowMs });
  const log = directory.get(METADATA_LOG_NAME) ?? directory.create(METADATA_LOG_NAME, { nowMs });
  const options = { clock, minRecordsToCompact, segmentBytes: 4096 };
  return new Opened(await LocalMetadataStore.open(log, options), directory);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function set(key: string, text: string): { key: string; value: Uint8Array } {
  return { key, value: bytes(text) };
}

async function contentOf(store: MetadataStore): Promise<Record<string, [string, number]>> {
  const { entries } = await store.read();
  return Object.fromEntries(
    Array.from(entries, ([key, { value, revision }]) => [
      key,
      [new TextDecoder().decode(value), revision],
    ]),
  );
}

async function take(events: AsyncIterable<MetadataEvent>, count: number): Promise<MetadataEvent[]> {
  const taken: MetadataEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

Deno.test("LocalMetadataStore.commit() numbers commits, and each key has that of its last", async () => {
  await using opened = await open();
  const { store } = opened;
  assertEquals(await store.read(), { revision: 0, entries: new Map() });
  assertEquals(await store.commit([set("a", "1"), set("b", "1")]), 1);
  assertEquals(await store.commit([set("a", "2")]), 2);
  assertEquals(await store.commit([{ key: "b", value: null }]), 3);
  assertEquals(await contentOf(store), { a: ["2", 2] });
});

Deno.test("LocalMetadataStore.commit() does nothing if a key is not at the revision expected", async () => {
  await using opened = await open();
  const { store } = opened;
  await store.commit([set("a", "1")], { expect: [{ key: "a", revision: 0 }] });
  for (const revision of [0, 2]) {
    const expect = [{ key: "a", revision }];
    const error = await assertRejects(
      () => store.commit([set("a", "x"), set("b", "x")], { expect }),
      RevisionConflictError,
    );
    assertEquals(error.key, "a");
  }
  await store.commit([{ key: "a", value: null }], { expect: [{ key: "a", revision: 1 }] });
  await store.commit([set("a", "2")], { expect: [{ key: "a", revision: 0 }] });
  assertEquals(await contentOf(store), { a: ["2", 3] });
});

Deno.test("LocalMetadataStore.commit() lets one of two win that expect the same", async () => {
  await using opened = await open();
  const { store } = opened;
  const expect = [{ key: "a", revision: 0 }];
  const results = await Promise.allSettled([
    store.commit([set("a", "first")], { expect }),
    store.commit([set("a", "second")], { expect }),
  ]);
  assertEquals(results.map(({ status }) => status), ["fulfilled", "rejected"]);
  assertEquals(await contentOf(store), { a: ["first", 1] });
});

Deno.test("LocalMetadataStore keeps keys and revisions when it is opened again", async () => {
  const fs = new MemoryFileSystem();
  {
    await using opened = await open(fs);
    await opened.store.commit([set("a", "1"), set("b", "1"), set("ä", "€")]);
    await opened.store.commit([set("a", "2"), { key: "b", value: null }]);
  }
  await using opened = await open(fs);
  assertEquals(await contentOf(opened.store), { a: ["2", 2], "ä": ["€", 1] });
  assertEquals(await opened.store.commit([set("c", "3")]), 3);
});

Deno.test("LocalMetadataStore.commit() is on disk when it resolves, whatever the power does", async () => {
  const fs = new MemoryFileSystem();
  await using opened = await open(fs);
  await opened.store.commit([set("a", "1")]);
  await opened.store.commit([set("b", "1"), set("c", "1")]);
  await using reopened = await open(fs.clone({ unsynced: "lost" }));
  assertEquals(await contentOf(reopened.store), { a: ["1", 1], b: ["1", 2], c: ["1", 2] });
});

Deno.test("LocalMetadataStore.read() shows nothing that is not on disk", async () => {
  const fs = new MemoryFileSystem();
  await using opened = await open(fs);
  const committing = opened.store.commit([set("a", "1")]);
  const { revision } = await opened.store.read();
  await using reopened = await open(fs.clone({ unsynced: "lost" }));
  assertEquals((await reopened.store.read()).revision, revision);
  await committing;
});

Deno.test("LocalMetadataStore rewrites its log in proportion to its keys, and reads the same after", async () => {
  const fs = new MemoryFileSystem();
  {
    await using opened = await open(fs, 20);
    const { store, directory } = opened;
    for (let i = 0; i < 500; i++) await store.commit([set(`key ${i % 3}`, String(i))]);
    await store.commit([set("gone", "1")]);
    await store.commit([{ key: "gone", value: null }]);
    for (let i = 0; i < 30; i++) await store.commit([set("key 0", "last")]);
    const log = directory.get(METADATA_LOG_NAME)!;
    assertLess(log.logEndOffset - log.logStartOffset, 60);
  }
  await using opened = await open(fs, 20);
  assertEquals(await contentOf(opened.store), {
    "key 0": ["last", 532],
    "key 1": ["499", 500],
    "key 2": ["497", 498],
  });
  assertEquals(await opened.store.commit([set("a", "1")]), 533);
});

Deno.test("LocalMetadataStore gives no revision twice, even if a rewrite left no trace of it", async () => {
  const fs = new MemoryFileSystem();
  {
    await using opened = await open(fs, 10);
    for (let i = 0; i < 10; i++) await opened.store.commit([set("a", "1")]);
    await opened.store.commit([{ key: "a", value: null }]);
  }
  await using opened = await open(fs, 10);
  assertEquals(await contentOf(opened.store), {});
  assertEquals(await opened.store.commit([set("b", "1")]), 12);
});

Deno.test("LocalMetadataStore reads the same after a crash at any point of a rewrite", async () => {
  const fs = new MemoryFileSystem();
  await using opened = await open(fs, 10);
  const { store } = opened;
  // Large enough that a rewrite deletes segments.
  const large = "x".repeat(500);
  let committed = 0;
  for (let i = 1; i <= 60; i++) {
    const committing = store.commit([set("a", String(i)), set(`b${i % 4}`, large)]);
    for (let step = 0; step < 6; step++) {
      await using crashed = await open(
        fs.clone({ unsynced: step % 2 === 0 ? "kept" : "lost" }),
        10,
      );
      const { a } = await contentOf(crashed.store);
      const seen = a === undefined ? 0 : Number(a[0]);
      assert(seen >= committed && seen <= i, `${seen} is not ${committed} to ${i}`);
      assertEquals(a?.[1] ?? 0, seen);
      const { entries } = await crashed.store.read();
      assertEquals(entries.size, seen === 0 ? 0 : Math.min(seen, 4) + 1);
    }
    await committing;
    committed = i;
  }
});

Deno.test("LocalMetadataStore.watch() yields commits after a revision, those to come included", async () => {
  await using opened = await open();
  const { store } = opened;
  await store.commit([set("a", "1")]);
  await store.commit([set("a", "2")]);
  const watching = take(store.watch(1, {}), 3);
  await store.commit([{ key: "a", value: null }]);
  await store.commit([set("b", "1")]);
  assertEquals(await watching, [
    { revision: 2, changes: [set("a", "2")] },
    { revision: 3, changes: [{ key: "a", value: null }] },
    { revision: 4, changes: [set("b", "1")] },
  ]);
});

Deno.test("LocalMetadataStore.watch() ends with its signal, and with the store", async () => {
  const opened = await open();
  const { store } = opened;
  const ending = new AbortController();
  const first = take(store.watch(0, { signal: ending.signal }), 1);
  ending.abort();
  assertEquals(await first, []);
  const second = take(store.watch(0, {}), 1);
  await opened[Symbol.asyncDispose]();
  assertEquals(await second, []);
});

Deno.test("LocalMetadataStore.watch() says when commits are no longer at hand", async () => {
  await using opened = await open();
  const { store } = opened;
  await Promise.all(Array.from({ length: 1100 }, (_, i) => store.commit([set("a", String(i))])));
  await assertRejects(() => take(store.watch(0, {}), 1), RevisionCompactedError);
  assertEquals((await take(store.watch(100, {}), 1))[0]!.revision, 101);
});

Deno.test("LocalMetadataStore.lease() has one holder at a time, each with a higher revision", async () => {
  await using opened = await open();
  const { store } = opened;
  const first = await store.lease("controller", "1", 1000);
  assertEquals([first.isHeld, await first.renew()], [true, true]);
  let second: Awaited<ReturnType<typeof store.lease>> | undefined;
  const waiting = store.lease("controller", "2", 1000).then((lease) => second = lease);
  await store.commit([set("a", "1")]);
  assertEquals(second, undefined);
  await first.release();
  await first.release();
  await first.lost;
  await waiting;
  assertEquals([first.isHeld, await first.renew(), second!.isHeld], [false, false, true]);
  assertLess(first.revision, second!.revision);
});

Deno.test("LocalMetadataStore.lease() gives a higher revision after a restart", async () => {
  const fs = new MemoryFileSystem();
  let revision: number;
  {
    await using opened = await open(fs);
    ({ revision } = await opened.store.lease("controller", "1", 1000));
  }
  await using opened = await open(fs);
  assertLess(revision, (await opened.store.lease("controller", "1", 1000)).revision);
});

Deno.test("LocalMetadataStore.lease() gives up with its signal", async () => {
  await using opened = await open();
  await opened.store.lease("controller", "1", 1000);
  const ending = new AbortController();
  const waiting = opened.store.lease("controller", "2", 1000, { signal: ending.signal });
  ending.abort(new RangeError("enough"));
  await assertRejects(() => waiting, RangeError, "enough");
});

Deno.test("LocalMetadataStore.close() ends leases, and is no error twice", async () => {
  const opened = await open();
  const lease = await opened.store.lease("controller", "1", 1000);
  await opened.store.close();
  await opened[Symbol.asyncDispose]();
  assertEquals(lease.isHeld, false);
  await assertRejects(() => opened.store.read(), MetadataStoreClosedError);
  await assertRejects(() => opened.store.commit([]), MetadataStoreClosedError);
});
