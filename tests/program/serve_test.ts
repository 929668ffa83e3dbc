/**
 * Tests of `dqueue serve` as a process: signals, and what two processes must not share.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fetch } from "../../protocol/messages/mod.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { attempt, fromSource, ROOT } from "../support/broker/dqueue.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { batchOf, recordsOf } from "../support/protocol/records.ts";
import {
  append,
  createTopic,
  FETCH_BY_NAME,
  fetchRequest,
  read,
} from "../support/protocol/requests.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

Deno.test("dqueue serve stops on a signal while clients wait, and loses nothing", async (t) => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  let written = 0;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await t.step(signal, async () => {
      await using broker = await BrokerProcess.start({ data });
      using connection = await RawConnection.connect(broker.address);
      if (written === 0) await createTopic(connection, "t");
      const values = recordsOf((await read(connection, "t", 0)).records);
      assertEquals(
        values.map(({ value }) => value),
        Array.from({ length: written }, (_, i) => `${i}`),
      );
      // With acks=1 the shutdown has to flush.
      await append(connection, "t", batchOf([`${written++}`]), { acks: 1 });
      using waiting = await RawConnection.connect(broker.address);
      const request = fetchRequest("t", written, { maxWaitMs: 600_000 });
      await waiting.send(fetch, FETCH_BY_NAME, request);
      await broker.stop(signal);
      assertEquals(broker.log.filter((line) => / (?:ERROR|WARN) /.test(line)), []);
      await connection.ended();
    });
  }
});

Deno.test("dqueue serve refuses a folder or an address that is in use", async () => {
  await using folder = await TemporaryFolder.create();
  await using broker = await BrokerProcess.start({ data: folder.join("data") });
  const serve = (data: string, listen: string) =>
    attempt(["serve", "--data", folder.join(data), "--listen", listen]);
  const sameFolder = await serve("data", "127.0.0.1:0");
  assertEquals(sameFolder.code, 1);
  assertStringIncludes(sameFolder.stderr, `it is in use by process ${broker.pid}`);
  assertStringIncludes(sameFolder.stderr, "--data");
  const sameAddress = await serve("other", broker.address);
  assertEquals(sameAddress.code, 1);
  assertStringIncludes(sameAddress.stderr, "--listen");
  // The first one is not affected.
  using connection = await RawConnection.connect(broker.address);
  await createTopic(connection, "t");
  assertEquals((await append(connection, "t", batchOf(["a"]))).baseOffset, 0);
});

Deno.test("dqueue serve with all permissions keeps its data in /dev/shm, which requires them", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const data = `/dev/shm/dqueue-test-${crypto.randomUUID()}`;
  const { path } = await fromSource();
  const program = { path, args: ["run", "--quiet", "-A", `${ROOT}main.ts`] };
  try {
    await using broker = await BrokerProcess.start({ data, program });
    using connection = await RawConnection.connect(broker.address);
    await createTopic(connection, "t");
    assertEquals((await append(connection, "t", batchOf(["a"]))).baseOffset, 0);
    await broker.stop("SIGTERM");
  } finally {
    // The test itself may not have all permissions.
    await new Deno.Command("rm", { args: ["-rf", data] }).output();
  }
});

Deno.test("dqueue serve takes over the folder of a killed broker, but not of a running one", async () => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  let broker = await BrokerProcess.start({ data });
  try {
    for (let kill = 0; kill < 2; kill++) {
      const second = await attempt(["serve", "--data", data, "--listen", "127.0.0.1:0"]);
      assertEquals(second.code, 1);
      assertStringIncludes(second.stderr, `it is in use by process ${broker.pid}`);
      await broker.kill();
      broker = await BrokerProcess.start({ data });
    }
    await broker.stop();
  } finally {
    await broker[Symbol.asyncDispose]();
  }
});
