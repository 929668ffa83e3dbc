import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { EtcdCluster } from "../../../tests/support/etcd_cluster.ts";
import { freePort } from "../../../tests/support/free_port.ts";
import { EtcdRelay, type RelayFault } from "../../../tests/support/etcd_relay.ts";
import { testWith } from "../../../tests/support/outside.ts";
import { SkippingClock } from "../../../tests/support/skipping_clock.ts";
import { silentLogger } from "../../logger.ts";
import { ProducerIds } from "../../producer_ids.ts";
import { systemClock } from "../../time/clock.ts";
import { MetadataFollower } from "../metadata_follower.ts";
import { RevisionConflictError, SESSIONS_PREFIX } from "../metadata_store.ts";
import { METADATA_STORE_CONTRACT, setText, textsOf } from "../metadata_store_contract_testing.ts";
import { toBase64 } from "./encoding.ts";
import { parseEtcdAddress } from "../../settings/etcd_address.ts";
import {
  CommitUnknownError,
  EtcdError,
  EtcdRestoredError,
  EtcdSilenceError,
} from "./etcd_error.ts";
import { EtcdMetadataStore } from "./etcd_metadata_store.ts";
import { openStore } from "./testing.ts";

testWith("etcd", "EtcdMetadataStore keeps the contract of stores", async (path, t) => {
  await using cluster = await EtcdCluster.start({ path });
  for (const { sentence, run } of METADATA_STORE_CONTRACT) {
    await t.step(`EtcdMetadataStore${sentence}`, async () => {
      await using store = await openStore(cluster);
      await run({ store, compact: () => cluster.compact(store.position.revision) });
    });
  }
});

testWith(
  "etcd",
  "EtcdMetadataStore.commit() settles a commit whose answer was lost",
  async (path, t) => {
    await using cluster = await EtcdCluster.start({ path });
    await using relay = new EtcdRelay(cluster.endpoints[0]!);
    await using store = await openStore(cluster, { endpoints: [relay.url], timeoutMs: 300 });
    await using direct = await openStore(cluster, { name: store.name });
    let lost = 0;
    /** Injects a fault into the first transactions that set a key named "x". */
    const losing = (fault: RelayFault, count = 1) => {
      lost = 0;
      relay.fault = (path, body) =>
        path.endsWith("/txn") && body.includes(toBase64(`${store.prefix}x`)) && lost++ < count
          ? fault
          : "none";
    };

    await t.step("that took place is reported once, and made once", async () => {
      losing("lose-answer");
      const revision = await store.commit([setText("x", "1")], {
        expect: [{ key: "x", revision: 0 }],
      });
      assertEquals([(await direct.get("x"))!.revision, lost], [revision, 1]);
    });

    await t.step("that took place is not made again without an expectation", async () => {
      losing("lose-answer");
      const revision = await store.commit([setText("x", "2")]);
      assertEquals([(await direct.get("x"))!.revision, lost], [revision, 1]);
    });

    await t.step("that comes late never takes place, and is made again", async () => {
      losing("hold-request");
      const revision = await store.commit([setText("x", "3")]);
      await store.commit([setText("x", "4")]);
      assertEquals(lost, 3);
      await relay.release();
      const { value } = (await direct.get("x"))!;
      assertEquals(new TextDecoder().decode(value), "4");
      assertLess(revision, (await direct.get("x"))!.revision);
    });

    await t.step("that conflicts is refused though its answer was lost", async () => {
      losing("lose-answer");
      const expect = [{ key: "x", revision: 0 }];
      await assertRejects(
        () => store.commit([setText("x", "5")], { expect }),
        RevisionConflictError,
      );
      assertEquals(lost, 2);
    });

    await t.step("is unknown if nothing answers for long, and may take place", async () => {
      await using hasty = await openStore(cluster, {
        name: store.name,
        endpoints: [relay.url],
        timeoutMs: 100,
        patienceMs: 300,
      });
      const x = toBase64(`${store.prefix}x`);
      relay.fault = (_, body) => body.includes(x) ? "hold-request" : "silent";
      await assertRejects(() => hasty.commit([setText("x", "6")]), CommitUnknownError);
      await relay.release();
      relay.fault = () => "none";
      assertEquals(new TextDecoder().decode((await direct.get("x"))!.value), "6");
    });
  },
);

