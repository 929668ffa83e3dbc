/**
 * A watch of all keys with a prefix, as a stream from etcd.
 *
 * The stream is a single request to one member. It ends when the broker switches to another member,
 * when the member has lost its leader, and after five minutes in any case: the follower then reads
 * everything again, which also finds events that a member failed to send.
 *
 * @module
 */

import type { Clock } from "../../time/clock.ts";
import { type MetadataEvent, RevisionCompactedError } from "../metadata_store.ts";
import { type KeyValue, keyValueOf, messagesOf, rangeOf } from "./encoding.ts";
import { errorOf, EtcdSilenceError } from "./etcd_error.ts";
import type { EtcdAnswer, EtcdGateway } from "./etcd_gateway.ts";

/** Options of a watch. */
export interface EtcdWatchOptions {
  readonly gateway: EtcdGateway;
  readonly prefix: string;
  /** The last known revision. */
  readonly from: number;
  readonly clock: Clock;
  /** Abort signals, each of which ends the watch. */
  readonly signals: readonly AbortSignal[];
  /** The last revision known to have changed one of the keys. */
  expected(): number;
}

/** Time that a known revision may be missing. */
const MAX_LAG_MS = 2000;
const CHECK_MS = 500;
const MAX_AGE_MS = 5 * 60_000;

/** Yields commits as they arrive. */
export async function* watchEtcd(options: EtcdWatchOptions): AsyncGenerator<MetadataEvent, void> {
  const { gateway, prefix, from, clock, signals } = options;
  const ending = new AbortController();
  const end = () => ending.abort();
  const endpoint = gateway.endpoint;
  const unsubscribe = gateway.onMove(end);
  for (const signal of signals) {
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  }
  let passed = from;
  const watchdog = startWatchdog(options, () => passed, end);
  // A watch from the very revision that etcd has compacted is accepted, but deletions in it are
  // missing. Starting one revision earlier, where there is nothing new, makes etcd refuse it.
  const create = { ...rangeOf(prefix), start_revision: String(Math.max(1, from)) };
  try {
    const stream = await gateway.stream("/v3/watch", { create_request: create }, {
      signal: ending.signal,
      endpoint,
    });
    for await (const { result, error } of messagesOf(stream, ending.signal)) {
      if (error !== undefined) throw errorOf(200, error);
      const answer = result as EtcdAnswer;
      gateway.header(answer);
      throwIfCanceled(answer, from);
      for (const event of eventsOf(answer)) {
        if (event.revision <= passed) continue;
        passed = event.revision;
        yield event;
      }
    }
    if (!ending.signal.aborted) throw new EtcdSilenceError("etcd ended a watch");
  } catch (error) {
    if (!ending.signal.aborted) {
      if (error instanceof EtcdSilenceError) gateway.leave(endpoint);
      throw error;
    }
  } finally {
    end();
    unsubscribe();
    for (const signal of signals) signal.removeEventListener("abort", end);
    clock.clearTimeout(watchdog.timer);
  }
}

/** Ends a watch that lags behind what is known from other responses, and one that is old. */
function startWatchdog(
  { clock, expected }: EtcdWatchOptions,
  passed: () => number,
  end: () => void,
): { timer: number } {
  const startMs = clock.monotonic();
  let behindSinceMs: number | undefined;
  const check = () => {
    const nowMs = clock.monotonic();
    if (expected() <= passed()) behindSinceMs = undefined;
    else behindSinceMs ??= nowMs;
    const isBehind = behindSinceMs !== undefined && nowMs - behindSinceMs >= MAX_LAG_MS;
    if (isBehind || nowMs - startMs >= MAX_AGE_MS) end();
    else watchdog.timer = clock.setTimeout(check, CHECK_MS);
  };
  const watchdog = { timer: clock.setTimeout(check, CHECK_MS) };
  return watchdog;
}

function throwIfCanceled(answer: EtcdAnswer, from: number): void {
  if (answer.canceled !== true) return;
  const oldest = Number(answer.compact_revision ?? 0);
  if (oldest > 0) throw new RevisionCompactedError(from, oldest);
  throw new EtcdSilenceError(`etcd canceled a watch: ${answer.cancel_reason ?? "no reason given"}`);
}

/** The commits in a message: events of one revision belong together. */
function* eventsOf(answer: EtcdAnswer): Generator<MetadataEvent, void> {
  const changes = ((answer.events ?? []) as readonly EtcdAnswer[]).map(({ type, kv }) => ({
    isDelete: type === "DELETE",
    ...keyValueOf(kv as EtcdAnswer),
  }));
  for (const group of groupsOf(changes)) {
    yield {
      revision: group[0]!.entry.revision,
      changes: group.map(({ key, entry, isDelete }) => ({
        key,
        entry: isDelete ? undefined : entry,
      })),
    };
  }
}

function groupsOf<T extends KeyValue>(changes: readonly T[]): T[][] {
  const groups = new Map<number, T[]>();
  for (const change of changes) {
    const { revision } = change.entry;
    const group = groups.get(revision);
    if (group === undefined) groups.set(revision, [change]);
    else group.push(change);
  }
  return [...groups.values()];
}
