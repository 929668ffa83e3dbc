/**
 * The contract of every `MetadataStore`, as tests. Revisions are up to the store: they increase,
 * from any start.
 *
 * @module
 */

import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { CountedAbortController } from "../../protocol/linked_signal_testing.ts";
import {
  MAX_COMMIT_CHANGES,
  type MetadataEvent,
  type MetadataKeyChange,
  type MetadataStore,
  MetadataStoreClosedError,
  RevisionCompactedError,
  RevisionConflictError,
} from "./metadata_store.ts";

/** An empty store for a test. */
export interface StoreOfTest {
  readonly store: MetadataStore;
  /** Compacts the store's history up to the last commit, if the store supports it. */
  compact?(): Promise<void>;
}

/** A rule of the contract. */
export interface ContractRule {
  /** The name of the test, after the store's name. */
  readonly sentence: string;
  /** Tests the rule on an empty store. */
  run(opened: StoreOfTest): Promise<void>;
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** A change that sets a key to a text. */
export function setText(key: string, text: string): MetadataKeyChange {
  return { key, value: ENCODER.encode(text) };
}

/** All texts in a store, by key. */
export async function textsOf(store: MetadataStore): Promise<Record<string, string>> {
  const { entries } = await store.read();
  return Object.fromEntries(
    Array.from(entries, ([key, { value }]) => [key, DECODER.decode(value)] as const)
      .sort(([a], [b]) => a < b ? -1 : 1),
  );
}

/** The first events of a watch. */
export async function takeEvents(
  events: AsyncIterable<MetadataEvent>,
  count: number,
): Promise<MetadataEvent[]> {
  const taken: MetadataEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

function summaryOf({ revision, changes }: MetadataEvent): [number, Record<string, string | null>] {
  return [
    revision,
    Object.fromEntries(changes.map(({ key, entry }) => {
      if (entry !== undefined) assertEquals(entry.revision, revision);
      return [key, entry === undefined ? null : DECODER.decode(entry.value)];
    })),
  ];
}

/** The rules. */
export const METADATA_STORE_CONTRACT: readonly ContractRule[] = [
  {
    sentence: ".commit() gives each commit a higher revision, and its keys have it",
    async run({ store }) {
      assertEquals((await store.read()).entries.size, 0);
      const first = await store.commit([setText("a", "1"), setText("b", "1")]);
      const second = await store.commit([setText("a", "2")]);
      const third = await store.commit([{ key: "b", value: null }, setText("ä/€", "ü")]);
      assertLess(first, second);
      assertLess(second, third);
      const { revision, entries } = await store.read();
      assert(revision >= third);
      assertEquals([...entries.keys()].sort(), ["a", "ä/€"]);
      assertEquals(entries.get("a")!.revision, second);
      assertEquals(await store.get("a"), entries.get("a"));
      assertEquals(await store.get("b"), undefined);
      assertEquals(await textsOf(store), { a: "2", "ä/€": "ü" });
    },
  },

  {
    sentence: ".commit() keeps values of any bytes and of none",
    async run({ store }) {
      const value = Uint8Array.from({ length: 256 }, (_, i) => i);
      await store.commit([{ key: "all", value }, { key: "none", value: new Uint8Array() }]);
      assertEquals((await store.get("all"))!.value, value);
      assertEquals((await store.get("none"))!.value, new Uint8Array());
      assertEquals((await store.read()).entries.get("all")!.value, value);
    },
  },

  {
    sentence: ".commit() leaves a key's first revision beside its last",
    async run({ store }) {
      const first = await store.commit([setText("a", "1")]);
      const second = await store.commit([setText("a", "2")]);
      const { revision, created } = (await store.get("a"))!;
      assertEquals([revision, created], [second, first]);
      await store.commit([{ key: "a", value: null }]);
      const third = await store.commit([setText("a", "3")]);
      assertEquals((await store.get("a"))!.created, third);
    },
  },

  {
    sentence: ".commit() changes nothing if a key is not at the revision expected",
    async run({ store }) {
      const first = await store.commit([setText("a", "1")], {
        expect: [{ key: "a", revision: 0 }],
      });
      for (const revision of [0, first + 1]) {
        const error = await assertRejects(
          () =>
            store.commit([setText("a", "x"), setText("b", "x")], {
              expect: [{ key: "c", revision: 0 }, { key: "a", revision }],
            }),
          RevisionConflictError,
        );
        assertEquals([error.key, error.current?.revision], ["a", first]);
        assertEquals(DECODER.decode(error.current!.value), "1");
        assert(error.revision >= first);
      }
      await store.commit([{ key: "a", value: null }], { expect: [{ key: "a", revision: first }] });
      const error = await assertRejects(
        () => store.commit([setText("a", "x")], { expect: [{ key: "a", revision: first }] }),
        RevisionConflictError,
      );
      assertEquals(error.current, undefined);
      await store.commit([setText("a", "2")], { expect: [{ key: "a", revision: 0 }] });
      assertEquals(await textsOf(store), { a: "2" });
    },
  },

  {
    sentence: ".commit() lets one of many win that expect the same",
    async run({ store }) {
      const expect = [{ key: "a", revision: 0 }];
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) => store.commit([setText("a", String(i))], { expect })),
      );
      const winners = results.flatMap(({ status }, i) => status === "fulfilled" ? [String(i)] : []);
      assertEquals(winners.length, 1);
      assertEquals(await textsOf(store), { a: winners[0]! });
    },
  },

  {
    sentence: ".commit() deletes all keys of a prefix, and no others",
    async run({ store }) {
      const keys = ["p", "p.", "p/1", "p/2", "p/2/3", "p0", "q/1"];
      await store.commit(keys.map((key) => setText(key, "1")));
      const before = (await store.read()).revision;
      const revision = await store.commit([{ prefix: "p/", value: null }, setText("q/1", "2")]);
      assertEquals(await textsOf(store), { p: "1", "p.": "1", p0: "1", "q/1": "2" });
      const [event] = await takeEvents(store.watch(before, {}), 1);
      const gone = { "p/1": null, "p/2": null, "p/2/3": null };
      assertEquals(summaryOf(event!), [revision, { ...gone, "q/1": "2" }]);
    },
  },

  {
    sentence: ".commit() that changes nothing has no revision to wait for",
    async run({ store }) {
      await store.commit([setText("a", "1")]);
      const nothing = [{ key: "b", value: null }, { prefix: "c/", value: null }] as const;
      assertEquals(await store.commit(nothing), 0);
      assertEquals(await store.commit([], { expect: [{ key: "b", revision: 0 }] }), 0);
      await assertRejects(
        () => store.commit(nothing, { expect: [{ key: "b", revision: 1 }] }),
        RevisionConflictError,
      );
    },
  },

  {
    sentence: ".commit() takes as many changes as it says, and refuses more",
    async run({ store }) {
      const changes = Array.from({ length: MAX_COMMIT_CHANGES }, (_, i) => setText(`${i}`, "1"));
      const expect = changes.map(({ key }) => ({ key, revision: 0 }));
      await store.commit(changes, { expect });
      assertEquals((await store.read()).entries.size, MAX_COMMIT_CHANGES);
      await assertRejects(() => store.commit([...changes, setText("x", "1")]), RangeError);
      const more = [...expect, { key: "x", revision: 0 }];
      await assertRejects(() => store.commit([], { expect: more }), RangeError);
    },
  },

  {
    sentence: ".read() gives all of many keys at one revision",
    async run({ store }) {
      for (let from = 0; from < 2500; from += 100) {
        await store.commit(Array.from({ length: 100 }, (_, i) => setText(`k/${from + i}`, "1")));
      }
      const { entries, revision } = await store.read();
      assertEquals(entries.size, 2500);
      assertEquals(Math.max(...entries.values().map((entry) => entry.revision)), revision);
    },
  },

  {
    sentence: ".watch() yields commits after a revision, those to come included",
    async run({ store }) {
      const first = await store.commit([setText("a", "1")]);
      const second = await store.commit([setText("a", "2"), setText("b", "2")]);
      const watching = takeEvents(store.watch(first, {}), 3);
      const third = await store.commit([{ key: "a", value: null }]);
      const fourth = await store.commit([setText("a", "4")]);
      const events = await watching;
      assertEquals(events.map(summaryOf), [
        [second, { a: "2", b: "2" }],
        [third, { a: null }],
        [fourth, { a: "4" }],
      ]);
      assertEquals(events[0]!.changes.find(({ key }) => key === "a")!.entry!.created, first);
      assertEquals(events[2]!.changes[0]!.entry!.created, fourth);
    },
  },

  {
    sentence: ".watch() ends with its signal, and with the store",
    async run({ store }) {
      const from = await store.commit([setText("a", "1")]);
      const ending = new AbortController();
      const first = takeEvents(store.watch(from, { signal: ending.signal }), 1);
      ending.abort();
      assertEquals(await first, []);
      const second = takeEvents(store.watch(from, {}), 1);
      await store.close();
      assertEquals(await second, []);
    },
  },

  {
    sentence: ".watch() leaves nothing with its signal when it ends",
    async run({ store }) {
      const from = await store.commit([setText("a", "1")]);
      const ending = new CountedAbortController();
      const { signal } = ending;
      const watching = takeEvents(store.watch(from, { signal }), 1);
      await store.commit([setText("a", "2")]);
      assertEquals((await watching).length, 1);
      assertEquals(ending.listenerCount, 0);
      const ended = takeEvents(store.watch(from + 1, { signal }), 1);
      ending.abort();
      await ended;
      assertEquals(ending.listenerCount, 0);
    },
  },

  {
    sentence: ".watch() says when commits are no longer available",
    async run({ store, compact }) {
      const from = await store.commit([setText("a", "1")]);
      await store.commit([setText("a", "2")]);
      await store.commit([setText("a", "3")]);
      if (compact !== undefined) await compact();
      else await Promise.all(Array.from({ length: 1100 }, () => store.commit([setText("b", "1")])));
      await assertRejects(() => takeEvents(store.watch(from, {}), 1), RevisionCompactedError);
    },
  },

  {
    sentence: ".session() keeps keys until it ends",
    async run({ store }) {
      const session = await store.session(6000);
      assertEquals([session.isCertain, await session.confirm()], [true, true]);
      const keys = Array.from({ length: 3 }, (_, i) => `of/${i}`);
      await store.commit(keys.map((key) => ({ ...setText(key, "1"), session })));
      await store.commit([setText("stays", "1"), { ...setText("of/0", "2"), session }]);
      await store.commit([setText("of/1", "2")]);
      const before = (await store.read()).revision;
      const watching = takeEvents(store.watch(before, {}), 1);
      await session.end();
      await session.end();
      await session.lost;
      assertEquals([session.isCertain, await session.confirm()], [false, false]);
      assert(session.deadline < Infinity);
      const [event] = await watching;
      assertEquals(summaryOf(event!)[1], { "of/0": null, "of/2": null });
      assertEquals(await textsOf(store), { "of/1": "2", stays: "1" });
    },
  },

  {
    sentence: ".session() ends alone, with another still alive",
    async run({ store }) {
      const [one, other] = [await store.session(6000), await store.session(6000)];
      await store.commit([{ ...setText("a", "1"), session: one }]);
      await store.commit([{ ...setText("b", "1"), session: other }]);
      await store.commit([{ ...setText("a", "2"), session: other }]);
      await one.end();
      assertEquals(await textsOf(store), { a: "2", b: "1" });
      assertEquals([one.isCertain, other.isCertain], [false, true]);
    },
  },

  {
    sentence: ".close() ends sessions and use, and is no error twice",
    async run({ store }) {
      const session = await store.session(6000);
      await store.close();
      await store.close();
      await session.lost;
      assertEquals(session.isCertain, false);
      const closed = MetadataStoreClosedError;
      await assertRejects(async () => await store.read(), closed);
      await assertRejects(async () => await store.get("a"), closed);
      await assertRejects(async () => await store.commit([setText("a", "1")]), closed);
      await assertRejects(async () => await store.session(6000), closed);
    },
  },
];
