/**
 * The phases of a transactional producer, and which event leads from one to another.
 *
 * ```text
 *  uninitialized ──▶ initializing ──▶ ready ──begin──▶ open ──commit──▶ flushing ──▶ committing ──▶ ready
 *        ▲                              ▲               │ a send fails     │             │
 *        │                              │               ▼                  │             │ no answer
 *        │                              └── aborting ◀─ abortOnly ◀────────┘             ▼
 *        └───────── no answer ──────────────────┘                                   undecided
 * ```
 *
 * Two rules keep a request that arrives late from deciding another transaction than its own. An
 * EndTxn without an answer is only ever sent again as it was: to give up, the producer is
 * initialized again with its id and epoch, which the coordinator decides in its order with the rest.
 * And nothing is sent between EndTxn and its answer.
 *
 * @module
 */

/**
 * What a transactional producer does.
 *
 * - `uninitialized`: it has no epoch to begin with
 * - `initializing`: it asks for one
 * - `ready`: there is no transaction
 * - `open`: messages are sent in a transaction
 * - `abortOnly`: something failed, and the transaction can only be aborted
 * - `flushing`: a commit waits for the messages
 * - `committing`: a commit waits for the coordinator
 * - `undecided`: the coordinator has not answered a commit
 * - `aborting`: an abort waits for the coordinator
 * - `fatal`: it is fenced, or refused permanently
 */
export type TransactionPhase =
  | "uninitialized"
  | "initializing"
  | "ready"
  | "open"
  | "abortOnly"
  | "flushing"
  | "committing"
  | "undecided"
  | "aborting"
  | "fatal";

/**
 * What happens to a transactional producer.
 *
 * - `initialize`: it asks for a producer id and an epoch
 * - `initialized`: it has them
 * - `outdate`: it has to ask for them again before the next transaction
 * - `begin`, `commit`, `abort`: the program does so
 * - `fail`: a message or offset cannot be sent
 * - `flush`: all messages are sent
 * - `end`: the coordinator has ended the transaction
 * - `refuse`: the coordinator has refused the commit
 * - `giveUp`: an answer did not come in time
 * - `fence`: the coordinator has refused the producer
 */
export type TransactionEvent =
  | "initialize"
  | "initialized"
  | "outdate"
  | "begin"
  | "fail"
  | "commit"
  | "flush"
  | "end"
  | "refuse"
  | "giveUp"
  | "abort"
  | "fence";

type Transitions = Readonly<Partial<Record<TransactionEvent, TransactionPhase>>>;

const TABLE: Readonly<Record<TransactionPhase, Transitions>> = {
  uninitialized: { initialize: "initializing" },
  initializing: { initialized: "ready", giveUp: "uninitialized" },
  ready: { begin: "open", outdate: "uninitialized" },
  open: { fail: "abortOnly", commit: "flushing", abort: "aborting" },
  abortOnly: { fail: "abortOnly", abort: "aborting" },
  // A program that does not wait any longer may still continue the transaction.
  flushing: { fail: "abortOnly", flush: "committing", giveUp: "open" },
  committing: { end: "ready", refuse: "abortOnly", giveUp: "undecided" },
  undecided: { commit: "committing", abort: "uninitialized" },
  aborting: { fail: "aborting", end: "ready", giveUp: "uninitialized" },
  fatal: { fail: "fatal", giveUp: "fatal" },
};

/**
 * Returns the phase after an event; undefined if the event cannot happen in this phase. A producer
 * may be fenced in any.
 */
export function nextPhase(
  phase: TransactionPhase,
  event: TransactionEvent,
): TransactionPhase | undefined {
  return event === "fence" ? "fatal" : TABLE[phase][event];
}

/** Whether messages may be appended to the transaction. */
export function takesMessages(phase: TransactionPhase): boolean {
  return phase === "open";
}

/** Whether batches may be sent: also those that a commit waits for. */
export function sendsBatches(phase: TransactionPhase): boolean {
  return phase === "open" || phase === "flushing";
}
