/**
 * Counts answered requests: how many, how long they took, and the errors in their answers.
 *
 * @module
 */

import { joinGroup } from "../../protocol/messages/groups/join_group.ts";
import { syncGroup } from "../../protocol/messages/groups/sync_group.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import type { Api, RequestOf } from "../../protocol/schema/schema.ts";
import type { HandlerResult } from "../handler.ts";
import { NO_RESPONSE } from "../handler.ts";
import type { PendingRequest } from "./pending_request.ts";

/** APIs whose requests wait for other members of a group, so that their duration says nothing. */
const UNTIMED: ReadonlySet<number> = new Set([joinGroup.key, syncGroup.key]);

/** APIs whose handlers count errors as they meet them, because a look at each answer takes time. */
const COUNT_ERRORS: ReadonlySet<number> = new Set([fetch.key, produce.key]);

/** How deep error codes lie in an answer: topics, then partitions. */
const MAX_DEPTH = 2;

/**
 * Counts the answer to a request, once.
 *
 * @param nowMs The time, by the monotonic clock, if it is known.
 */
export function countAnswer(
  pending: PendingRequest,
  result: HandlerResult<Api>,
  nowMs: number | undefined,
): void {
  if (pending.isCounted) return;
  pending.isCounted = true;
  const { broker: { counters, clock }, handler: { api: { key } }, request } = pending;
  const api = counters.api(key);
  if (UNTIMED.has(key)) api.answeredUntimed();
  else {
    const endMs = nowMs ?? (api.isDue ? clock.monotonic() : undefined);
    const ms = endMs === undefined ? undefined : endMs - pending.arrivedMs - pending.waitedMs;
    api.answered(ms);
    if (key === produce.key && request !== undefined) {
      counters.acknowledged.get((request as RequestOf<typeof produce>).acks)?.observe(api.lastMs);
    }
  }
  if (result !== NO_RESPONSE && !COUNT_ERRORS.has(key)) {
    countErrors(result as Answer, MAX_DEPTH, (code) => api.failed(code));
  }
}

/** An answer or a part of it. */
type Answer = Readonly<Record<string, unknown>>;

function countErrors(answer: Answer, depth: number, failed: (code: number) => void): void {
  const { errorCode } = answer;
  if (typeof errorCode === "number" && errorCode !== 0) failed(errorCode);
  if (depth === 0) return;
  for (const name in answer) {
    const part = answer[name];
    if (!Array.isArray(part) || typeof part[0] !== "object") continue;
    for (const item of part) {
      if (typeof item === "object" && item !== null) {
        countErrors(item as Answer, depth - 1, failed);
      }
    }
  }
}
