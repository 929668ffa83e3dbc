/**
 * Tests of transactions over several brokers: threads of one process, and a cluster over etcd, of which each
 * broker is killed in turn. Producers, coordinators and partitions are then on different brokers, so that
 * verifications and markers go over the network, and coordinators move.
 *
 * @module
 */

import { Client } from "../../client/mod.ts";
import { Random } from "../../protocol/random_testing.ts";
import { testSeeds } from "../../protocol/seeds_testing.ts";
import { BrokerCluster } from "../support/broker/broker_cluster.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { testWith } from "../support/outside.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import {
  audit,
  Bank,
  LIMIT_MS,
  PARTITIONS,
  Teller,
  TOPIC,
} from "../support/transactions/transfers.ts";

const [SEED] = testSeeds(1) as [number];
const BROKERS = [1, 2, 3];
const TRANSFERS = 5;
const FLAGS = [
  "--transaction-abort-timed-out-transaction-cleanup-interval-ms=100",
  "--transaction-state-log-num-partitions=4",
];

function connect(brokers: string): Client {
  return new Client({
    brokers,
    timeoutMs: LIMIT_MS,
    retry: { initialBackoffMs: 10, maxBackoffMs: 100 },
  });
}

/** Makes transfers, also after `fault`, and checks them when all have ended. */
async function transferOver(client: Client, bank: Bank, fault: () => Promise<void>): Promise<void> {
  const tellers = ["a", "b", "c"].map((id) => new Teller(client, bank, id));
  for (const teller of tellers) teller.start();
  await bank.untilCommitted(TRANSFERS);
  await fault();
  await bank.untilCommitted(TRANSFERS);
  for (const teller of tellers) await teller.stop();
  await audit(client, bank);
}

Deno.test("Transfers keep the sum over the workers of a process, which is killed", async () => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  const flags = [...FLAGS, "--workers=2"];
  let broker = await BrokerProcess.start({ data, flags });
  try {
    const listen = broker.address;
    await using client = connect(listen);
    await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS });
    await transferOver(client, new Bank(new Random(SEED)), async () => {
      await broker.kill();
      broker = await BrokerProcess.start({ data, listen, flags });
    });
  } finally {
    await broker[Symbol.asyncDispose]();
  }
});

testWith(
  "etcd",
  "Transfers keep the sum over a cluster, of which each broker is killed in turn",
  async (etcd, t) => {
    await using cluster = await BrokerCluster.start({ etcd, flags: FLAGS });
    await using client = connect(cluster.addresses.join());
    await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS, replicas: 3 });
    const bank = new Bank(new Random(SEED));
    for (const id of BROKERS) {
      await t.step(`broker ${id}`, async () => {
        await transferOver(client, bank, async () => {
          await cluster.kill(id);
          await bank.untilCommitted(TRANSFERS);
          await cluster.start(id);
        });
      });
    }
  },
);
