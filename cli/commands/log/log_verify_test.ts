import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Broker } from "../../../broker/mod.ts";
import { Client } from "../../../client/mod.ts";
import { DenoFileSystem } from "../../../storage/file_system/deno_file_system.ts";
import { DataFolderLockedError } from "../../../storage/errors.ts";
import { FileSystemError } from "../../../storage/file_system/file_system.ts";
import { testContext } from "../../terminal/test_context.ts";
import { runIn } from "../testing.ts";
import { lockFolder } from "./verified_folder.ts";

const LOG = "00000000000000000000.log";

async function startBroker(data: string): Promise<Broker> {
  return await Broker.start({
    listen: [],
    config: { "log.dirs": data },
    logger: { error() {}, warn() {}, info() {}, debug() {} },
  });
}

/** Runs with the data folder of a stopped broker, in which "a-0" has three batches. */
async function withData(use: (data: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const data = `${folder}/data`;
    await using broker = await startBroker(data);
    await using client = new Client({ broker });
    await client.admin().createTopic({ name: "a" });
    const producer = client.producer({ lingerMs: 0 });
    for (let batch = 0; batch < 3; batch++) {
      await producer.sendBatch([0, 1].map((i) => ({ topic: "a", value: `${batch * 2 + i}` })));
    }
    await client.close();
    await broker.close();
    await use(data);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function log(...argv: string[]) {
  return await runIn(testContext(), ["log", ...argv]);
}

/**
 * Flips a bit in one of the three batches, by default the second; returns the position of the
 * batch.
 */
async function damage(data: string, batch = 1): Promise<number> {
  const bytes = await Deno.readFile(`${data}/a-0/${LOG}`);
  const position = bytes.length / 3 * batch;
  bytes[position + 70]! ^= 1;
  await Deno.writeFile(`${data}/a-0/${LOG}`, bytes);
  return position;
}

Deno.test("log verify finds nothing wrong in the data of a stopped broker", async () => {
  await withData(async (data) => {
    for (const flags of [[], ["--records"], ["--output", "json"]]) {
      const { code, stdout, stderr } = await log("verify", data, ...flags);
      assertEquals([code, stdout], [0, ""]);
      if (flags.length < 2) assertMatch(stderr, /^Checked 2 logs: \d+ records in \d+ batches, /);
    }
    assertEquals((await log("verify", `${data}/a-0/`)).code, 0);
  });
});

Deno.test("log verify prints each problem on a line with its position, and exits with 1", async () => {
  await withData(async (data) => {
    const position = await damage(data);
    const path = `${data}/a-0/${LOG}`;
    const text = await log("verify", data);
    assertEquals(text.code, 1);
    assertStringIncludes(
      text.stdout,
      `${path}, position ${position}: ${position} bytes are no valid batch, offsets 2 to 3: computed`,
    );
    assertEquals(text.stdout.trimEnd().split("\n").length, 1);
    assertStringIncludes(text.stderr, "Error: Found 1 problem\n");
    const json = await log("verify", `${data}/a-0`, "--output", "json");
    const [finding] = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals([finding.file, finding.position], [path, position]);
  });
});

Deno.test("log repair prints what would be lost, and with --execute leaves a usable folder", async () => {
  await withData(async (data) => {
    const position = await damage(data);
    const before = await Deno.readFile(`${data}/a-0/${LOG}`);
    const plan = await log("repair", data);
    assertEquals(plan.code, 0);
    assertStringIncludes(
      plan.stdout,
      `a-0: drops records of offsets 2 to 3 (at most 2), ${position} B at position ${position} of `,
    );
    assertEquals(plan.stderr, "Nothing was changed: add --execute to apply it\n");
    assertEquals(await Deno.readFile(`${data}/a-0/${LOG}`), before);

    const done = await log("repair", data, "--execute", "--output", "json");
    assertEquals(done.code, 0);
    const [drop] = done.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals([drop.action, drop.log, drop.first_offset, drop.last_offset, drop.done], [
      "drop",
      "a-0",
      2,
      3,
      true,
    ]);
    assertEquals(
      await Deno.readFile(`${data}/a-0/${LOG}.${position}.corrupt`),
      before.subarray(position, 2 * position),
    );
    assertEquals((await log("verify", data)).code, 0);
    assertEquals((await log("repair", data)).stderr, "There is nothing to repair\n");

    await using broker = await startBroker(data);
    await using client = new Client({ broker });
    await using consumer = client.consumer();
    const { messages } = await consumer.fetchFrom("a", 0, 0);
    assertEquals(messages.map((message) => message.text()), ["0", "1", "4", "5"]);
  });
});

Deno.test("log repair leaves a log that can be read to its damaged end", async () => {
  await withData(async (data) => {
    await damage(data, 2);
    assertEquals((await log("repair", data, "--execute")).code, 0);
    assertEquals((await log("verify", data, "--records")).code, 0);
    await using broker = await startBroker(data);
    await using client = new Client({ broker });
    await using consumer = client.consumer();
    const texts: string[] = [];
    for (let offset = 0, end = Infinity; offset < end;) {
      const fetched = await consumer.fetchFrom("a", 0, offset);
      texts.push(...fetched.messages.map((message) => message.text()));
      offset = fetched.nextOffset;
      end = fetched.highWatermark;
    }
    assertEquals(texts, ["0", "1", "2", "3"]);
    const producer = client.producer();
    assertEquals((await producer.send({ topic: "a", value: "6" })).offset, 6);
    assertEquals((await consumer.fetchFrom("a", 0, 4)).messages[0]?.text(), "6");
  });
});

Deno.test("log verify and log repair reject a folder in use, and a missing one", async () => {
  await withData(async (data) => {
    await using broker = await startBroker(data);
    for (const action of ["verify", "repair"]) {
      for (const folder of [data, `${data}/a-0`]) {
        const { code, stderr } = await log(action, folder);
        assertEquals(code, 1);
        assertStringIncludes(
          stderr,
          `Cannot ${action} "${folder}": it is in use by process ${Deno.pid}; stop that first`,
        );
      }
      assertStringIncludes((await log(action, `${data}/x`)).stderr, "there is no such folder");
    }
    await broker.close();
    assertEquals((await log("verify", data)).code, 0);
  });
});

Deno.test("log repair cannot restore meta.properties", async () => {
  await withData(async (data) => {
    await Deno.writeTextFile(`${data}/meta.properties`, "version=1\n");
    const { code, stderr } = await log("repair", data, "--execute");
    assertEquals(code, 1);
    assertStringIncludes(stderr, "it identifies the broker of this folder; repair it by hand");
    assert((await log("verify", data)).code === 1);
  });
});

/** A file system that cannot be written to. */
class ReadOnlyFileSystem extends DenoFileSystem {
  readonly #code: string;

  constructor(code: string) {
    super();
    this.#code = code;
  }

  override lock(path: string): Promise<never> {
    return Promise.reject(new FileSystemError("lock", path, this.#code, "it is read-only"));
  }
}

Deno.test("log verify works on a read-only folder, and still excludes brokers", async () => {
  await withData(async (data) => {
    const path = `${data}/.lock`;
    for (const code of ["EROFS", "EACCES", "EPERM"]) {
      const fs = new ReadOnlyFileSystem(code);
      const lock = await lockFolder(fs, path, true);
      assert(typeof lock !== "string");
      // Another reader may share the lock.
      const other = await lockFolder(fs, path, true);
      assert(typeof other !== "string");
      await assertRejects(() => startBroker(data), DataFolderLockedError);
      lock.release();
      other.release();
      await assertRejects(() => lockFolder(fs, path, false), FileSystemError);
    }
    await using broker = await startBroker(data);
    assertEquals(broker.addresses.length, 0);
    assertEquals(typeof await lockFolder(new ReadOnlyFileSystem("EROFS"), path, true), "string");
    await assertRejects(
      () => lockFolder(new ReadOnlyFileSystem("EIO"), path, true),
      FileSystemError,
    );
  });
});
