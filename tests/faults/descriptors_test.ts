/**
 * Tests of `dqueue serve` with few file descriptors: clients that use up all they are allowed do not keep
 * others from writing to files.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { fromSource } from "../support/broker/dqueue.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { batchOf, recordsOf } from "../support/protocol/records.ts";
import { append, createTopic, read } from "../support/protocol/requests.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

const LIMIT = 128;
const PARTITIONS = 40;
const REQUEST = { clientSoftwareName: "test", clientSoftwareVersion: "1" };

/** The program with a limit on its descriptors. */
async function limited() {
  const { path, args } = await fromSource();
  return {
    path: "/bin/sh",
    args: ["-c", `ulimit -n ${LIMIT} && exec "$0" "$@"`, path, ...args],
  };
}

/** Connects until a connection is closed instead of answered; returns the others. */
async function connectAll(address: string): Promise<RawConnection[]> {
  const connections: RawConnection[] = [];
  for (;;) {
    const connection = await RawConnection.connect(address);
    try {
      await connection.request(apiVersions, 3, REQUEST);
    } catch {
      connection.close();
      return connections;
    }
    connections.push(connection);
    assert(connections.length < LIMIT, "More connections than descriptors");
  }
}

async function said(broker: BrokerProcess, text: string): Promise<string[]> {
  const find = () => broker.log.filter((line) => line.includes(text));
  const poll = async () => {
    while (find().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await within(poll(), `the broker to log "${text}"`);
  return find();
}

Deno.test({
  name:
    "dqueue serve writes to files, refuses politely and stops well when clients take all descriptors",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await TemporaryFolder.create();
    const data = folder.join("data");
    await using broker = await BrokerProcess.start({ data, program: await limited() });
    using connection = await RawConnection.connect(broker.address);
    await createTopic(connection, "before", { partitions: PARTITIONS });
    const clients = await connectAll(broker.address);
    assertGreater(clients.length, 10);
    for (let i = 0; i < 20; i++) {
      using refused = await RawConnection.connect(broker.address);
      await refused.ended();
    }
    // Logs without an open file, new logs, and reads from files.
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const appended = await append(connection, "before", batchOf(["a"]), { partition });
      assertEquals([appended.errorCode, appended.baseOffset], [0, 0]);
    }
    await createTopic(connection, "during", { partitions: PARTITIONS });
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const appended = await append(connection, "during", batchOf(["b"]), { partition });
      assertEquals([appended.errorCode, appended.baseOffset], [0, 0]);
    }
    assertEquals((await said(broker, "Refusing connections")).length, 1);
    for (const client of clients) client.close();
    assertEquals((await said(broker, "Accepting connections again")).length, 1);
    using again = await RawConnection.connect(broker.address);
    await again.request(apiVersions, 3, REQUEST);
    const others = await connectAll(broker.address);
    assertGreater(others.length, 10);
    await broker.stop();
    for (const client of others) client.close();
    assertEquals(broker.log.filter((line) => line.includes(" ERROR ")), []);

    await using next = await BrokerProcess.start({ data, program: await limited() });
    using reading = await RawConnection.connect(next.address);
    for (const [topic, value] of [["before", "a"], ["during", "b"]] as const) {
      const { records } = await read(reading, topic, 0);
      assertEquals(recordsOf(records).map((record) => record.value), [value]);
    }
    assertEquals(next.log.filter((line) => / (?:ERROR|WARN) /.test(line)), []);
  },
});

Deno.test({
  name: "dqueue serve lets brokers in when clients take all descriptors",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await TemporaryFolder.create();
    const flags = [
      ...["--listen", "INTERNAL://127.0.0.1:0", "--inter-broker-listener-name", "INTERNAL"],
      ...["--listener-security-protocol-map", "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT"],
      ...["--http", "off"],
    ];
    const data = folder.join("data");
    await using broker = await BrokerProcess.start({ data, flags, program: await limited() });
    const [line] = await said(broker, "listener=INTERNAL");
    const internal = /Listening address=(\S+)/.exec(line!)![1]!;
    const external = internal === broker.address
      ? /address=(\S+)/.exec((await said(broker, "listener=PLAINTEXT"))[0]!)![1]!
      : broker.address;
    const clients = await connectAll(external);
    assertGreater(clients.length, 5);
    const brokers: RawConnection[] = [];
    for (let i = 0; i < 10; i++) {
      const connection = await RawConnection.connect(internal);
      await connection.request(apiVersions, 3, REQUEST);
      brokers.push(connection);
      using refused = await RawConnection.connect(external);
      await refused.ended();
    }
    for (const connection of [...clients, ...brokers]) connection.close();
    await broker.stop();
  },
});
