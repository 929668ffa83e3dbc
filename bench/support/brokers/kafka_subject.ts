/**
 * Apache Kafka as a subject: one or several nodes, each a broker and a controller, with Kafka's defaults.
 *
 * @module
 */

import {
  type BrokerSubject,
  processSubject,
  type RunningSubject,
  type SubjectStart,
} from "./broker_subjects.ts";
import { listed } from "./listed.ts";
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
 * @param tls A port to listen on by TLS, too, and the settings of that.
 * @throws {Error} If there are no Kafka jars.
 */
export async function kafkaSubject(
  home: string,
  tls?: { readonly port: number; readonly settings: Readonly<Record<string, string>> },
): Promise<BrokerSubject> {
  const { name, java } = await program(home);
  return nodeSubject(name, java, 1, new Map([[1, freePort()]]), tls);
}

/**
 * Makes the subject of a cluster of Kafka's nodes, in which topics have a replica on each.
 *
 * @throws {Error} If there are no Kafka jars.
 */
export async function kafkaClusterSubject(home: string, size: number): Promise<BrokerSubject> {
  const { name, java } = await program(home);
  const { leastMs, mostMs } = nodeSubject(name, java, 1, new Map()).warmUp;
  return {
    name,
    // Each virtual machine compiles for itself.
    warmUp: { leastMs: leastMs * size, mostMs },
    start: ({ folder, core }) => startCluster(name, java, size, { folder, core }),
  };
}

async function startCluster(
  name: string,
  java: readonly string[],
  size: number,
  { folder, core }: SubjectStart,
): Promise<RunningSubject> {
  const ids = Array.from({ length: size }, (_, i) => i + 1);
  const controllers = new Map(ids.map((id) => [id, freePort()]));
  await using started = new AsyncDisposableStack();
  // A controller takes office when a majority of the nodes runs, so all must start together.
  const nodes = await Promise.all(ids.map(async (id) => {
    await Deno.mkdir(`${folder}/${id}`);
    const subject = nodeSubject(name, java, id, controllers);
    return started.use(await subject.start({ folder: `${folder}/${id}`, core }));
  }));
  await listed(nodes.map(({ address }) => address));
  const running = started.move();
  return {
    name,
    address: nodes[0]!.address,
    pids: nodes.flatMap(({ pids }) => pids),
    replicationFactor: size,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function program(home: string): Promise<{ name: string; java: readonly string[] }> {
  const { jars, version } = await findJars(home);
  const java = ["java", ...JAVA_OPTIONS, "-cp", `${jars}/*`];
  return { name: `Apache Kafka ${version}`, java };
}

/** One node of a cluster whose controllers listen on these ports. */
function nodeSubject(
  name: string,
  java: readonly string[],
  id: number,
  controllers: ReadonlyMap<number, number>,
  tls?: { readonly port: number; readonly settings: Readonly<Record<string, string>> },
): BrokerSubject {
  return processSubject(name, async (port, folder) => {
    const properties = `${folder}/server.properties`;
    const own = settings(id, port, controllers, folder);
    const listen = (name: string) => `${name}=PLAINTEXT://127.0.0.1:${port}`;
    const both = tls === undefined ? own : [
      own.replace(listen("listeners"), `$&,SSL://127.0.0.1:${tls.port}`)
        .replace(listen("advertised.listeners"), `$&,SSL://127.0.0.1:${tls.port}`),
      ...Object.entries(tls.settings).map(([name, value]) => `${name}=${value}\n`),
    ].join("");
    await Deno.writeTextFile(properties, both);
    await format(java, properties);
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

function settings(
  id: number,
  port: number,
  controllers: ReadonlyMap<number, number>,
  folder: string,
): string {
  const voters = Array.from(controllers, ([voter, at]) => `${voter}@127.0.0.1:${at}`);
  const replicas = Math.min(3, controllers.size);
  return Object.entries({
    "process.roles": "broker,controller",
    "node.id": id,
    "controller.quorum.voters": voters.join(","),
    "listeners": `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllers.get(id)}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL",
    "inter.broker.listener.name": "PLAINTEXT",
    "log.dirs": `${folder}/data`,
    "offsets.topic.replication.factor": replicas,
    "transaction.state.log.replication.factor": replicas,
    "transaction.state.log.min.isr": 1,
  }).map(([name, value]) => `${name}=${value}\n`).join("");
}

/** Formats the data folder that the settings name. */
async function format(java: readonly string[], properties: string): Promise<void> {
  const [program, ...args] = [
    ...java,
    ...["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", properties],
  ];
  const { success, stderr } = await new Deno.Command(program!, { args, stdin: "null" }).output();
  if (!success) throw new Error(`Cannot format: ${new TextDecoder().decode(stderr)}`);
}
