import { assertEquals, assertRejects } from "@std/assert";
import { clientIdOf, TrialNetwork, TrialRelay } from "./trial_network.ts";

const ANY = { hostname: "127.0.0.1", port: 0 };

/** The beginning of a request with a client id. */
function request(clientId: string | null): Uint8Array<ArrayBuffer> {
  const id = new TextEncoder().encode(clientId ?? "");
  const bytes = new Uint8Array(14 + id.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, bytes.length - 4);
  view.setInt16(12, clientId === null ? -1 : id.length);
  bytes.set(id, 14);
  return bytes;
}

/** A server that sends back what it gets. */
function echo() {
  const listener = Deno.listen(ANY);
  const served = (async () => {
    for await (const connection of listener) {
      connection.readable.pipeTo(connection.writable).catch(() => {});
    }
  })();
  return {
    address: listener.addr,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await served;
    },
  };
}

function relayTo(address: Deno.NetAddr, network: TrialNetwork, isToEtcd = false) {
  const relay = new TrialRelay({ network, listen: ANY, broker: 2, isToEtcd });
  relay.connectTo(address);
  return Object.assign(relay, { [Symbol.dispose]: () => relay.close() });
}

async function read(connection: Deno.Conn, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (let count = 0; count < size;) {
    count += (await connection.read(bytes.subarray(count))) ?? Infinity;
  }
  return bytes;
}

/** What a connection brings, as soon as it brings anything. */
function watch(connection: Deno.Conn, size: number) {
  const watched = { hasArrived: false, arrived: read(connection, size) };
  watched.arrived.then(() => watched.hasArrived = true, () => {});
  return watched;
}

Deno.test("clientIdOf() returns the client id once there is enough of the request", () => {
  const bytes = request("broker-12");
  for (let length = 0; length < bytes.length; length++) {
    assertEquals(clientIdOf(bytes.subarray(0, length)), undefined);
  }
  assertEquals(clientIdOf(bytes), "broker-12");
  assertEquals(clientIdOf(request(null)), "");
});

Deno.test("TrialRelay holds what brokers send while one of them is cut off, and delivers it afterwards", async () => {
  for (const cut of [2, 3]) {
    const network = new TrialNetwork();
    await using server = echo();
    using relay = relayTo(server.address, network);
    using broker = await Deno.connect(relay.address);
    const bytes = request("broker-3");
    await broker.write(bytes);
    assertEquals(await read(broker, bytes.length), bytes);
    network.cut(cut);
    await broker.write(bytes);
    const answer = watch(broker, bytes.length);
    using client = await Deno.connect(relay.address);
    for (const each of ["client", "broker-", "my-broker-3", "broker-4"]) {
      // Broker 4 is cut off from broker 2 only if that is the one.
      if (each === "broker-4" && cut === 2) continue;
      using other = await Deno.connect(relay.address);
      await other.write(request(each));
      assertEquals(await read(other, request(each).length), request(each));
    }
    await client.write(request(null));
    assertEquals(await read(client, 14), request(null));
    assertEquals(answer.hasArrived, false);
    network.heal(cut);
    assertEquals(await answer.arrived, bytes);
  }
});

Deno.test("TrialRelay to etcd holds everything of a broker that is cut off, new connections included", async () => {
  const network = new TrialNetwork();
  await using server = echo();
  using relay = relayTo(server.address, network, true);
  network.cut(2);
  using connection = await Deno.connect(relay.address);
  await connection.write(new Uint8Array([1]));
  const answer = watch(connection, 1);
  network.cut(2);
  assertEquals(answer.hasArrived, false);
  network.heal(2);
  assertEquals(await answer.arrived, new Uint8Array([1]));
});

Deno.test("TrialRelay refuses connections while it is closed, and accepts them when it is open again", async () => {
  const network = new TrialNetwork();
  await using server = echo();
  using relay = relayTo(server.address, network);
  using connection = await Deno.connect(relay.address);
  await connection.write(request("a"));
  await read(connection, 15);
  relay.close();
  assertEquals(await connection.read(new Uint8Array(1)).catch(() => null), null);
  await assertRejects(() => Deno.connect(relay.address), Deno.errors.ConnectionRefused);
  relay.open();
  relay.connectTo(server.address);
  using other = await Deno.connect(relay.address);
  await other.write(request("a"));
  assertEquals(await read(other, 15), request("a"));
});
