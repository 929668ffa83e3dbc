import { assertEquals, assertThrows } from "@std/assert";
import {
  declaredFields,
  kafkaDefinition,
  kafkaFields,
} from "../../../protocol/messages/kafka_definitions/kafka_definition_testing.ts";
import { MalformedMessageError } from "../../../protocol/primitives/reader.ts";
import { inRange } from "../../../protocol/schema/version_range.ts";
import { NO_PARTITIONS, type Transaction, TransactionState } from "../model/mod.ts";
import {
  decodeTransactionRecord,
  encodeTransactionRecord,
  transactionLogKey,
  transactionLogValue,
  UnknownTransactionRecordError,
} from "./transaction_record.ts";

/** First tag that is not Kafka's. */
const FIRST_OWN_TAG = 100;

const KEY = "0000 0003 747831";
/** What Kafka 4.2 wrote for an Ongoing transaction of a producer without KIP-890. */
const KAFKA_ONGOING = "0001 0000000000000002 0001 0000ea60 01 02 06 7433323730 02 00000000 00 " +
  "000001a229fd70c7 000001a229fd70c7 00";

const ONGOING: Transaction = {
  producerId: 2,
  producerEpoch: 1,
  lastProducerEpoch: -1,
  previousProducerId: -1,
  nextProducerId: -1,
  timeoutMs: 60_000,
  state: TransactionState.ongoing,
  partitions: new Map([["t3270", new Set([0])]]),
  startMs: 0x1a229fd70c7,
  updateMs: 0x1a229fd70c7,
  clientVersion: 0,
  isFenced: false,
};

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function hex(bytes: Uint8Array | null): string | null {
  return bytes && Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function encoded(transaction: Transaction): string | null {
  return hex(encodeTransactionRecord({ transactionalId: "tx1", transaction }).value);
}

const ofKafka = (text: string) => decodeTransactionRecord(bytes(KEY), bytes(text)).transaction!;

Deno.test("encodeTransactionRecord() writes the bytes that Kafka writes", () => {
  const { key, value } = encodeTransactionRecord({ transactionalId: "tx1", transaction: ONGOING });
  assertEquals(hex(key), KEY.replaceAll(" ", ""));
  assertEquals(hex(value), KAFKA_ONGOING.replaceAll(" ", ""));
  const kip890 = encoded({ ...ONGOING, clientVersion: 2 })!;
  assertEquals(kip890.slice(-10), "0102020002");
  const empty = { ...ONGOING, state: TransactionState.empty, partitions: NO_PARTITIONS };
  // No partitions are null for an id without a transaction, and empty after one.
  assertEquals(encoded({ ...empty, startMs: -1 })!.slice(32, 36), "0000");
  assertEquals(
    encoded({ ...empty, state: TransactionState.completeCommit })!.slice(32, 36),
    "0401",
  );
});

Deno.test("decodeTransactionRecord() reads all that encodeTransactionRecord() writes", () => {
  const transactions: Transaction[] = [
    ONGOING,
    {
      ...ONGOING,
      state: TransactionState.prepareAbort,
      producerEpoch: 32_767,
      lastProducerEpoch: 32_766,
      previousProducerId: 1,
      nextProducerId: 3,
      clientVersion: 2,
      isFenced: true,
      partitions: new Map([["a", new Set([1, 5])], ["b", new Set([0])]]),
    },
    { ...ONGOING, state: TransactionState.empty, partitions: NO_PARTITIONS, startMs: -1 },
  ];
  for (const transaction of [...transactions, undefined]) {
    const record = { transactionalId: "äöü", transaction };
    const { key, value } = encodeTransactionRecord(record);
    assertEquals(decodeTransactionRecord(key, value), record);
  }
});

Deno.test("decodeTransactionRecord() derives the last epoch of an ended KIP-890 transaction that Kafka wrote", () => {
  const complete = (tags: string) =>
    ofKafka(`0001 0000000000000002 0005 0000ea60 04 01 ${"0".repeat(32)} ${tags}`);
  assertEquals(complete("01 02 02 0002").lastProducerEpoch, 4);
  assertEquals(complete("00").lastProducerEpoch, -1);
  const ongoing = ofKafka(KAFKA_ONGOING.slice(0, -2) + "01 02 02 0002");
  assertEquals([ongoing.lastProducerEpoch, ongoing.clientVersion], [-1, 2]);
});

Deno.test("decodeTransactionRecord() reads version 0", () => {
  const version0 =
    "0000 0000000000000002 0001 0000ea60 01 00000001 0005 7433323730 00000001 00000000 " +
    "000001a229fd70c7 000001a229fd70c7";
  assertEquals(ofKafka(version0), ONGOING);
});

Deno.test("decodeTransactionRecord() tells a later version from damage", () => {
  const read = (key: string, value: string) => () =>
    decodeTransactionRecord(bytes(key), bytes(value));
  assertThrows(read("0001 0000", ""), UnknownTransactionRecordError, "type 1");
  assertThrows(read(KEY, "0002 00"), UnknownTransactionRecordError, "version is 2");
  assertThrows(read(KEY, "ffff 00"), MalformedMessageError);
  assertThrows(read(KEY, KAFKA_ONGOING.slice(0, 40)), MalformedMessageError);
  assertThrows(read("0000 00ff 61", KAFKA_ONGOING), MalformedMessageError);
  const withState = (state: string) => KAFKA_ONGOING.replace(" 01 02 06", ` ${state} 02 06`);
  assertThrows(read(KEY, withState("06")), MalformedMessageError, "state is 6");
  assertThrows(read(KEY, withState("ff")), MalformedMessageError);
});

Deno.test("Messages of __transaction_state match Kafka's definitions in every version", () => {
  for (const message of [transactionLogKey, transactionLogValue]) {
    const kafka = kafkaDefinition(message.name);
    assertEquals(message.versions, kafka.validVersions);
    assertEquals(message.flexible, kafka.flexibleVersions);
    for (let version = message.versions.min; version <= message.versions.max; version++) {
      const declared = declaredFields(message.fields, version, inRange(version, message.flexible));
      assertEquals(
        declared.filter(({ tag }) => (tag ?? 0) < FIRST_OWN_TAG),
        kafkaFields(kafka.fields, version),
        `${message.name} version ${version}`,
      );
    }
  }
});
