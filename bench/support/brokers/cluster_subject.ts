/**
 * A cluster of this project's brokers as a subject, with etcd.
 *
 * @module
 */

import { EtcdCluster } from "../../../tests/support/etcd_cluster.ts";
import { type BrokerSubject, dqueueSubject, type RunningSubject } from "./broker_subjects.ts";
import { defaultCommand, ServedBroker } from "./served_broker.ts";
import { listed } from "./listed.ts";
import { pin } from "./process_usage.ts";

/**
 * Makes the subject of brokers that each have a replica of every partition. One member of etcd, from the
 * path, runs beside them; its processor time counts as theirs.
 */
export function dqueueClusterSubject(size: number): BrokerSubject {
  const { name, warmUp } = dqueueSubject();
  return {
    name,
    warmUp,
    async start({ folder, core }): Promise<RunningSubject> {
      await using started = new AsyncDisposableStack();
      const etcd = started.use(await EtcdCluster.start({ path: "etcd" }));
      const [endpoint] = etcd.endpoints;
      const metadata = `${endpoint!.replace("http", "etcd")}/bench`;
      const brokers: ServedBroker[] = [];
      for (let id = 1; id <= size; id++) {
        const broker = ServedBroker.start({
          data: `${folder}/${id}`,
          command: defaultCommand(["--allow-all"]),
          settings: { metadata, "node.id": String(id) },
        });
        started.defer(() => broker.kill());
        (await broker.connect()).close();
        if (core !== undefined) await pin(broker.pid, core);
        brokers.push(broker);
      }
      const addresses = brokers.map(({ address }) => address);
      await listed(addresses);
      const running = started.move();
      return {
        name,
        address: addresses[0]!,
        pids: [...brokers.map(({ pid }) => pid), ...etcd.pids],
        replicationFactor: size,
        [Symbol.asyncDispose]: () => running.disposeAsync(),
      };
    },
  };
}
