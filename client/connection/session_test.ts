import { assert, assertEquals, assertRejects } from "@std/assert";
import { metadata, saslHandshake } from "../../protocol/messages/mod.ts";
import { Client } from "../client.ts";
import { resolveClientOptions, saslAuthenticator } from "../client_options.ts";
import { AuthenticationError, ConnectionError, TimeoutError } from "../errors.ts";
import { resolveSasl, type SecurityOptions } from "../security/security_options.ts";
import { FakeCluster } from "../testing/fake_cluster.ts";
import { demandSasl } from "../testing/fake_sasl.ts";
import { ClientCore } from "./client_core.ts";

const ALICE = { mechanism: "PLAIN", username: "alice", password: "secret" } as const;

/** A client of a cluster in memory that authenticates, as one over a network does. */
function clientOf(
  cluster: FakeCluster,
  sasl: SecurityOptions["sasl"],
  options: { readonly requestTimeoutMs?: number; readonly connectTimeoutMs?: number } = {},
): ClientCore {
  const retry = { initialBackoffMs: 0, attempts: 2 };
  return new ClientCore({
    ...resolveClientOptions({ broker: cluster, timeoutMs: 5000, retry, ...options }),
    authenticator: saslAuthenticator(resolveSasl(sasl)!),
  });
}

async function closed(core: ClientCore, cluster: FakeCluster): Promise<void> {
  await core.close();
  await cluster.idle();
}

/** A function that returns when it is told to. */
function slowFunction<T>() {
  const calls: PromiseWithResolvers<T>[] = [];
  let called = Promise.withResolvers<void>();
  const call = () => {
    calls.push(Promise.withResolvers<T>());
    called.resolve();
    called = Promise.withResolvers<void>();
    return calls.at(-1)!.promise;
  };
  const untilCalled = async (count: number) => {
    while (calls.length < count) await called.promise;
  };
  return { call, calls, untilCalled };
}

/** The clock that sessions are measured with, which stands still until it is moved. */
class MovedClock implements Disposable {
  readonly #now = performance.now;
  #ms = performance.now();
  constructor() {
    performance.now = () => this.#ms;
  }
  advance(ms: number): void {
    this.#ms += ms;
  }
  [Symbol.dispose](): void {
    performance.now = this.#now;
  }
}

Deno.test("Client authenticates again before its session ends, and loses no request (KIP-368)", async () => {
  using clock = new MovedClock();
  const cluster = new FakeCluster();
  const logins = await demandSasl(cluster, { sessionLifetimeMs: 60_000 });
  const core = clientOf(cluster, ALICE);
  const ask = () => core.requestAny(metadata, { topics: [] });
  await ask();
  clock.advance(30_000);
  await ask();
  assertEquals(logins.length, 1);
  const open = core.control.existing(resolveClientOptions({ broker: cluster }).bootstrap[0]!)!;
  clock.advance(29_000);
  const before = cluster.requests.length;
  await Promise.all([ask(), ask(), ask()]);
  assertEquals(logins.length, 2);
  assertEquals(cluster.requests.slice(before).map(({ api }) => api), [
    "SaslHandshake",
    "SaslAuthenticate",
    "Metadata",
    "Metadata",
    "Metadata",
  ]);
  assert(open.isOpen, "the connection stays");
  clock.advance(59_000);
  await ask();
  assertEquals(logins.length, 3);
  await core.close();
  await cluster.idle();
});

Deno.test("Client authenticates again after what is in flight", async () => {
  using clock = new MovedClock();
  const cluster = new FakeCluster();
  const logins = await demandSasl(cluster, { sessionLifetimeMs: 60_000 });
  const core = clientOf(cluster, ALICE);
  const ask = () => core.requestAny(metadata, { topics: [] });
  await ask();
  const gate = Promise.withResolvers<void>();
  cluster.once(metadata, async (_, { usual }) => {
    await gate.promise;
    return await usual();
  });
  const slow = ask();
  await cluster.untilReceived(metadata, 2);
  clock.advance(59_000);
  const next = ask();
  gate.resolve();
  await Promise.all([slow, next]);
  assertEquals(logins.length, 2);
  const apis = cluster.requests.map(({ api }) => api).slice(-4);
  assertEquals(apis, ["Metadata", "SaslHandshake", "SaslAuthenticate", "Metadata"]);
  await core.close();
  await cluster.idle();
});

Deno.test("Client does not authenticate twice in a row after it had to wait for what was in flight", async () => {
  using clock = new MovedClock();
  const cluster = new FakeCluster();
  const logins = await demandSasl(cluster, { sessionLifetimeMs: 60_000 });
  const core = clientOf(cluster, ALICE);
  const ask = () => core.requestAny(metadata, { topics: [] }, { timeoutMs: 300_000 });
  await ask();
  const gate = Promise.withResolvers<void>();
  cluster.once(metadata, async (_, { usual }) => {
    await gate.promise;
    return await usual();
  });
  const slow = ask();
  await cluster.untilReceived(metadata, 2);
  clock.advance(59_000);
  const next = ask();
  // The handshake is sent.
  await new Promise((resolve) => setTimeout(resolve));
  clock.advance(59_000);
  gate.resolve();
  await Promise.all([slow, next]);
  await ask();
  assertEquals(logins.length, 2);
  await closed(core, cluster);
});

Deno.test("Client reports credentials that are refused when the session is renewed", async () => {
  using clock = new MovedClock();
  const cluster = new FakeCluster();
  await demandSasl(cluster, { sessionLifetimeMs: 60_000 });
  let password = "secret";
  const core = clientOf(cluster, () => ({ ...ALICE, password }));
  const ask = () => core.retry("ask", {}, () => core.requestAny(metadata, { topics: [] }));
  await ask();
  password = "old";
  clock.advance(59_000);
  await assertRejects(ask, AuthenticationError, "Invalid username or password");
  await core.close();
  await cluster.idle();
});