testWith("etcd", "ProducerIds gives no id twice though answers are lost", async (path) => {
  await using cluster = await EtcdCluster.start({ path });
  await using relay = new EtcdRelay(cluster.endpoints[0]!);
  await using one = await openStore(cluster, { endpoints: [relay.url], timeoutMs: 200 });
  await using other = await openStore(cluster, { name: one.name });
  let count = 0;
  relay.fault = (path) => path.endsWith("/txn") && count++ % 3 === 0 ? "lose-answer" : "none";
  const blocks: number[] = [];
  for (let i = 0; i < 3; i++) {
    const [a, b] = [new ProducerIds(one), new ProducerIds(other)];
    blocks.push(...await Promise.all([a.next(), b.next()]));
  }
  assertEquals(new Set(blocks).size, 6);
});

testWith("etcd", "EtcdMetadataStore continues after a member of three failed", async (path, t) => {
  await using cluster = await EtcdCluster.start({ path, size: 3 });
  await using store = await openStore(cluster);
  const session = await store.session(6000);
  await store.commit([{ ...setText("of session", "1"), session }]);
  const shown: string[] = [];
  const follower = new MetadataFollower({
    store,
    clock: systemClock,
    logger: silentLogger,
    show: (key) => shown.push(key),
  });
  await follower.start();

  const works = async (key: string) => {
    const revision = await store.commit([setText(key, "1")], { expect: [{ key, revision: 0 }] });
    await follower.caughtUp(revision);
    assertEquals(shown.filter((of) => of === key), [key]);
    assert(await eventually(() => session.confirm()));
  };

  await t.step("that led and was killed", async () => {
    const leader = await cluster.leader();
    await cluster.kill(leader);
    await works("a");
    cluster.restart(leader);
    await cluster.ready(leader);
  });

  await t.step("that is asked and was killed", async () => {
    const asked = cluster.endpoints.indexOf(store.endpoint);
    await cluster.kill(asked);
    await works("b");
    cluster.restart(asked);
    await cluster.ready(asked);
  });

  await t.step("that is asked and stands still", async () => {
    const asked = cluster.endpoints.indexOf(store.endpoint);
    cluster.pause(asked);
    await works("c");
    cluster.resume(asked);
    await cluster.ready(asked);
  });

  await t.step("and a second, when one is back", async () => {
    const [first, second] = [0, 1];
    await cluster.kill(first);
    await cluster.kill(second);
    const committing = works("d");
    await new Promise((resolve) => setTimeout(resolve, 500));
    cluster.restart(first);
    await committing;
    cluster.restart(second);
    await cluster.ready(second);
  });
  await follower.close();
  assertEquals((await store.get("of session"))!.value.length, 1);
});

testWith("etcd", "EtcdSession ends when its lease is revoked", async (path) => {
  await using cluster = await EtcdCluster.start({ path });
  await using store = await openStore(cluster);
  const session = await store.session(6000);
  await store.commit([{ ...setText("a", "1"), session }]);
  assert(session.isCertain);
  await cluster.ask(0, "/v3/lease/revoke", { ID: session.name });
  await session.lost;
  assertEquals([session.isCertain, await store.get("a")], [false, undefined]);
  await assertRejects(() => store.commit([{ ...setText("a", "1"), session }]), EtcdError, "lease");
  await store.commit([setText("a", "2")]);
  const another = await store.session(6000);
  await store.commit([{ ...setText("a", "3"), session: another }]);
  assertEquals(await textsOf(store), { a: "3" });
});

testWith(
  "etcd",
  "EtcdSession is certain until its deadline only, and again when confirmed",
  async (path) => {
    await using cluster = await EtcdCluster.start({ path });
    const clock = new SkippingClock();
    await using store = await openStore(cluster, { clock });
    const session = await store.session(6000);
    assertLess(session.deadline, clock.monotonic() + 5401);
    assertEquals(session.isCertain, true);
    // The process stood still.
    clock.skip(5400);
    assertEquals(session.isCertain, false);
    assertEquals(await session.confirm(), true);
    assertEquals(session.isCertain, true);
    // The machine was suspended, which its monotonic clock does not tell.
    clock.suspend(501);
    assertEquals(session.isCertain, false);
    assertEquals(await session.confirm(), true);
    assertEquals(session.isCertain, true);
  },
);

testWith(
  "etcd",
  "EtcdMetadataStore says that the database is full, and works when it is not",
  async (path) => {
    const flags = ["--quota-backend-bytes", String(2 * 1024 * 1024)];
    await using cluster = await EtcdCluster.start({ path, flags });
    await using store = await openStore(cluster);
    const session = await store.session(6000);
    const large = { key: "large", value: new Uint8Array(400_000) };
    const error = await assertRejects(async () => {
      for (let i = 0; i < 20; i++) await store.commit([large]);
    }, EtcdError);
    assertStringIncludes(error.message, "its database is full: compact and defragment it");
    assertEquals(await session.confirm(), true);
    assertEquals((await store.get("large"))!.value.length, 400_000);
    await cluster.compact(store.position.revision);
    await cluster.makeRoom();
    await store.commit([setText("small", "1")]);
  },
);

