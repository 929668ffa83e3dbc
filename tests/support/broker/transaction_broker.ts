/**
 * A broker for tests of transactions, which look for transactions that have timed out often.
 *
 * With an address in `DQUEUE_TEST_BROKER` the tests use the broker there instead, such as Apache Kafka, to
 * see that they expect what it does. It needs
 * `transaction.abort.timed.out.transaction.cleanup.interval.ms=100` and
 * `group.initial.rebalance.delay.ms=0`.
 *
 * @module
 */

import type { BrokerSettings } from "../../../broker/mod.ts";
import { Client } from "../../../client/mod.ts";
import { LocalBroker } from "./local_broker.ts";

const BROKER_VARIABLE = "DQUEUE_TEST_BROKER";

/** The settings of the broker. */
export const TRANSACTION_SETTINGS: Partial<BrokerSettings> = {
  "transaction.abort.timed.out.transaction.cleanup.interval.ms": 100,
  "group.initial.rebalance.delay.ms": 0,
  // Fewer than by default are sooner there.
  "transaction.state.log.num.partitions": 4,
  "offsets.topic.num.partitions": 4,
};

/** A broker with a topic of two partitions for output and one of one partition for input. */
export class TransactionBroker implements AsyncDisposable {
  readonly #local: LocalBroker | undefined;
  readonly address: string;
  readonly client: Client;
  /** The topic for output. */
  readonly topic: string;

  private constructor(local: LocalBroker | undefined, address: string) {
    this.#local = local;
    this.address = address;
    this.client = new Client({ brokers: address });
    this.topic = `output-${crypto.randomUUID().slice(0, 8)}`;
  }

  /** The topic for input. */
  get input(): string {
    return `${this.topic}-input`;
  }

  /** Starts a broker, unless there is one to be used, and creates the topics. */
  static async start(): Promise<TransactionBroker> {
    const given = Deno.env.get(BROKER_VARIABLE);
    const local = given === undefined
      ? await LocalBroker.start({ config: TRANSACTION_SETTINGS })
      : undefined;
    const broker = new TransactionBroker(local, given ?? local!.address);
    try {
      const admin = broker.client.admin();
      await admin.createTopic({ name: broker.topic, partitions: 2 });
      await admin.createTopic({ name: broker.input, partitions: 1 });
      return broker;
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Reads what readers of an isolation see of the output, partition by partition. */
  async read(isolationLevel: "read_committed" | "read_uncommitted"): Promise<string[][]> {
    await using consumer = this.client.consumer({ isolationLevel });
    const ends = await this.client.admin().listOffsets(this.topic, "latest", { isolationLevel });
    const found: string[][] = [];
    for (const { partition, offset: end } of ends) {
      const values: string[] = [];
      for (let offset = 0; offset < end;) {
        const { messages, nextOffset } = await consumer.fetchFrom(this.topic, partition, offset);
        values.push(...messages.map((message) => message.text()));
        offset = nextOffset;
      }
      found.push(values);
    }
    return found;
  }

  /** Waits until no transaction is open in the output. */
  async settled(): Promise<void> {
    const admin = this.client.admin();
    const ends = async (isolationLevel: "read_committed" | "read_uncommitted") => {
      const found = await admin.listOffsets(this.topic, "latest", { isolationLevel });
      return found.map(({ offset }) => offset).join();
    };
    while (await ends("read_committed") !== await ends("read_uncommitted")) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** The offset of the input that a group has committed, −1 for none. */
  async committed(group: string): Promise<number> {
    const partitions = [{ topic: this.input, partition: 0 }];
    const [found] = await this.client.admin().listGroupOffsets(group, { partitions });
    return found!.offset;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.#local?.[Symbol.asyncDispose]();
  }
}
