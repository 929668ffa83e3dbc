/**
 * ListTransactions: the transactions coordinated by this broker, which has none (KIP-664). Versions
 * 0 to 2.
 *
 * Filters are still validated: unknown states are listed in the response, and an invalid pattern is
 * rejected. Version 1 filters by duration (KIP-994), 2 by transactional id pattern (KIP-1152).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  listTransactions,
  type ListTransactionsRequest,
  type ListTransactionsResponse,
} from "../../../protocol/messages/transactions/list_transactions.ts";
import { errorCodeOf } from "../../api_error.ts";
import { compileTopicRegex, loadRegexEngine } from "../../groups/consumer/topic_regex.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { byName } from "../each_item.ts";

const STATES: ReadonlySet<string> = new Set([
  "Empty",
  "Ongoing",
  "PrepareCommit",
  "PrepareAbort",
  "CompleteCommit",
  "CompleteAbort",
  "Dead",
  "PrepareEpochFence",
]);

/** Serves ListTransactions. */
export const listTransactionsHandler: ApiHandler = handler(
  listTransactions,
  handleListTransactions,
);

async function handleListTransactions(
  { stateFilters, transactionalIdPattern }: ListTransactionsRequest,
  context: RequestContext,
): Promise<ListTransactionsResponse> {
  const errorCode = await check(transactionalIdPattern ?? "", context);
  await claimResponseMemory(sumOf(stateFilters, textBytes), context);
  const states = await byName(stateFilters, (state) => state);
  const unknownStateFilters = [...states.keys()].filter((state) => !STATES.has(state));
  return { errorCode, unknownStateFilters, transactionStates: [] };
}

async function check(pattern: string, { broker }: RequestContext): Promise<number> {
  if (pattern === "") return ErrorCode.NONE;
  try {
    await loadRegexEngine();
    compileTopicRegex(pattern);
    return ErrorCode.NONE;
  } catch (error) {
    return errorCodeOf(error, broker.logger);
  }
}
