import { assertEquals, assertRejects } from "@std/assert";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { diskFull, WatchedFileSystem } from "../file_system/watched_file_system_testing.ts";
import { openDirectory } from "../log_testing.ts";

const META = { clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1, directoryId: "abc" };

Deno.test("LogDirectory.writeMetaProperties() keeps properties that are not given", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  const metadata = { name: "orders", clusterId: "148", revision: 12 };
  await directory.writeMetaProperties({
    ...META,
    incarnations: ["first"],
    hasHighWatermarks: true,
  });
  await directory.writeMetaProperties({ ...META, metadata });
  const all = { ...META, metadata, incarnations: ["first"], hasHighWatermarks: true };
  assertEquals(directory.metaProperties, all);
  await directory.close();
  await using again = await openDirectory(fs);
  assertEquals([again.metaProperties, again.metaPropertiesAtOpen], [all, all]);
  await again.writeMetaProperties({ ...META, incarnations: ["first", "second"] });
  assertEquals(again.metaPropertiesAtOpen?.incarnations, ["first"]);
  assertEquals(again.metaProperties, { ...all, incarnations: ["first", "second"] });
});

Deno.test("LogDirectory.writeMetaProperties() writes all of concurrent calls, and forgets a failed one", async () => {
  const memory = new MemoryFileSystem();
  const fs = new WatchedFileSystem(memory);
  await using directory = await openDirectory(fs);
  await Promise.all([
    directory.writeMetaProperties(META),
    directory.writeMetaProperties({ ...META, incarnations: ["first"] }),
    directory.writeMetaProperties({ ...META, hasHighWatermarks: true }),
  ]);
  const all = { ...META, incarnations: ["first"], hasHighWatermarks: true };
  await using again = await openDirectory(memory.clone({ unsynced: "lost" }));
  assertEquals(again.metaProperties, all);
  fs.onCreate = (path) => {
    throw diskFull(path);
  };
  await assertRejects(() =>
    directory.writeMetaProperties({ ...META, incarnations: ["first", "second"] })
  );
  fs.onCreate = () => {};
  assertEquals(directory.metaProperties, all);
});
