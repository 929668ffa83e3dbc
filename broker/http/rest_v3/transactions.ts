/**
 * Transactions: which are open, for how long and where, and their end. No other REST API of Kafka has it.
 *
 * @module
 */

import type {
  TransactionDescription,
  TransactionListing,
  TransactionStateName,
} from "../../../client/mod.ts";
import { HttpError } from "../http_error.ts";
import type { Call } from "../rest/call.ts";
import { badRequest } from "../rest/fields.ts";
import { INTEGER, object, type Route } from "../rest/route.ts";
import { type Json, LIST, noContent, type Resources, resourcesOf } from "./resource.ts";

const TAG = "Transactions";
const TRANSACTIONS = "/v3/clusters/:cluster/transactions";
const ONE = `${TRANSACTIONS}/:transaction`;

/** States of an open transaction. */
const OPEN = ["Ongoing", "PrepareCommit", "PrepareAbort", "PrepareEpochFence"] as const;
/** Those in which it can still be aborted. */
const ABORTABLE: TransactionStateName = "Ongoing";
/** Most open transactions of a list that are described: the others have no times and partitions. */
const MAX_DESCRIBED = 1000;
/** How many are described with one request. */
const BATCH = 100;

/** The routes. */
export const TRANSACTION_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: TRANSACTIONS,
    tag: TAG,
    summary: "The transactional ids that are known, or those with an open transaction",
    query: {
      open: "true for those with an open transaction, the oldest first",
      min_duration_ms: "Only transactions that have been open for at least this many milliseconds",
    },
    answer: LIST,
    isExtension: true,
    async handle(call) {
      const resources = resourcesOf(call);
      const minDurationMs = durationOf(call);
      const listed = await call.admin.listTransactions({
        ...(call.query("open") === "true" ? { states: OPEN } : {}),
        ...(minDurationMs === undefined ? {} : { minDurationMs }),
      });
      const described = await describeOpen(call, listed);
      const all = listed.map((one) => described.get(one.transactionalId) ?? one);
      const data = all.sort((a, b) => startOf(a) - startOf(b))
        .map((one) => transactionOf(one, resources));
      return resources.list("DqueueTransactionList", ["transactions"], data);
    },
  },
  {
    method: "GET",
    path: ONE,
    tag: TAG,
    summary: "One transactional id, with the partitions of its transaction",
    isExtension: true,
    async handle(call) {
      const resources = resourcesOf(call);
      const found = await find(call);
      const partitions = found.partitions.map(({ topic, partition }) => ({
        topic_name: topic,
        partition_id: partition,
      }));
      return Response.json({ ...transactionOf(found, resources), partitions });
    },
  },
  {
    method: "POST",
    path: `${ONE}/abort`,
    tag: TAG,
    summary:
      "Abort an open transaction, and fence its producer. With producer_epoch, only that one",
    status: 204,
    body: object({ producer_epoch: INTEGER }),
    isBodyOptional: true,
    isExtension: true,
    async handle(call) {
      resourcesOf(call);
      const expected = (await call.optionalJson()).integer("producer_epoch");
      const { transactionalId, state, producerEpoch } = await find(call);
      if (state !== ABORTABLE) throw conflict(`The transaction is not open, but ${state}`);
      if (expected !== undefined && expected !== producerEpoch) {
        throw conflict(
          `That transaction has ended; the one that is open has epoch ${producerEpoch}`,
        );
      }
      await call.admin.fenceProducers([transactionalId]);
      return noContent();
    },
  },
];

async function find(call: Call): Promise<TransactionDescription> {
  const [found] = await call.admin.describeTransactions([call.param("transaction")]);
  return found!;
}

/** Describes those that are open, and are still there. */
async function describeOpen(
  { admin }: Call,
  listed: readonly TransactionListing[],
): Promise<Map<string, TransactionDescription>> {
  const open = new Set<string>(OPEN);
  const ids = listed.filter(({ state }) => open.has(state)).slice(0, MAX_DESCRIBED)
    .map(({ transactionalId }) => transactionalId);
  const described = new Map<string, TransactionDescription>();
  for (let at = 0; at < ids.length; at += BATCH) {
    const part = ids.slice(at, at + BATCH);
    // One may expire, or its coordinator move, meanwhile: the list says less then.
    const found = await admin.describeTransactions(part).catch(() => []);
    for (const one of found) described.set(one.transactionalId, one);
  }
  return described;
}

function transactionOf(
  one: TransactionListing | TransactionDescription,
  resources: Resources,
): Json {
  const { transactionalId: id, producerId, state, coordinator } = one;
  const steps = [["transaction", "transactions", id]] as const;
  return resources.resource("DqueueTransaction", steps, {
    transactional_id: id,
    producer_id: producerId,
    state,
    coordinator: resources.link("brokers", coordinator.id),
    coordinator_id: coordinator.id,
    ...("partitions" in one
      ? {
        producer_epoch: one.producerEpoch,
        timeout_ms: one.timeoutMs,
        start_time: one.startTimeMs === undefined ? null : new Date(one.startTimeMs).toISOString(),
        partitions_count: one.partitions.length,
      }
      : {}),
  });
}

function startOf(one: TransactionListing | TransactionDescription): number {
  return "startTimeMs" in one && one.startTimeMs !== undefined
    ? one.startTimeMs
    : Number.MAX_SAFE_INTEGER;
}

function durationOf(call: Call): number | undefined {
  const text = call.query("min_duration_ms");
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`"min_duration_ms" is not a whole number`);
  return Number(text);
}

function conflict(message: string): HttpError {
  return new HttpError(409, message, { errorCode: 40903 });
}
