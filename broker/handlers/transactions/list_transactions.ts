/**
 * ListTransactions: the transactional ids coordinated by this broker (KIP-664). Versions 0 to 2.
 *
 * Unknown states of the filter are listed in the response, and an invalid pattern is rejected. Version 1
 * filters by duration (KIP-994), 2 by transactional id pattern (KIP-1152).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  listTransactions,
  type ListTransactionsRequest,
  type ListTransactionsResponse,
} from "../../../protocol/messages/transactions/list_transactions.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { ApiError, errorCodeOf } from "../../api_error.ts";
import {
  compileTopicRegex,
  loadRegexEngine,
  type TopicMatcher,
} from "../../groups/consumer/topic_regex.ts";
import { AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { onlyShown } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { STATE_NAMES, type Transaction } from "../../transactions/model/mod.ts";
import type { CoordinatedTransaction } from "../../transactions/transaction_coordinator.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { byName } from "../each_item.ts";

type TransactionState = ListTransactionsResponse["transactionStates"][number];

/** Names of states that are never stored: an id in one of them is not listed. */
const STATES: ReadonlySet<string> = new Set([...STATE_NAMES, "Dead", "PrepareEpochFence"]);
/** Size of a transactional id in the response, without its name. */
const STATE_BYTES = 30;

/** Serves ListTransactions. */
export const listTransactionsHandler: ApiHandler = handler(
  listTransactions,
  handleListTransactions,
  onlyShown(
    listTransactions,
    "transactionStates",
    AclResourceType.transactionalId,
    ({ transactionalId }) => transactionalId,
  ),
);

async function handleListTransactions(
  request: ListTransactionsRequest,
  context: RequestContext,
): Promise<ListTransactionsResponse> {
  const { stateFilters } = request;
  const states = await byName(stateFilters, (state) => state);
  const unknownStateFilters = await unknownOf(states.keys());
  let errorCode: number = ErrorCode.NONE;
  let found: CoordinatedTransaction[] = [];
  try {
    found = await find(request, states, context);
  } catch (error) {
    errorCode = errorCodeOf(error, context.broker.logger);
  }
  const bytes = sumOf(stateFilters, textBytes) +
    sumOf(found, ({ transactionalId }) => STATE_BYTES + textBytes(transactionalId));
  await claimResponseMemory(bytes, context);
  return { errorCode, unknownStateFilters, transactionStates: found.map(stateOf) };
}

/** The names that are none of a state; a client may send very many. */
async function unknownOf(states: Iterable<string>): Promise<string[]> {
  const unknown: string[] = [];
  const slice = new TimeSlice();
  for (const state of states) {
    if (!STATES.has(state)) unknown.push(state);
    if (slice.isOver) await slice.pause();
  }
  return unknown;
}

/** @throws {ApiError} INVALID_REGULAR_EXPRESSION, COORDINATOR_LOAD_IN_PROGRESS. */
async function find(
  { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern }:
    ListTransactionsRequest,
  states: ReadonlyMap<string, unknown>,
  { broker: { transactions, clock } }: RequestContext,
): Promise<CoordinatedTransaction[]> {
  const pattern = await compile(transactionalIdPattern ?? "");
  if (transactions.isLoading) throw new ApiError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  const producerIds = await byName(producerIdFilters, (id) => id);
  const nowMs = clock.now();
  const isWanted = (transactionalId: string, { state, producerId, startMs }: Transaction) =>
    (stateFilters.length === 0 || states.has(STATE_NAMES[state])) &&
    (producerIds.size === 0 || producerIds.has(producerId)) &&
    (durationFilter < 0 || nowMs - startMs > durationFilter) &&
    (pattern === undefined || pattern(transactionalId));
  const found: CoordinatedTransaction[] = [];
  const slice = new TimeSlice();
  for (const listed of transactions.transactions()) {
    if (isWanted(listed.transactionalId, listed.transaction)) found.push(listed);
    if (slice.isOver) await slice.pause();
  }
  return found;
}

async function compile(pattern: string): Promise<TopicMatcher | undefined> {
  if (pattern === "") return undefined;
  await loadRegexEngine();
  return compileTopicRegex(pattern);
}

function stateOf(
  { transactionalId, transaction: { producerId, state } }: CoordinatedTransaction,
): TransactionState {
  return { transactionalId, producerId, transactionState: STATE_NAMES[state] };
}
