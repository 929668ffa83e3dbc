/**
 * A client of a fake cluster, for tests.
 *
 * @module
 */

import { RecordBatchBuilder } from "../../protocol/records/record_batch_builder.ts";
import { Client } from "../client.ts";
import type { ClientOptions } from "../client_options.ts";
import type { Consumer } from "../consumer/consumer.ts";
import type { Message } from "../consumer/message.ts";
import { FakeCluster, type FakeClusterOptions } from "./fake_cluster.ts";

/** Retries with short waits. */
export const QUICK_RETRIES = { initialBackoffMs: 1, maxBackoffMs: 4 };

/** Retries that a test would not see. */
export const PATIENT_RETRIES = { initialBackoffMs: 600_000, maxBackoffMs: 600_000 };

/** A client and its cluster, disposed at the end of the test. */
export interface ClientSetup extends AsyncDisposable {
  readonly cluster: FakeCluster;
  readonly client: Client;
}

/** Creates a cluster, by default of one topic `a` with one partition, and a client. */
export function setup(
  options: FakeClusterOptions = { topics: { a: 1 } },
  clientOptions: Pick<ClientOptions, "timeoutMs" | "metadataMaxAgeMs" | "retry" | "tracing"> = {},
): ClientSetup {
  const cluster = new FakeCluster(options);
  const client = new Client({
    broker: cluster,
    timeoutMs: 5000,
    retry: QUICK_RETRIES,
    ...clientOptions,
  });
  return {
    cluster,
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await cluster.idle();
    },
  };
}

/** Appends a batch with these values to a partition. */
export function write(
  cluster: FakeCluster,
  topic: string,
  partition: number,
  values: readonly string[],
  timestamp = 1,
): void {
  const builder = new RecordBatchBuilder();
  for (const value of values) builder.append(timestamp, null, value);
  cluster.log(topic, partition).append(builder.build());
}

/** The values of messages as text. */
export function texts(messages: readonly Message[]): string[] {
  return messages.map((message) => message.text());
}

/** Polls until `count` messages have arrived. */
export async function pollAll(consumer: Consumer, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < count) {
    messages.push(...await consumer.poll(count - messages.length, { timeoutMs: 5000 }));
  }
  return messages;
}

/** Answers a Produce request with an error for all its batches. */
export function refuse(errorCode: number): (request: ProduceTargets) => ProduceRefusal {
  return (request) => ({
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: -1 })),
    })),
  });
}

interface ProduceTargets {
  readonly topicData: readonly {
    readonly name: string;
    readonly topicId: string;
    readonly partitionData: readonly { readonly index: number }[];
  }[];
}

interface ProduceRefusal {
  readonly responses: {
    readonly name: string;
    readonly topicId: string;
    readonly partitionResponses: {
      readonly index: number;
      readonly errorCode: number;
      readonly baseOffset: number;
    }[];
  }[];
}
