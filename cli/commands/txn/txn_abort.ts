/**
 * `dqueue txn abort`.
 *
 * @module
 */

import type { Admin, HangingTransaction } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import { ensureConfirmed } from "../../terminal/confirm.ts";
import { CommandError, UsageError } from "../../errors.ts";
import { connect, connectionFlags } from "../connection.ts";
import { type Outcome, printOutcomes } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import { yesFlag } from "../yes_flag.ts";
import { type OpenTransaction, openTransactions } from "./open_transactions.ts";

/** How a transaction is named on the command line. */
interface AbortFlags {
  readonly transactionalId: string | undefined;
  readonly partition: number | undefined;
  readonly startOffset: number | undefined;
  readonly producerId: number | undefined;
  readonly producerEpoch: number | undefined;
  readonly coordinatorEpoch: number | undefined;
}

/** `txn abort`. */
export const txnAbort = command({
  name: "txn abort",
  summary: "Abort a transaction that is open or hangs",
  description:
    `With --transactional-id it aborts the transaction as a whole, and fences its producer.\n\n` +
    `With a topic and a partition it ends a hanging transaction in that partition alone, as found by ` +
    `"dqueue txn find-hanging". Name it by --start-offset, or by --producer-id; the epochs are looked ` +
    `up unless they are given too. One that its coordinator still knows is refused.`,
  args: { topic: { optional: true, doc: "Name of the topic" } },
  flags: {
    transactionalId: { value: "ID", env: false, doc: "Abort the open transaction of this id" },
    partition: { alias: "p", type: "integer", min: 0, env: false, doc: "Number of the partition" },
    startOffset: {
      type: "integer",
      min: 0,
      env: false,
      doc: "First offset of the transaction in the partition",
    },
    producerId: { type: "integer", min: 0, env: false, doc: "Producer id" },
    producerEpoch: { type: "integer", min: 0, env: false, doc: "Producer epoch" },
    coordinatorEpoch: { type: "integer", min: 0, env: false, doc: "Coordinator epoch" },
    ...yesFlag,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "As a whole", command: "dqueue txn abort --transactional-id billing-1" },
    { doc: "One that hangs", command: "dqueue txn abort payments -p 0 --start-offset 123" },
  ],
  async run(context, { args: { topic }, flags }) {
    ensureUsable(topic, flags);
    await using client = await connect(context, flags);
    const admin = client.admin();
    const outcome = flags.transactionalId === undefined
      ? await abortHanging(context, admin, { topic: topic!, ...flags })
      : await abortWhole(context, admin, flags.transactionalId, flags.yes);
    printOutcomes(context, flags.output, [outcome], {
      heading: "TRANSACTION",
      details: ["producer_id", "producer_epoch"],
    });
  },
});

/** @throws {UsageError} If the flags do not name one transaction. */
function ensureUsable(topic: string | undefined, flags: AbortFlags): void {
  const { transactionalId, partition, startOffset, producerId } = flags;
  const { producerEpoch, coordinatorEpoch } = flags;
  const isHanging = topic !== undefined || partition !== undefined ||
    [startOffset, producerId, producerEpoch, coordinatorEpoch].some((each) => each !== undefined);
  if (transactionalId !== undefined) {
    if (!isHanging) return;
    throw new UsageError(
      "Cannot use --transactional-id with a topic or a producer: it aborts the transaction everywhere",
    );
  }
  if (topic === undefined) {
    throw new UsageError("Missing TOPIC, or --transactional-id: nothing names the transaction");
  }
  if (partition === undefined) throw new UsageError("Missing --partition");
  if ((startOffset === undefined) === (producerId === undefined)) {
    throw new UsageError("Name the transaction by either --start-offset or --producer-id");
  }
  if (producerId === undefined && (producerEpoch ?? coordinatorEpoch) !== undefined) {
    throw new UsageError(
      "Cannot use epochs without --producer-id: those of --start-offset are known",
    );
  }
}

async function abortWhole(
  context: Context,
  admin: Admin,
  transactionalId: string,
  isAgreed: boolean,
): Promise<Outcome> {
  const { signal } = context;
  // Fencing an unknown id would create it.
  await admin.describeTransactions([transactionalId], { signal });
  const question = `Abort the transaction of "${transactionalId}" and fence its producer?`;
  await ensureConfirmed(context, question, isAgreed);
  const [fenced] = await admin.fenceProducers([transactionalId], { signal });
  const details = { producer_id: fenced!.producerId, producer_epoch: fenced!.producerEpoch };
  return { name: transactionalId, status: "fenced", details };
}

async function abortHanging(
  context: Context,
  admin: Admin,
  { topic, yes, ...flags }: AbortFlags & { readonly topic: string; readonly yes: boolean },
): Promise<Outcome> {
  const { signal } = context;
  const partition = flags.partition!;
  const open = await openTransactions(admin, [{ topic, partition }], { signal });
  const found = open.find(({ startOffset, producer }) =>
    startOffset === flags.startOffset || producer.producerId === flags.producerId
  );
  if (found === undefined) throw notOpen(topic, partition, open);
  if (!found.isHanging) {
    throw new CommandError(
      `Cannot abort the transaction of producer ${found.producer.producerId} in ${topic}-${partition} ` +
        `alone: its coordinator will end it; "dqueue txn abort --transactional-id ` +
        `${found.transactionalId}" aborts it as a whole`,
    );
  }
  const { producer, startOffset } = found;
  const transaction: HangingTransaction = {
    topic,
    partition,
    producerId: producer.producerId,
    producerEpoch: flags.producerEpoch ?? producer.producerEpoch,
    coordinatorEpoch: flags.coordinatorEpoch ?? producer.coordinatorEpoch,
  };
  const name = `${topic}-${partition} from offset ${startOffset}`;
  const question = `Abort the transaction of producer ${producer.producerId} in ${name}?`;
  await ensureConfirmed(context, question, yes);
  await admin.abortTransaction(transaction, { signal });
  const details = { producer_id: producer.producerId, producer_epoch: transaction.producerEpoch };
  return { name, status: "aborted", details };
}

function notOpen(
  topic: string,
  partition: number,
  open: readonly OpenTransaction[],
): CommandError {
  const all = open.map(({ startOffset, producer }) =>
    `offset ${startOffset} of producer ${producer.producerId}`
  ).join(", ");
  const rest = open.length === 0 ? "it has no open transaction" : `open are those from ${all}`;
  return new CommandError(`Cannot find that transaction in ${topic}-${partition}: ${rest}`);
}
