import { assertEquals, assertThrows } from "@std/assert";
import { DenoFileSystem } from "./deno_file_system.ts";
import { FileSystemError, isDiskFull } from "./file_system.ts";
import { bytesOf, testFileSystem } from "./file_system_testing.ts";

testFileSystem("DenoFileSystem", async (test) => {
  const root = Deno.makeTempDirSync();
  try {
    await test({ fs: new DenoFileSystem(), root });
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test({
  name: "DenoFileSystem tells a full disk from other failures",
  ignore: Deno.build.os !== "linux",
  fn() {
    const file = new DenoFileSystem().openSync("/dev/full", "append");
    const error = assertThrows(() => file.appendSync(bytesOf(1, 10)), FileSystemError);
    assertEquals(error.code, "ENOSPC");
    assertEquals(isDiskFull(error), true);
    file.close();
  },
});
