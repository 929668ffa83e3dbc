/**
 * A test of money that moves between accounts, while the broker is killed with `kill -9`.
 *
 * Each transfer takes from one account and gives to another, in one transaction and mostly in two
 * partitions, so a reader with `read_committed` finds the same sum over all accounts whenever no transaction
 * is open. A commit that was acknowledged is there, what was aborted is not, and of the others both parts
 * are there or none. `DQUEUE_TEST_TRANSFER_KILLS` sets the number of kills, `DQUEUE_TEST_SEED` what is drawn.
 *
 * @module
 */

import { Client } from "../../client/mod.ts";
import { Random } from "../../protocol/random_testing.ts";
import { testSeeds } from "../../protocol/seeds_testing.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import {
  audit,
  Bank,
  LIMIT_MS,
  PARTITIONS,
  Teller,
  TOPIC,
} from "../support/transactions/transfers.ts";

const KILLS = Number(Deno.env.get("DQUEUE_TEST_TRANSFER_KILLS") ?? 2);
const [SEED] = testSeeds(1) as [number];
const PRODUCERS = 4;
const TRANSFERS_PER_ROUND = 30;
const FLAGS = [
  "--transaction-abort-timed-out-transaction-cleanup-interval-ms=100",
  "--transaction-state-log-num-partitions=4",
];

Deno.test(`Transfers keep the sum of all accounts while the broker is killed ${KILLS} times`, async (t) => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  let broker = await BrokerProcess.start({ data, flags: FLAGS });
  try {
    const listen = broker.address;
    await using client = new Client({
      brokers: listen,
      timeoutMs: LIMIT_MS,
      retry: { initialBackoffMs: 10, maxBackoffMs: 100 },
    });
    await client.admin().createTopic({
      name: TOPIC,
      partitions: PARTITIONS,
      configs: { "segment.bytes": 1 << 20 },
    });
    const bank = new Bank(new Random(SEED));
    const tellers = Array.from(
      { length: PRODUCERS },
      (_, i) => new Teller(client, bank, `teller-${i % (PRODUCERS - 1)}`),
    );
    const random = new Random(SEED + 1);
    for (let round = 0; round <= KILLS; round++) {
      await t.step(`seed ${SEED}, round ${round}`, async () => {
        for (const teller of tellers) teller.start();
        await bank.untilCommitted(1 + random.below(TRANSFERS_PER_ROUND));
        if (round < KILLS) {
          await broker.kill();
          broker = await BrokerProcess.start({ data, listen, flags: FLAGS });
          await bank.untilCommitted(1 + random.below(TRANSFERS_PER_ROUND));
        }
        for (const teller of tellers) await teller.stop();
        await audit(client, bank);
      });
    }
  } finally {
    await broker[Symbol.asyncDispose]();
  }
});
