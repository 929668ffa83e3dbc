/**
 * Coordinators of transactions for tests of what asks them.
 *
 * @module
 */

import type { TransactionCoordinators, TransactionRequest } from "./transaction_request.ts";
import type { TransactionVerifier } from "./transaction_verifier.ts";

/** Coordinators whose answers the test gives. */
export class TestCoordinators implements TransactionCoordinators {
  /** The broker that coordinates everything. */
  nodeId: number | undefined = 0;
  /** What was asked, as `id producer/epoch verify|add partitions`. */
  readonly asked: string[] = [];
  /** The answers, by partition; others get `code`. */
  readonly codes: Map<string, number> = new Map();
  code = 0;
  /** Resolved before an answer. */
  gate: Promise<void> | undefined;
  /** What `whenSettled` returns. */
  settling: Promise<void> | undefined;

  coordinatorOf(): number | undefined {
    return this.nodeId;
  }

  whenSettled(): Promise<void> | undefined {
    return this.settling;
  }

  async verifyOrAdd(requests: readonly TransactionRequest[]): Promise<number[][]> {
    this.asked.push(requests.map(format).join(", "));
    await this.gate;
    return requests.map(({ partitions }) =>
      partitions.map(({ topic, index }) => this.codes.get(`${topic}-${index}`) ?? this.code)
    );
  }
}

function format(request: TransactionRequest): string {
  const { transactionalId, producerId, producerEpoch, isVerifyOnly, partitions } = request;
  const names = partitions.map(({ topic, index }) => `${topic}-${index}`);
  const kind = isVerifyOnly ? "verify" : "add";
  return `${transactionalId} ${producerId}/${producerEpoch} ${kind} ${names.join(" ")}`;
}

/** A verifier whose answers the test gives. */
export class TestVerifier implements Pick<TransactionVerifier, "ensure"> {
  /** What was asked, as `id producer/epoch verify|add partition`. */
  readonly asked: string[] = [];
  code = 0;
  /** Answers that come before `code`. */
  readonly codes: number[] = [];
  /** Resolved before an answer. */
  gate: Promise<void> | undefined;

  async ensure(
    transaction: Parameters<TransactionVerifier["ensure"]>[0],
    topic: string,
    index: number,
  ): Promise<number> {
    this.asked.push(format({ ...transaction, partitions: [{ topic, index }] }));
    await this.gate;
    return this.codes.shift() ?? this.code;
  }
}
