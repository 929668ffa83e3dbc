/**
 * Peers that do not authenticate: they can make the broker do nothing, hold little of it for a short time,
 * and do not hinder a neighbour.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { ManualClock } from "../../broker/time/clock.ts";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { APIS } from "../../protocol/messages/mod.ts";
import { saslAuthenticate } from "../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../protocol/messages/security/sasl_handshake.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import { plainClient } from "../../protocol/sasl/mod.ts";
import { batchOf } from "../support/protocol/records.ts";
import { append, createTopic } from "../support/protocol/requests.ts";
import { memoryNeeded } from "../support/memory_needed.ts";
import { frameOf, RawConnection } from "../support/protocol/raw_connection.ts";
import { connectAs, login } from "../support/security/raw_login.ts";
import { within } from "../support/within.ts";
import { PASSWORDS, SaslBroker } from "../support/security/sasl_broker.ts";

const CONNECTIONS = 2000;
const ATTEMPTS = 500;
/** Most connections of one address that have not authenticated. */
const MAX_PER_ADDRESS = 256;
const MIB = 1024 * 1024;
/** Addresses from which the connections come, so that none has too many. */
const HOSTS = 16;

/** A process that holds connections open. */
class Crowd implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
  }

  /** Resolves when all are open. */
  static async open(address: string, connections: number, hosts: number): Promise<Crowd> {
    const program = fromFileUrl(import.meta.resolve("../support/security/crowd.ts"));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", program, address, `${connections}`, `${hosts}`],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = await within(reader.read(), "a crowd to connect");
    await reader.cancel();
    assertEquals(value, "open\n");
    return new Crowd(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
  }
}

/** The header of a request, and nothing of its body. */
function headerOf(apiKey: number, apiVersion: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, apiKey);
  view.setInt16(2, apiVersion);
  view.setInt16(8, -1);
  return frameOf(bytes);
}

/** A frame that claims to have half a megabyte, of which little comes. */
function claim(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(200);
  new DataView(bytes.buffer).setInt32(0, 524_288);
  return bytes;
}

Deno.test("SASL listener answers no API but ApiVersions and those of SASL, in no state", async (t) => {
  await using broker = await SaslBroker.start({
    config: { "connection.failed.authentication.delay.ms": 0 },
  });
  const keys = [...APIS.map(({ key }) => key), 200, -1];
  const allowed: readonly number[] = [apiVersions.key, saslHandshake.key, saslAuthenticate.key];
  const states = {
    "at first": () => Promise.resolve(),
    "after ApiVersions": (connection: RawConnection) => connection.request(apiVersions, 0, {}),
    "after a raw handshake": (connection: RawConnection) =>
      connection.request(saslHandshake, 0, { mechanism: "SCRAM-SHA-256" }),
  };
  for (const [state, prepare] of Object.entries(states)) {
    await t.step(state, async () => {
      for (const key of keys) {
        if (allowed.includes(key)) continue;
        using connection = await RawConnection.connect(broker.address);
        await prepare(connection);
        await connection.sendBytes(headerOf(key, 0));
        await connection.ended();
      }
    });
  }
  assertEquals(broker.lines.filter((line) => line.includes(" ERROR ")), []);
});

Deno.test(`Neighbour is served beside ${CONNECTIONS} connections that do not authenticate`, async () => {
  await using broker = await SaslBroker.start();
  using neighbour = await connectAs(broker.address, "alice", PASSWORDS.alice);
  await createTopic(neighbour, "orders");
  const before = memoryNeeded();
  const attackers: RawConnection[] = [];
  try {
    for (let i = 0; i < CONNECTIONS; i++) {
      const attacker = await RawConnection.connect(broker.address);
      attackers.push(attacker);
      await attacker.sendBytes(claim()).catch(() => {});
      if (i % 100 > 0) continue;
      const { errorCode } = await append(neighbour, "orders", batchOf([`${i}`]));
      assertEquals(errorCode, 0);
      assert(broker.broker.connectionCount <= MAX_PER_ADDRESS + 2);
    }
    const held = memoryNeeded() - before;
    assert(held < 64 * MIB, `${held} bytes are held`);
    // Another client of the same address can still log in.
    using late = await connectAs(broker.address, "bob", PASSWORDS.bob);
    await late.request(metadata, 9, { topics: [] });
    const { topics } = await neighbour.request(metadata, 9, { topics: [] });
    assertEquals(topics, []);
  } finally {
    for (const attacker of attackers) attacker.close();
  }
});

