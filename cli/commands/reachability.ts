/**
 * Checks that a broker is reachable before a command starts, and optionally waits for one.
 *
 * @module
 */

import { type BrokerAddress, formatAddress } from "../../client/connection/address.ts";
import { Timer } from "../../client/connection/timer.ts";
import { delay } from "../../client/connection/waiting.ts";
import type { Context } from "../terminal/context.ts";
import { formatDuration } from "../../client/text/duration.ts";
import { CommandError } from "../errors.ts";

/** Timeout of one connection attempt when further attempts follow. */
const ATTEMPT_MS = 5000;
/** The pause between attempts starts at the first value and doubles up to the second. */
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;
/** Interval of reminders that no broker is reachable. */
const REMINDER_MS = 60_000;

/** How to wait for a broker. */
export interface WaitOptions {
  /** Whether to try again if no broker responds. */
  readonly waits: boolean;
  /** Time limit in milliseconds; `Infinity` for none. */
  readonly timeoutMs: number;
}

/**
 * Resolves when one of the brokers accepts a connection.
 *
 * @throws {CommandError} If none does within `timeoutMs`; without `waits`, at the first refusal.
 * @throws The reason of the context's signal.
 */
export async function ensureReachable(
  context: Context,
  brokers: readonly BrokerAddress[],
  { waits, timeoutMs }: WaitOptions,
): Promise<void> {
  const startMs = performance.now();
  const notice = new UnreachableNotice(context, brokers);
  for (let pauseMs = MIN_PAUSE_MS;; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    const leftMs = timeoutMs - (performance.now() - startMs);
    const errors = await connectOnce(
      context,
      brokers,
      waits ? Math.min(leftMs, ATTEMPT_MS) : leftMs,
    );
    if (errors === undefined) return await notice.end();
    ensurePermitted(brokers, errors);
    const isLate = performance.now() - startMs + pauseMs >= timeoutMs;
    if (!waits) throw unreachable(brokers, errors, "");
    if (isLate) {
      throw unreachable(brokers, errors, ` within ${formatDuration(timeoutMs)} (--timeout)`);
    }
    await notice.say(problemsText(brokers, errors));
    await delay(pauseMs, context.signal);
  }
}

/**
 * Reports on standard error that no broker is reachable: immediately, then periodically, and when
 * one is.
 */
class UnreachableNotice {
  readonly #context: Context;
  readonly #brokers: readonly BrokerAddress[];
  readonly #startMs: number;
  #reported: string | undefined;
  #reportedMs = 0;

  constructor(context: Context, brokers: readonly BrokerAddress[]) {
    this.#context = context;
    this.#brokers = brokers;
    this.#startMs = performance.now();
  }

  async say(problems: string): Promise<void> {
    const { stderr } = this.#context;
    const nowMs = performance.now();
    if (this.#reported === undefined) {
      stderr.line(`Waiting for a broker (Ctrl-C to stop): cannot connect to ${problems}`);
    } else if (this.#reported !== problems || nowMs - this.#reportedMs >= REMINDER_MS) {
      const elapsed = formatDuration(nowMs - this.#startMs, 1);
      stderr.line(`Still waiting for a broker after ${elapsed}: cannot connect to ${problems}`);
    } else {
      return;
    }
    this.#reported = problems;
    this.#reportedMs = nowMs;
    await stderr.flush();
  }

  async end(): Promise<void> {
    if (this.#reported === undefined) return;
    const { stderr } = this.#context;
    const elapsed = formatDuration(performance.now() - this.#startMs, 1);
    const addresses = this.#brokers.map(formatAddress).join(", ");
    stderr.line(`Connected to ${addresses} after ${elapsed}`);
    await stderr.flush();
  }
}

/** Connects to all brokers; returns the error of each, or undefined if one has accepted. */
async function connectOnce(
  { signal }: Context,
  brokers: readonly BrokerAddress[],
  timeoutMs: number,
): Promise<readonly Error[] | undefined> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const timer = new Timer(() => stop.abort(tooLate(timeoutMs)), timeoutMs);
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const attempts = brokers.map(async ({ host, port }) => {
    const conn = await Deno.connect({ hostname: host, port, signal: stop.signal });
    conn.close();
  });
  try {
    await Promise.any(attempts);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return (error as AggregateError).errors;
  } finally {
    timer.clear();
    signal.removeEventListener("abort", onAbort);
    stop.abort();
    await Promise.allSettled(attempts);
  }
}

function tooLate(timeoutMs: number): Error {
  return new Error(`no answer within ${formatDuration(timeoutMs)}`);
}

/** @throws {CommandError} If Deno has no permission to connect: waiting does not change that. */
function ensurePermitted(brokers: readonly BrokerAddress[], errors: readonly Error[]): void {
  if (!errors.every((error) => error instanceof Deno.errors.NotCapable)) return;
  throw new CommandError(`Cannot connect to ${problemsText(brokers, errors)}`);
}

function unreachable(
  brokers: readonly BrokerAddress[],
  errors: readonly Error[],
  limit: string,
): CommandError {
  const remedy = errors.every((error) => error instanceof Deno.errors.ConnectionRefused)
    ? `no broker is running there; start one with "dqueue serve", or use --brokers`
    : `check --brokers or DQUEUE_BROKERS`;
  return new CommandError(`Cannot connect to ${problemsText(brokers, errors)}${limit}; ${remedy}`);
}

function problemsText(brokers: readonly BrokerAddress[], errors: readonly Error[]): string {
  return brokers.map((broker, i) => `${formatAddress(broker)}: ${reason(errors[i]!)}`).join(", ");
}

function reason(error: Error): string {
  if (error instanceof Deno.errors.ConnectionRefused) return "connection refused";
  return error.message;
}
