import { assertEquals } from "@std/assert";
import { EtcdCluster } from "../../../tests/support/etcd_cluster.ts";
import { EtcdRelay, type RelayFault } from "../../../tests/support/etcd_relay.ts";
import { testWith } from "../../../tests/support/outside.ts";
import { SkippingClock } from "../../../tests/support/skipping_clock.ts";
import { within } from "../../../tests/support/within.ts";
import { silentLogger } from "../../logger.ts";
import { MetadataFollower } from "../metadata_follower.ts";
import { type MetadataEntry, RevisionConflictError } from "../metadata_store.ts";
import { setText } from "../metadata_store_contract_testing.ts";
import type { EtcdMetadataStore } from "./etcd_metadata_store.ts";
import { openStore } from "./testing.ts";

const DECODER = new TextDecoder();

/** Two stores: `store` behind a relay, and followed; `other` changes the same metadata. */
interface Followed {
  readonly store: EtcdMetadataStore;
  readonly other: EtcdMetadataStore;
  readonly clock: SkippingClock;
  /** What the follower showed, as `key=text`. */
  readonly shown: readonly string[];
  /** Resolves when the store has begun a number of watches. */
  watching(count: number): Promise<void>;
  /** What happens to the next watches. */
  fault: RelayFault;
  /** Resolves when the follower has shown something. */
  sees(text: string): Promise<void>;
}

async function follow(
  path: string,
  fault: RelayFault,
  test: (followed: Followed) => Promise<void>,
): Promise<void> {
  await using cluster = await EtcdCluster.start({ path });
  await using relay = new EtcdRelay(cluster.endpoints[0]!);
  const clock = new SkippingClock();
  await using store = await openStore(cluster, { endpoints: [relay.url], clock });
  await using other = await openStore(cluster, { name: store.name });
  const shown: string[] = [];
  let begun = 0;
  let onWatch: (() => void) | undefined;
  let waiting: (() => void) | undefined;
  const followed: Followed = {
    store,
    other,
    clock,
    shown,
    fault,
    watching: async (count) => {
      while (begun < count) {
        const beginning = new Promise<void>((resolve) => onWatch = resolve);
        await within(beginning, `watch ${count}`);
      }
    },
    sees: async (text) => {
      while (!shown.includes(text)) {
        const showing = new Promise<void>((resolve) => waiting = resolve);
        await within(showing, `${text} to be shown`);
      }
    },
  };
  relay.fault = (path) => {
    if (!path.endsWith("/watch")) return "none";
    begun++;
    onWatch?.();
    return followed.fault;
  };
  const follower = new MetadataFollower({
    store,
    clock,
    logger: silentLogger,
    show: (key: string, entry: MetadataEntry | undefined) => {
      shown.push(`${key}=${entry === undefined ? "" : DECODER.decode(entry.value)}`);
      waiting?.();
    },
  });
  await follower.start();
  try {
    await test(followed);
  } finally {
    await follower.close();
  }
}

testWith("etcd", "watchEtcd() ends when it lags for 2 s behind what is known", async (path, t) => {
  await t.step("from a commit", () =>
    follow(path, "mute", async (followed) => {
      const { store, clock, watching } = followed;
      await watching(1);
      await store.commit([setText("a", "1")]);
      followed.fault = "none";
      const check = setInterval(() => clock.skip(500), 100);
      await followed.sees("a=1").finally(() => clearInterval(check));
      await watching(2);
    }));

  await t.step(
    "from a commit that another one's change refused",
    () =>
      follow(path, "mute", async (followed) => {
        const { store, other, clock, watching } = followed;
        await watching(1);
        await other.commit([setText("a", "other")]);
        const expect = [{ key: "a", revision: 0 }];
        const refused = await store.commit([setText("a", "own")], { expect }).catch((error) =>
          error
        );
        assertEquals(refused instanceof RevisionConflictError, true);
        followed.fault = "none";
        const check = setInterval(() => clock.skip(500), 100);
        await followed.sees("a=other").finally(() => clearInterval(check));
        await watching(2);
      }),
  );

  await t.step("from a read of one key", () =>
    follow(path, "mute", async (followed) => {
      const { store, other, clock, watching } = followed;
      await watching(1);
      await other.commit([setText("a", "other")]);
      await store.get("a");
      followed.fault = "none";
      const check = setInterval(() => clock.skip(500), 100);
      await followed.sees("a=other").finally(() => clearInterval(check));
      await watching(2);
    }));
});

testWith("etcd", "watchEtcd() ends after 5 minutes, and all is read again", async (path) => {
  await follow(path, "mute", async (followed) => {
    const { other, clock, watching } = followed;
    await watching(1);
    // Nothing tells this store that it misses something.
    await other.commit([setText("a", "1"), setText("b", "2")]);
    await other.commit([{ key: "b", value: null }]);
    followed.fault = "none";
    clock.skip(5 * 60_000);
    await followed.sees("a=1");
    await watching(2);
    assertEquals(followed.shown, ["a=1"]);
  });
});

testWith("etcd", "watchEtcd() yields an event once that etcd sends twice", async (path) => {
  await follow(path, "double", async (followed) => {
    const { store, other, watching } = followed;
    await watching(1);
    await store.commit([setText("a", "1")]);
    await other.commit([setText("a", "2")]);
    await other.commit([{ key: "a", value: null }]);
    await other.commit([setText("b", "3")]);
    await followed.sees("b=3");
    assertEquals(followed.shown, ["a=1", "a=2", "a=", "b=3"]);
  });
});

testWith(
  "etcd",
  "MetadataFollower reads all again when its watch was compacted away",
  async (path) => {
    await using cluster = await EtcdCluster.start({ path });
    await using relay = new EtcdRelay(cluster.endpoints[0]!);
    const clock = new SkippingClock();
    await using store = await openStore(cluster, { endpoints: [relay.url], clock });
    await using other = await openStore(cluster, { name: store.name });
    await other.commit([setText("gone", "1"), setText("kept", "1")]);
    const shown: string[] = [];
    const later = Promise.withResolvers<void>();
    const follower = new MetadataFollower({
      store,
      clock,
      logger: silentLogger,
      show: (key, entry) => {
        shown.push(`${key}=${entry === undefined ? "" : DECODER.decode(entry.value)}`);
        if (key === "later") later.resolve();
      },
    });
    // The first watch is held back until what it asks for is compacted.
    const compacted = Promise.withResolvers<"none">();
    relay.fault = (path) => path.endsWith("/watch") ? compacted.promise : "none";
    await follower.start();
    await other.commit([{ key: "gone", value: null }, setText("kept", "2")]);
    await cluster.compact(other.position.revision);
    compacted.resolve("none");
    await other.commit([setText("later", "1")]);
    await within(later.promise, "the follower to continue");
    assertEquals(shown.toSorted(), ["gone=", "gone=1", "kept=1", "kept=2", "later=1"]);
    await follower.close();
  },
);
