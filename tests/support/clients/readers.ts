/**
 * Clients that read back what others wrote. Each reads all of partition 0 of a topic.
 *
 * @module
 */

import { Client } from "../../../client/mod.ts";
import { dqueue } from "../broker/dqueue.ts";
import { binaryText, Kcat } from "./kcat.ts";
import { type ReadMessage, shown } from "./sample_messages.ts";

/** Reads with kcat. */
export async function readWithKcat(
  path: string,
  address: string,
  topic: string,
): Promise<ReadMessage[]> {
  const records = await new Kcat(path, address).records(topic, ["-p", "0"]);
  return records.map(({ key, payload, headers = [], ts }) => ({
    key: key && shown(key),
    value: payload && shown(payload),
    headers: pairs(headers),
    timestamp: ts,
  }));
}

function pairs(headers: readonly (string | null)[]): [string, string | null][] {
  const found: [string, string | null][] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const value = headers[at + 1]!;
    found.push([headers[at]!, value && shown(value)]);
  }
  return found;
}

/** Reads with the project's own SDK. */
export async function readWithSdk(address: string, topic: string): Promise<ReadMessage[]> {
  await using client = new Client({ brokers: address });
  await using consumer = client.consumer();
  const read: ReadMessage[] = [];
  for (let offset = 0, end = 1; offset < end;) {
    const fetched = await consumer.fetchFrom(topic, 0, offset);
    for (const { key, value, headers, timestamp } of fetched.messages) {
      read.push({
        key: key && shown(key),
        value: value && shown(value),
        headers: [...headers].map(([name, value]) => [
          binaryText(name),
          value && shown(value),
        ]),
        timestamp,
      });
    }
    offset = fetched.nextOffset;
    end = fetched.highWatermark;
  }
  return read;
}

/** Reads with the project's own command line. */
export async function readWithCli(address: string, topic: string): Promise<ReadMessage[]> {
  const args = ["consume", topic, "-b", address, "-p", "0", "-e", "--output", "json"];
  const lines = (await dqueue(args)).split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const record = JSON.parse(line) as JsonRecord;
    return {
      key: fromJson(record.key, record.key_base64),
      value: fromJson(record.value, record.value_base64),
      headers: record.headers.map(({ key, value, value_base64 }) => [
        binaryText(key),
        fromJson(value, value_base64),
      ]),
      timestamp: record.timestamp,
    };
  });
}

/** A record as `consume --output json` prints it. */
interface JsonRecord {
  readonly timestamp: number;
  readonly key?: string | null;
  readonly key_base64?: string;
  readonly value?: string | null;
  readonly value_base64?: string;
  readonly headers: readonly {
    readonly key: string;
    readonly value?: string | null;
    readonly value_base64?: string;
  }[];
}

function fromJson(text: string | null | undefined, base64: string | undefined): string | null {
  if (base64 !== undefined) return shown(Uint8Array.fromBase64(base64));
  if (text === undefined) throw new TypeError("Neither text nor base64");
  return text === null ? null : shown(binaryText(text));
}

/** Returns the reading clients, with kcat at the path `kcat`. */
export const READERS: Readonly<
  Record<string, (address: string, topic: string, kcat: string) => Promise<ReadMessage[]>>
> = {
  "kcat": (address, topic, kcat) => readWithKcat(kcat, address, topic),
  "the SDK": readWithSdk,
  "the CLI": readWithCli,
};
