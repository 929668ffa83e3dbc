import { assertEquals } from "@std/assert";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { openDirectory } from "../log_testing.ts";

const FILE = "/data/.kafka_cleanshutdown";

Deno.test("LogDirectory.close() leaves the broker epoch in Kafka's format (KIP-966), which the next start reads", async () => {
  const fs = new MemoryFileSystem();
  const first = await openDirectory(fs);
  assertEquals([first.cleanShutdownEpoch, first.brokerEpoch], [undefined, -1]);
  await first.close();
  const second = await openDirectory(fs);
  assertEquals(second.cleanShutdownEpoch, -1);
  second.brokerEpoch = 4711;
  await second.close();
  const text = new TextDecoder().decode(fs.readFileSync(FILE));
  assertEquals(text, '{"version":0,"brokerEpoch":4711}');
  const third = await openDirectory(fs);
  assertEquals([third.cleanShutdownEpoch, third.wasCleanShutdown], [4711, true]);
  // The epoch is that of one registration.
  assertEquals(third.brokerEpoch, -1);
  const killed = fs.clone({ unsynced: "kept" });
  await third.close();
  await using fourth = await openDirectory(killed);
  assertEquals([fourth.cleanShutdownEpoch, fourth.wasCleanShutdown], [undefined, false]);
});

Deno.test("LogDirectory takes a marker without a broker epoch for one of a clean shutdown", async () => {
  for (const text of ["", "{}", '{"version":0}', '{"brokerEpoch":"x"}', "null", "[", "1"]) {
    const fs = new MemoryFileSystem();
    await (await openDirectory(fs)).close();
    fs.writeFileSync(FILE, new TextEncoder().encode(text));
    await using again = await openDirectory(fs);
    assertEquals([again.cleanShutdownEpoch, again.wasCleanShutdown], [-1, true], text);
  }
});
