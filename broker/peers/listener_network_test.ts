import { assert, assertEquals, assertRejects } from "@std/assert";
import { memoryChannels } from "../../protocol/frames/channel.ts";
import type { Logger } from "../logger.ts";
import { ManualClock } from "../time/clock.ts";
import { ListenerNetwork, type OpenedConnection } from "./listener_network.ts";
import { PeerRefusalError } from "./peer_network.ts";

const SIGNAL = new AbortController().signal;
const PEER = { host: "other", port: 9092 };

class Fixture {
  readonly clock = new ManualClock();
  readonly logged: string[] = [];
  readonly network: ListenerNetwork;
  error: Error | undefined;
  lifetimeMs = 0;

  constructor() {
    const error = (message: string, { reason }: { reason?: unknown } = {}) =>
      this.logged.push(`${message}: ${reason}`);
    const logger = { error, warn() {}, info() {}, debug() {} } as unknown as Logger;
    const { clock } = this;
    const open = () => this.#open();
    this.network = new ListenerNetwork({ name: "INTERNAL", open, clock, logger });
  }

  #open(): Promise<OpenedConnection> {
    if (this.error !== undefined) return Promise.reject(this.error);
    return Promise.resolve({ channel: memoryChannels()[0], lifetimeMs: this.lifetimeMs });
  }
}

Deno.test("ListenerNetwork.connect() logs what a broker refuses once a minute, and again after it was reached", async () => {
  const fixture = new Fixture();
  const { network, clock, logged } = fixture;
  const refused = async () => {
    fixture.error = new PeerRefusalError("wrong password");
    await assertRejects(() => network.connect(PEER, SIGNAL), PeerRefusalError);
  };
  await refused();
  clock.advance(59_999);
  await refused();
  assertEquals(logged, ["Cannot connect to another broker: wrong password"]);
  clock.advance(1);
  await refused();
  assertEquals(logged.length, 2);
  fixture.error = undefined;
  await network.connect(PEER, SIGNAL);
  await refused();
  assertEquals(logged.length, 3);
  fixture.error = new Deno.errors.ConnectionRefused("down");
  await assertRejects(() => network.connect({ host: "third", port: 1 }, SIGNAL));
  assertEquals(logged.length, 3);
});

Deno.test("ListenerNetwork.connect() refuses a broker that does not have the listener", async () => {
  const { network, logged } = new Fixture();
  await assertRejects(
    () => network.connect({ host: "", port: 0 }, SIGNAL),
    PeerRefusalError,
    "it has no listener INTERNAL; give all brokers a listener of that name",
  );
  assertEquals(logged.length, 1);
});

Deno.test("ListenerNetwork.endMs() is before the end of a login", async () => {
  const fixture = new Fixture();
  const { network, clock } = fixture;
  const forever = await network.connect(PEER, SIGNAL);
  fixture.lifetimeMs = 10_000;
  const short = await network.connect(PEER, SIGNAL);
  assertEquals(network.endMs(forever), Infinity);
  const restMs = network.endMs(short) - clock.monotonic();
  assert(restMs > 5000 && restMs < 9500);
});
