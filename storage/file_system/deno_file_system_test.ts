import { assertEquals } from "@std/assert";
import { DenoFileSystem } from "./deno_file_system.ts";
import { testFileSystem } from "./file_system_testing.ts";

testFileSystem("DenoFileSystem", async (test) => {
  const root = Deno.makeTempDirSync();
  try {
    await test({ fs: new DenoFileSystem(), root });
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test({
  name: "DenoFileSystem distinguishes a full disk from other failures",
  // Only Linux has this device.
  ignore: Deno.build.os !== "linux",
  async fn() {
    // Deno opens devices only with all permissions, which a program of `deno eval` has.
    const program = `
      import { DenoFileSystem } from ${
      JSON.stringify(import.meta.resolve("./deno_file_system.ts"))
    };
      import { isDiskFull } from ${JSON.stringify(import.meta.resolve("./file_system.ts"))};
      const file = new DenoFileSystem().openSync("/dev/full", "append");
      try {
        file.appendSync(new Uint8Array(10));
      } catch (error) {
        console.log(error.name, error.code, isDiskFull(error));
      }
      file.close();`;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", program],
      stderr: "inherit",
    }).output();
    assertEquals(new TextDecoder().decode(stdout).trim(), "FileSystemError ENOSPC true");
  },
});
