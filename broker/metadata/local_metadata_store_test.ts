import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { LogDirectory, MemoryFileSystem } from "../../storage/mod.ts";
import { ManualClock } from "../time/clock.ts";
import { LocalMetadataStore, METADATA_LOG_NAME } from "./local_metadata_store.ts";
import { type MetadataStore, RevisionConflictError } from "./metadata_store.ts";
import { METADATA_STORE_CONTRACT } from "./metadata_store_contract_testing.ts";

const clock = new ManualClock();

/** A store and its folder. */
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

for (const { sentence, run } of METADATA_STORE_CONTRACT) {
  Deno.test(`LocalMetadataStore${sentence}`, async () => {
    await using opened = await open();
    await run(opened);
  });
}

Deno.test("LocalMetadataStore.commit() assigns consecutive revisions from 1", async () => {
  await using opened = await open();
  const { store } = opened;
  assertEquals(await store.read(), { revision: 0, entries: new Map() });
  assertEquals(await store.commit([set("a", "1"), set("b", "1")]), 1);
  assertEquals(await store.commit([set("a", "2")]), 2);
  assertEquals(await store.commit([{ key: "c", value: null }]), 0);
  assertEquals(await store.commit([{ key: "b", value: null }]), 3);
  assertEquals(await contentOf(store), { a: ["2", 2] });
});

Deno.test("LocalMetadataStore.open() restores keys and revisions", async () => {
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

Deno.test("LocalMetadataStore.commit() is durable when it resolves, even after a power failure", async () => {
  const fs = new MemoryFileSystem();
  await using opened = await open(fs);
  await opened.store.commit([set("a", "1")]);
  await opened.store.commit([set("b", "1"), set("c", "1")]);
  await using reopened = await open(fs.clone({ unsynced: "lost" }));
  assertEquals(await contentOf(reopened.store), { a: ["1", 1], b: ["1", 2], c: ["1", 2] });
});

Deno.test("LocalMetadataStore.open() flushes what a crash of the process left", async () => {
  const fs = new MemoryFileSystem();
  await using opened = await open(fs);
  const committing = opened.store.commit([set("a", "1")]);
  const killed = fs.clone({ unsynced: "kept" });
  await committing;
  await using reopened = await open(killed);
  assertEquals(await contentOf(reopened.store), { a: ["1", 1] });
  await using again = await open(killed.clone({ unsynced: "lost" }));
  assertEquals(await contentOf(again.store), { a: ["1", 1] });
});

Deno.test("LocalMetadataStore.read() returns nothing that is not on disk", async () => {
  const fs = new MemoryFileSystem();
  await using opened = await open(fs);
  const committing = opened.store.commit([set("a", "1")]);
  const { revision } = await opened.store.read();
  await using reopened = await open(fs.clone({ unsynced: "lost" }));
  assertEquals((await reopened.store.read()).revision, revision);
  await committing;
});

Deno.test("LocalMetadataStore rewrites its log in proportion to its keys and keeps its content", async () => {
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

Deno.test("LocalMetadataStore repeats no revision, even after a rewrite removed its records", async () => {
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

Deno.test("LocalMetadataStore keeps its content after a crash at any point of a rewrite", async () => {
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

Deno.test("LocalMetadataStore keeps the created revision of a key over restarts and rewrites", async () => {
  const fs = new MemoryFileSystem();
  const created = async ({ store }: Opened) =>
    Object.fromEntries(
      Array.from((await store.read()).entries, ([key, entry]) => [key, entry.created]),
    );
  {
    await using opened = await open(fs, 10);
    await opened.store.commit([set("a", "1")]);
    await opened.store.commit([set("b", "1")]);
    await opened.store.commit([{ key: "b", value: null }]);
    await opened.store.commit([set("b", "2")]);
    for (let i = 0; i < 3; i++) await opened.store.commit([set("a", "2"), set("b", "2")]);
    assertEquals(await created(opened), { a: 1, b: 4 });
  }
  {
    await using opened = await open(fs, 10);
    assertEquals(await created(opened), { a: 1, b: 4 });
    for (let i = 0; i < 50; i++) await opened.store.commit([set("a", "2")]);
    assertLess(1, opened.directory.get(METADATA_LOG_NAME)!.logStartOffset);
  }
  await using opened = await open(fs, 10);
  assertEquals(await created(opened), { a: 1, b: 4 });
});

Deno.test("LocalMetadataStore.commit() reports conflicts only with what is on disk", async () => {
  const fs = new MemoryFileSystem();
  await using opened = await open(fs);
  const committing = opened.store.commit([set("a", "1")]);
  const expect = [{ key: "a", revision: 0 }];
  await assertRejects(() => opened.store.commit([], { expect }), RevisionConflictError);
  await using reopened = await open(fs.clone({ unsynced: "lost" }));
  assertEquals(await contentOf(reopened.store), { a: ["1", 1] });
  await committing;
});

Deno.test("LocalMetadataStore keeps the keys of a session that ended with the store", async () => {
  const fs = new MemoryFileSystem();
  {
    await using opened = await open(fs);
    const session = await opened.store.session(6000);
    assertEquals(session.deadline, Infinity);
    await opened.store.commit([{ ...set("a", "1"), session }]);
  }
  await using opened = await open(fs);
  assertEquals(await contentOf(opened.store), { a: ["1", 1] });
});
