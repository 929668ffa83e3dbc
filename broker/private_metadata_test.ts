import { assertEquals } from "@std/assert";
import { TemporaryFolder } from "../tests/support/temporary_folder.ts";
import { Broker } from "./broker.ts";
import { silentLogger } from "./logger.ts";

Deno.test({
  name:
    "Broker keeps its metadata from other users of the machine, also what they could read before",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await TemporaryFolder.create();
    const path = `${folder.path}/data`;
    const run = async () => {
      await using _ = await Broker.start({
        config: { "log.dirs": path },
        listen: "127.0.0.1:0",
        logger: silentLogger,
      });
    };
    const log = `${path}/__cluster_metadata-0`;
    const modeOf = async (name: string) => ((await Deno.stat(name)).mode ?? 0) & 0o777;
    await run();
    assertEquals(await modeOf(log), 0o700);
    const files = Array.from(Deno.readDirSync(log), ({ name }) => `${log}/${name}`);
    // As an earlier version left it.
    await Deno.chmod(log, 0o755);
    for (const file of files) await Deno.chmod(file, 0o644);
    await run();
    assertEquals(await modeOf(log), 0o700);
    for (const file of files) assertEquals(await modeOf(file), 0o600);
    // Topics follow the umask, as in Kafka.
    assertEquals(await modeOf(path) & 0o700, 0o700);
  },
});
