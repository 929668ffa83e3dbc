import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import type {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from "../../../protocol/messages/transactions/add_partitions_to_txn.ts";
import { Reader } from "../../../protocol/primitives/reader.ts";
import { Writer } from "../../../protocol/primitives/writer.ts";
import { codec } from "../../../protocol/schema/codec.ts";
import type { Peers } from "../../peers/peers.ts";
import { askCoordinator } from "./remote_coordinator.ts";

/** Another broker: requests and responses pass through their codecs. */
function peersThat(
  answer: (request: AddPartitionsToTxnRequest) => AddPartitionsToTxnResponse,
): Pick<Peers, "request"> {
  const reencode = (message: Parameters<typeof codec>[0], version: number, value: unknown) => {
    const writer = new Writer();
    codec(message, version).encode(writer, value as never);
    return codec(message, version).decode(new Reader(writer.takeBytes()));
  };
  return {
    // deno-lint-ignore require-await
    async request(_peer, api, version, request) {
      const received = reencode(api.request, version, request) as AddPartitionsToTxnRequest;
      return reencode(api.response, version, answer(received)) as never;
    },
  };
}

const BROKER = { id: 2, host: "b", port: 1 };
const TRANSACTION = { producerId: 7, producerEpoch: 1, isVerifyOnly: false };

Deno.test("askCoordinator() sends all transactions in one request, and returns each partition's code", async () => {
  const received: AddPartitionsToTxnRequest[] = [];
  const peers = peersThat((request) => {
    received.push(request);
    return {
      resultsByTransaction: request.transactions.toReversed().map((transaction) => ({
        transactionalId: transaction.transactionalId,
        topicResults: transaction.topics.toReversed().map(({ name, partitions }) => ({
          name,
          resultsByPartition: partitions.toReversed().map((partitionIndex) => ({
            partitionIndex,
            partitionErrorCode: name === "b" ? ErrorCode.CONCURRENT_TRANSACTIONS : partitionIndex,
          })),
        })),
      })),
    };
  });
  const codes = await askCoordinator(peers, BROKER, [
    {
      ...TRANSACTION,
      transactionalId: "x",
      partitions: [{ topic: "a", index: 3 }, { topic: "b", index: 0 }, { topic: "a", index: 0 }],
    },
    {
      ...TRANSACTION,
      transactionalId: "y",
      isVerifyOnly: true,
      partitions: [{ topic: "a", index: 5 }],
    },
  ]);
  assertEquals(codes, [[3, ErrorCode.CONCURRENT_TRANSACTIONS, 0], [5]]);
  assertEquals(received.length, 1);
  assertEquals(received[0]!.transactions, [
    {
      transactionalId: "x",
      producerId: 7,
      producerEpoch: 1,
      verifyOnly: false,
      topics: [{ name: "a", partitions: [3, 0] }, { name: "b", partitions: [0] }],
    },
    {
      transactionalId: "y",
      producerId: 7,
      producerEpoch: 1,
      verifyOnly: true,
      topics: [{ name: "a", partitions: [5] }],
    },
  ]);
});

Deno.test("askCoordinator() returns the request's error, or one where an answer is missing", async () => {
  const ask = (answer: AddPartitionsToTxnResponse) =>
    askCoordinator(peersThat(() => answer), BROKER, [
      { ...TRANSACTION, transactionalId: "x", partitions: [{ topic: "a", index: 0 }] },
    ]);
  const { CLUSTER_AUTHORIZATION_FAILED, UNKNOWN_SERVER_ERROR } = ErrorCode;
  assertEquals(await ask({ errorCode: CLUSTER_AUTHORIZATION_FAILED }), [
    [CLUSTER_AUTHORIZATION_FAILED],
  ]);
  assertEquals(await ask({}), [[UNKNOWN_SERVER_ERROR]]);
});
