import { assertEquals, assertRejects } from "@std/assert";
import { envelope } from "../../protocol/messages/cluster/envelope.ts";
import { ManualClock } from "../time/clock.ts";
import { type ReceivedEnvelope, TestNetwork } from "./peer_testing.ts";
import { PeerAnswerLostError, Peers, PeerUnreachableError } from "./peers.ts";

const PEER = { id: 2, host: "other", port: 9092 };

/** Connections to brokers that keep what they receive for the test. */
class Fixture implements Disposable {
  readonly clock: ManualClock = new ManualClock();
  readonly received: ReceivedEnvelope[] = [];
  readonly network: TestNetwork = new TestNetwork((received) => this.#receive(received));
  readonly peers: Peers = new Peers({ network: this.network, nodeId: 1, clock: this.clock });
  #arrived: (() => void) | undefined;

  send(byte: number, timeoutMs = 1000, peer = PEER) {
    const request = {
      requestData: new Uint8Array([byte]),
      requestPrincipal: null,
      clientHostAddress: new Uint8Array(),
    };
    return this.peers.request(peer, envelope, 0, request, timeoutMs);
  }

  /** Resolves when a number of requests have arrived in all. */
  async arrived(count: number): Promise<void> {
    while (this.received.length < count) {
      await new Promise<void>((resolve) => this.#arrived = resolve);
    }
  }

  #receive(received: ReceivedEnvelope): void {
    this.received.push(received);
    this.#arrived?.();
  }

  [Symbol.dispose](): void {
    this.peers.close();
  }
}

Deno.test("Peers.request() sends requests over one connection and tells responses apart", async () => {
  using fixture = new Fixture();
  const first = fixture.send(1);
  const second = fixture.send(2);
  await fixture.arrived(2);
  for (const { request, respond } of fixture.received.toReversed()) {
    respond({ responseData: request.requestData, errorCode: 0 });
  }
  assertEquals((await first).responseData, new Uint8Array([1]));
  assertEquals((await second).responseData, new Uint8Array([2]));
  assertEquals(fixture.network.connectionCount, 1);
  assertEquals(fixture.clock.timerCount, 0);
});

Deno.test("Peers.request() rejects with PeerUnreachableError if it cannot connect, and tries again", async () => {
  using fixture = new Fixture();
  fixture.network.isDown = true;
  await assertRejects(() => fixture.send(1), PeerUnreachableError);
  fixture.network.isDown = false;
  const sent = fixture.send(1);
  await fixture.arrived(1);
  fixture.received[0]!.respond({ errorCode: 0 });
  await sent;
});

Deno.test("Peers.request() rejects with PeerAnswerLostError if the connection ends, and connects again", async () => {
  using fixture = new Fixture();
  const lost = [fixture.send(1), fixture.send(2)];
  await fixture.arrived(2);
  fixture.received[0]!.cut();
  for (const sent of lost) await assertRejects(() => sent, PeerAnswerLostError);
  const sent = fixture.send(3);
  await fixture.arrived(3);
  fixture.received[2]!.respond({ errorCode: 0 });
  await sent;
  assertEquals(fixture.network.connectionCount, 2);
});

Deno.test("Peers.request() rejects after its time limit, and connects again", async () => {
  using fixture = new Fixture();
  const late = fixture.send(1, 500);
  const behind = fixture.send(2, 5000);
  await fixture.arrived(2);
  fixture.clock.advance(500);
  await assertRejects(() => late, PeerAnswerLostError, "within 500 ms");
  await assertRejects(() => behind, PeerAnswerLostError);
  fixture.received[0]!.respond({ errorCode: 7 });
  const sent = fixture.send(3);
  await fixture.arrived(3);
  fixture.received[2]!.respond({ errorCode: 0 });
  assertEquals((await sent).errorCode, 0);
  assertEquals(fixture.network.connectionCount, 2);
  assertEquals(fixture.clock.timerCount, 0);
});

Deno.test("Peers.request() connects again to a broker that has moved, or after a long time idle", async () => {
  using fixture = new Fixture();
  const send = async (port: number) => {
    const sent = fixture.send(1, 1000, { ...PEER, port });
    const count = fixture.received.length + 1;
    await fixture.arrived(count);
    fixture.received[count - 1]!.respond({ errorCode: 0 });
    await sent;
  };
  await send(1);
  await send(1);
  assertEquals(fixture.network.connectionCount, 1);
  await send(2);
  assertEquals(fixture.network.connectionCount, 2);
  fixture.clock.advance(120_000);
  await send(2);
  assertEquals(fixture.network.connectionCount, 3);
});

Deno.test("Peers.close() fails what waits, and everything after", async () => {
  using fixture = new Fixture();
  const sent = fixture.send(1);
  await fixture.arrived(1);
  fixture.peers.close();
  await assertRejects(() => sent, PeerAnswerLostError);
  await assertRejects(() => fixture.send(2), PeerUnreachableError);
});

Deno.test("Peers.request() replaces a connection whose login is about to end, after its last response", async () => {
  using fixture = new Fixture();
  const { network, clock, received } = fixture;
  network.lastMs = clock.monotonic() + 500;
  const early = fixture.send(1);
  await fixture.arrived(1);
  clock.advance(500);
  const late = fixture.send(2);
  await fixture.arrived(2);
  assertEquals(network.connectionCount, 2);
  for (const { request, respond } of received) {
    respond({ responseData: request.requestData, errorCode: 0 });
  }
  assertEquals((await early).responseData, new Uint8Array([1]));
  assertEquals((await late).responseData, new Uint8Array([2]));
});