Deno.test({
  name:
    `Neighbour is served beside ${CONNECTIONS} connections of many addresses that all stay, and do not authenticate`,
  // Elsewhere the loopback network has one address.
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using broker = await SaslBroker.start();
    using neighbour = await connectAs(broker.address, "alice", PASSWORDS.alice);
    await createTopic(neighbour, "orders");
    const before = memoryNeeded();
    let isOpen = false;
    const opening = Crowd.open(broker.address, CONNECTIONS, HOSTS).finally(() => isOpen = true);
    let served = 0;
    while (!isOpen) {
      const { errorCode } = await append(neighbour, "orders", batchOf(["meanwhile"]));
      assertEquals(errorCode, 0);
      served++;
    }
    await using _ = await opening;
    // All are open at the same time.
    const all = async () => {
      while (broker.broker.connectionCount < CONNECTIONS + 1) {
        await neighbour.request(metadata, 9, { topics: [] });
      }
    };
    await within(all(), "all connections");
    assertEquals(broker.broker.connectionCount, CONNECTIONS + 1);
    const held = memoryNeeded() - before;
    assert(held < 64 * MIB, `${held} bytes are held`);
    assert(served > 10, `the neighbour was served ${served} times meanwhile`);
    for (let i = 0; i < 100; i++) {
      const { errorCode } = await append(neighbour, "orders", batchOf([`${i}`]));
      assertEquals(errorCode, 0);
    }
    using late = await connectAs(broker.address, "bob", PASSWORDS.bob);
    await late.request(metadata, 9, { topics: [] });
    assertEquals(broker.broker.connectionCount, CONNECTIONS + 2);
  },
});

Deno.test("Broker gives clients thirty seconds to authenticate, whatever trickles in", async () => {
  const clock = new ManualClock();
  await using broker = await SaslBroker.start({ clock });
  using neighbour = await connectAs(broker.address, "alice", PASSWORDS.alice);
  using silent = await RawConnection.connect(broker.address);
  using slow = await RawConnection.connect(broker.address);
  using selected = await RawConnection.connect(broker.address);
  await selected.request(saslHandshake, 1, { mechanism: "PLAIN" });
  await slow.request(apiVersions, 0, {});
  for (let second = 0; second < 29; second++) {
    await slow.sendBytes(claim().subarray(second * 4, second * 4 + 4));
    clock.advance(1000);
  }
  await neighbour.request(metadata, 9, { topics: [] });
  assertEquals(broker.broker.connectionCount, 4);
  clock.advance(1000);
  for (const connection of [silent, slow, selected]) await connection.ended();
  await neighbour.request(metadata, 9, { topics: [] });
  assertEquals(broker.broker.connectionCount, 1);
});

Deno.test(`Neighbour is served beside ${ATTEMPTS} guesses of passwords`, async () => {
  await using broker = await SaslBroker.start({
    config: { "connection.failed.authentication.delay.ms": 10 },
  });
  using neighbour = await connectAs(broker.address, "alice", PASSWORDS.alice);
  let guesses = 0;
  const guess = async () => {
    while (guesses < ATTEMPTS) {
      const password = `guess ${guesses++}`;
      using connection = await RawConnection.connect(broker.address);
      const { errorCode } = await login(connection, plainClient("alice", password));
      assertEquals(errorCode, 58);
    }
  };
  const guessing = Promise.all(Array.from({ length: 50 }, guess));
  let isOver = false;
  guessing.finally(() => isOver = true);
  let served = 0;
  while (!isOver) {
    await neighbour.request(metadata, 9, { topics: [] });
    served++;
  }
  await guessing;
  assert(served > 100, `the neighbour was served ${served} times`);
  const logged = broker.lines.filter((line) => line.includes("failed to authenticate"));
  assertEquals(logged.length, 1);
});

Deno.test("Clients that give up while they wait are forgotten", async () => {
  const clock = new ManualClock();
  await using broker = await SaslBroker.start({ clock });
  for (let i = 0; i < 20; i++) {
    using connection = await RawConnection.connect(broker.address);
    await connection.request(saslHandshake, 1, { mechanism: "PLAIN" });
    await connection.send(saslAuthenticate, 1, { authBytes: new Uint8Array([0, 65, 0, 66]) });
  }
  using neighbour = await connectAs(broker.address, "alice", PASSWORDS.alice);
  clock.advance(30_000);
  while (broker.broker.connectionCount > 1) {
    await neighbour.request(metadata, 9, { topics: [] });
    clock.advance(100);
  }
});