testWith("etcd", "EtcdMetadataStore refuses etcd that was set up again", async (path, t) => {
  await using cluster = await EtcdCluster.start({ path });
  await using store = await openStore(cluster);
  await store.commit([setText("a", "1")]);
  const seen = store.position;
  await t.step("unless it is as it was seen, or later", async () => {
    await using again = await openStore(cluster, { name: store.name, seen });
    assertEquals(await textsOf(again), { a: "1" });
    const later = { ...seen, revision: seen.revision + 1000 };
    const error = await assertRejects(
      () => openStore(cluster, { name: store.name, seen: later }),
      EtcdRestoredError,
    );
    assertStringIncludes(error.message, "restored from a backup");
  });
  await t.step("from a backup, while it is in use", async () => {
    await cluster.kill(0);
    await cluster.backUp(0);
    cluster.restart(0);
    await cluster.ready(0);
    await using used = await openStore(cluster, { name: store.name });
    const session = await used.session(6000);
    await used.commit([setText("b", "1")]);
    await cluster.kill(0);
    await cluster.restore(0);
    cluster.restart(0);
    await cluster.ready(0);
    await assertRejects(() => used.read(), EtcdRestoredError, "from a backup");
    assertEquals(session.isCertain, false);
    assert(await used.failed instanceof EtcdRestoredError);
  });
  await t.step("while it is in use", async () => {
    await cluster.kill(0);
    await cluster.erase(0);
    cluster.restart(0);
    await cluster.ready(0);
    await assertRejects(() => store.read(), EtcdRestoredError);
    await assertRejects(() => store.commit([setText("a", "2")]), EtcdRestoredError);
  });
});

testWith("etcd", "EtcdMetadataStore logs in, again when its token has ended", async (path) => {
  await using cluster = await EtcdCluster.start({ path, flags: ["--auth-token-ttl", "1"] });
  const password = "secret";
  await cluster.ask(0, "/v3/auth/user/add", { name: "root", password });
  await cluster.ask(0, "/v3/auth/role/add", { name: "root" });
  await cluster.ask(0, "/v3/auth/user/grant", { user: "root", role: "root" });
  await cluster.ask(0, "/v3/auth/enable", {});
  const none = await assertRejects(() => openStore(cluster), EtcdError);
  assertStringIncludes(none.message, "metadata.credentials.file");
  const wrong = { user: "root", password: "wrong" };
  const refused = await assertRejects(
    () => openStore(cluster, { credentials: wrong }),
    EtcdError,
  );
  assertStringIncludes(refused.message, "metadata.credentials.file");
  await using relay = new EtcdRelay(cluster.endpoints[0]!);
  const endpoints = [relay.url];
  await using store = await openStore(cluster, {
    endpoints,
    credentials: { user: "root", password },
  });
  for (let logins = 1; logins < 2;) {
    await store.commit([setText("a", "1")]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await store.commit([setText("a", "2")]);
    logins = relay.paths.filter((path) => path.endsWith("/authenticate")).length;
  }
  assertEquals(await textsOf(store), { a: "2" });
});

Deno.test("EtcdMetadataStore.open() says that nothing answers, and where", async () => {
  const hosts = ["127.0.0.1", "localhost"].map((host) => `${host}:${freePort()}`);
  const error = await assertRejects(
    () =>
      EtcdMetadataStore.open({
        address: parseEtcdAddress(`etcd://${hosts}/none`),
        clock: systemClock,
        logger: silentLogger,
        patienceMs: 100,
      }),
    EtcdSilenceError,
  );
  assertStringIncludes(error.message, `in etcd at ${hosts.join(", ")}: Cannot reach etcd at `);
  assertStringIncludes(error.message, "connection refused");
});

/** Repeats an attempt until the store responds. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof EtcdSilenceError)) throw error;
    }
  }
}

testWith(
  "etcd",
  "EtcdSession ends when another deletes its key, and is seen by no one",
  async (path) => {
    await using cluster = await EtcdCluster.start({ path });
    await using store = await openStore(cluster);
    const session = await store.session(6000);
    assertEquals(await textsOf(store), {});
    await store.commit([{ key: `${SESSIONS_PREFIX}${session.name}`, value: null }]);
    assertEquals(await session.confirm(), false);
    await session.lost;
  },
);