Deno.test("Client sends requests while credentials for the next session are fetched", async () => {
  using clock = new MovedClock();
  const cluster = new FakeCluster();
  const logins = await demandSasl(cluster, { sessionLifetimeMs: 60_000 });
  const provider = slowFunction<typeof ALICE>();
  const core = clientOf(cluster, provider.call);
  const ask = () => core.requestAny(metadata, { topics: [] });
  const first = ask();
  await provider.untilCalled(1);
  provider.calls[0]!.resolve(ALICE);
  await first;
  clock.advance(57_500);
  await Promise.all([ask(), ask()]);
  assertEquals([provider.calls.length, logins.length], [2, 1]);
  // Now the session is about to end.
  clock.advance(1500);
  const asked = cluster.received(metadata).length;
  const late = [ask(), ask()];
  provider.calls[1]!.resolve(ALICE);
  await Promise.all(late);
  const apis = cluster.requests.map(({ api }) => api).slice(-4);
  assertEquals(apis, ["SaslHandshake", "SaslAuthenticate", "Metadata", "Metadata"]);
  assertEquals(cluster.received(metadata).length, asked + 2);
  await closed(core, cluster);
});

Deno.test("Client keeps its session while a function fails, as long as it lasts", async () => {
  using clock = new MovedClock();
  const cluster = new FakeCluster();
  const logins = await demandSasl(cluster, { sessionLifetimeMs: 600_000 });
  let isAway = false;
  let calls = 0;
  const core = clientOf(cluster, () => {
    calls++;
    if (isAway) throw new Error("the provider is away");
    return ALICE;
  });
  const ask = () => core.requestAny(metadata, { topics: [] });
  await ask();
  const open = core.control.existing(resolveClientOptions({ broker: cluster }).bootstrap[0]!)!;
  isAway = true;
  clock.advance(575_000);
  await Promise.all([ask(), ask()]);
  assertEquals([calls, logins.length], [2, 1]);
  await ask();
  assertEquals(calls, 2, "it waits before the next attempt");
  clock.advance(1001);
  await ask();
  assertEquals(calls, 3);
  isAway = false;
  clock.advance(1001);
  await ask();
  await ask();
  assertEquals([calls, logins.length, open.isOpen], [4, 2, true]);
  isAway = true;
  clock.advance(599_000);
  await assertRejects(ask, ConnectionError, "the provider is away");
  assert(!open.isOpen);
  await closed(core, cluster);
});

Deno.test("Client gives up on a function that does not return, and names it", async (t) => {
  const forever = () => new Promise<never>(() => {});
  const token = { mechanism: "OAUTHBEARER", token: forever } as const;
  for (const [name, sasl] of [["sasl", forever], ["sasl.token", token]] as const) {
    await t.step(name, async () => {
      const cluster = new FakeCluster();
      await demandSasl(cluster);
      const core = clientOf(cluster, sasl, { connectTimeoutMs: 10 });
      const ask = () => core.retry("ask", {}, () => core.requestAny(metadata, { topics: [] }));
      await assertRejects(
        ask,
        TimeoutError,
        `within 10 ms: the function "${name}" of the client has not returned`,
      );
      assertEquals(cluster.received(saslHandshake).length, 0);
      await closed(core, cluster);
    });
  }
  await t.step("tls", async () => {
    await using client = new Client({
      brokers: "127.0.0.1:1",
      tls: forever,
      connectTimeoutMs: 10,
      retry: { attempts: 1 },
    });
    await assertRejects(
      () => client.admin().listTopics(),
      TimeoutError,
      'the function "tls" of the client has not returned',
    );
  });
  await t.step("when the client is closed meanwhile", async () => {
    const cluster = new FakeCluster();
    await demandSasl(cluster);
    const provider = slowFunction<typeof ALICE>();
    const core = clientOf(cluster, provider.call);
    const asked = assertRejects(() => core.requestAny(metadata, { topics: [] }));
    await provider.untilCalled(1);
    await closed(core, cluster);
    await asked;
    // What it does later has no effect.
    provider.calls[0]!.reject(new Error("late"));
  });
  await t.step("when the client is closed during a renewal", async () => {
    using clock = new MovedClock();
    const cluster = new FakeCluster();
    await demandSasl(cluster, { sessionLifetimeMs: 60_000 });
    let calls = 0;
    const core = clientOf(cluster, () => ++calls === 1 ? ALICE : forever());
    const ask = () => core.requestAny(metadata, { topics: [] });
    await ask();
    clock.advance(57_500);
    await ask();
    clock.advance(1500);
    const held = assertRejects(ask);
    assertEquals(calls, 2);
    // The sanitizers find what would still wait.
    await closed(core, cluster);
    await held;
  });
  await t.step("when a session has ended", async () => {
    using clock = new MovedClock();
    const cluster = new FakeCluster();
    const logins = await demandSasl(cluster, { sessionLifetimeMs: 60_000 });
    let calls = 0;
    const core = clientOf(cluster, () => ++calls === 2 ? forever() : ALICE, {
      requestTimeoutMs: 10,
    });
    const ask = () => core.requestAny(metadata, { topics: [] });
    await ask();
    clock.advance(59_000);
    await assertRejects(
      ask,
      ConnectionError,
      'the function "sasl" of the client has not returned before the session ended',
    );
    await ask();
    assertEquals([calls, logins.length], [3, 2], "the next connection asks it again");
    await closed(core, cluster);
  });
});
