/**
 * Apache Kafka as a subject: one node, broker and controller in one, with Kafka's defaults.
 *
 * @module
 */

import { type BrokerSubject, processSubject } from "./broker_subjects.ts";
import { freePort } from "./served_broker.ts";

/** Options of the virtual machine, as in `kafka-server-start.sh`. */
const JAVA_OPTIONS = [
  "-Xmx1G",
  "-Xms1G",
  "-server",
  "-XX:+UseG1GC",
  "-XX:MaxGCPauseMillis=20",
  "-XX:InitiatingHeapOccupancyPercent=35",
  "-XX:+ExplicitGCInvokesConcurrent",
  "-Djava.awt.headless=true",
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
];
const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk";

/**
 * Makes the subject of Kafka from the folder it was unpacked to, or any folder with its jars, or with a `libs`
 * or `lib` that has them.
 *
 * Its version is part of the subject's name. Needs `java` in the path.
 *
 * @throws {Error} If there are no Kafka jars.
 */
export async function kafkaSubject(home: string): Promise<BrokerSubject> {
  const { jars, version } = await findJars(home);
  const java = ["java", ...JAVA_OPTIONS, "-cp", `${jars}/*`];
  const formatted = await format(java);
  return processSubject(`Apache Kafka ${version}`, async (port, folder) => {
    const properties = `${folder}/server.properties`;
    await Deno.writeTextFile(properties, settings(port, freePort(), folder));
    await Deno.mkdir(`${folder}/data`);
    for (const [name, bytes] of formatted) await Deno.writeFile(`${folder}/data/${name}`, bytes);
    return { command: [...java, "kafka.Kafka", properties] };
  });
}

async function findJars(home: string): Promise<{ jars: string; version: string }> {
  for (const jars of [`${home}/libs`, `${home}/lib`, home]) {
    try {
      for await (const { name } of Deno.readDir(jars)) {
        const [, version] = /^kafka-clients-(.+)\.jar$/.exec(name) ?? [];
        if (version !== undefined) return { jars, version };
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`There is no kafka-clients jar in "${home}", nor in its libs or lib`);
}

function settings(port: number, controllerPort: number, folder: string): string {
  return Object.entries({
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    "listeners": `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "log.dirs": `${folder}/data`,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
  }).map(([name, value]) => `${name}=${value}\n`).join("");
}

/** Returns the files of a new data folder, which do not depend on its path. */
async function format(java: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const folder = await Deno.makeTempDir({ prefix: "dqueue-bench-" });
  try {
    const properties = `${folder}/server.properties`;
    await Deno.writeTextFile(properties, settings(1, 2, folder));
    const [program, ...args] = [
      ...java,
      ...["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", properties],
    ];
    const { success, stderr } = await new Deno.Command(program!, { args, stdin: "null" }).output();
    if (!success) throw new Error(`Cannot format: ${new TextDecoder().decode(stderr)}`);
    const files = new Map<string, Uint8Array>();
    for await (const { name } of Deno.readDir(`${folder}/data`)) {
      files.set(name, await Deno.readFile(`${folder}/data/${name}`));
    }
    return files;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
