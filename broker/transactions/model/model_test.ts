/**
 * The table of states and requests: what Kafka 4.2 answers in each cell, and what is written for it.
 */

import { assertEquals } from "@std/assert";
import {
  complete,
  decideAdd,
  decideEnd,
  decideEndV2,
  decideInit,
  type Decision,
  fence,
  isExpired,
  isTimedOut,
  type KnownTransaction,
  NEEDS_PRODUCER_ID,
  NO_PARTITIONS,
  STATE_NAMES,
  type Transaction,
  TransactionState as State,
  verify,
} from "./mod.ts";

const OK = 0;
const INVALID_TXN_STATE = 48;
const INVALID_PRODUCER_ID_MAPPING = 49;
const CONCURRENT_TRANSACTIONS = 51;
const PRODUCER_FENCED = 90;
const TRANSACTION_ABORTABLE = 120;

const NOW_MS = 1000;
const START_MS = 500;
const P = 8;
const E = 3;
const NEW_P = 9;
const T0 = { topic: "t", index: 0 };
const T1 = { topic: "t", index: 1 };

function transaction(state: State, changes: Partial<Transaction> = {}): Transaction {
  const hasPartitions = state === State.ongoing || state === State.prepareCommit ||
    state === State.prepareAbort;
  return {
    producerId: P,
    producerEpoch: E,
    lastProducerEpoch: E - 1,
    previousProducerId: -1,
    nextProducerId: -1,
    timeoutMs: 60_000,
    state,
    partitions: hasPartitions ? new Map([["t", new Set([0])]]) : NO_PARTITIONS,
    startMs: state === State.empty ? -1 : START_MS,
    updateMs: START_MS,
    clientVersion: 2,
    isFenced: false,
    ...changes,
  };
}

const known = (current: Transaction | undefined, isPending = false): KnownTransaction => ({
  current,
  isPending,
});

type Request = (known: KnownTransaction) => Decision | typeof NEEDS_PRODUCER_ID;

const init = (producer?: [number, number], newProducerId?: number): Request => (known) => {
  const pair = producer && { producerId: producer[0], producerEpoch: producer[1] };
  return decideInit(known, { timeoutMs: 7000, producer: pair }, NOW_MS, newProducerId);
};
const add = (producerEpoch = E, partitions = [T0, T1], producerId = P, clientVersion = 2) =>
(
  known: KnownTransaction,
) => decideAdd(known, { producerId, producerEpoch, partitions, clientVersion }, NOW_MS);
const end = (isCommit: boolean, producerEpoch = E, producerId = P): Request => (known) =>
  decideEnd(known, { producerId, producerEpoch, isCommit }, NOW_MS);
const endV2 = (
  isCommit: boolean,
  producerEpoch = E,
  producerId = P,
  newProducerId?: number,
): Request =>
(known) => decideEndV2(known, { producerId, producerEpoch, isCommit }, NOW_MS, newProducerId);

const COMMIT = true;
const ABORT = false;

/** What is decided: the code, the answer's pair, and the next state with its pair and last epoch. */
function outcome(decision: Decision | typeof NEEDS_PRODUCER_ID): string {
  if (decision === NEEDS_PRODUCER_ID) return "needs a producer id";
  const { errorCode, producerId, producerEpoch, next } = decision;
  const pair = producerId === -1 ? "" : ` (${producerId}, ${producerEpoch})`;
  if (next === undefined) return `${errorCode}${pair}`;
  const rotation = next.nextProducerId === -1 ? "" : `, next ${next.nextProducerId}`;
  const state = STATE_NAMES[next.state];
  return `${errorCode}${pair}, ${state} (${next.producerId}, ${next.producerEpoch}), ` +
    `last ${next.lastProducerEpoch}${rotation}`;
}

const states = {
  none: undefined,
  Empty: transaction(State.empty),
  Ongoing: transaction(State.ongoing),
  PrepareCommit: transaction(State.prepareCommit),
  PrepareAbort: transaction(State.prepareAbort),
  CompleteCommit: transaction(State.completeCommit),
  CompleteAbort: transaction(State.completeAbort),
};

/** The table: a row per state, a cell per request. */
const TABLE: readonly [keyof typeof states, string, Request, string][] = [
  ["none", "Init", init(), "needs a producer id"],
  ["none", "Init", init(undefined, NEW_P), "0 (9, 0), Empty (9, 0), last -1"],
  ["none", "Init (0, 0)", init([0, 0], NEW_P), "0 (9, 0), Empty (9, 0), last -1"],
  ["none", "Init (777, 3)", init([777, 3], NEW_P), "0 (9, 0), Empty (9, 0), last -1"],
  ["none", "Add", add(), "49"],
  ["none", "EndTxn 4", end(COMMIT), "49"],
  ["none", "EndTxn 5", endV2(COMMIT), "49"],
  ["none", "EndTxn 5 abort", endV2(ABORT), "49"],

  ["Empty", "Init", init(), "0 (8, 4), Empty (8, 4), last -1"],
  ["Empty", "Init (P, e)", init([P, E]), "0 (8, 4), Empty (8, 4), last 3"],
  ["Empty", "Init (P, last)", init([P, E - 1]), "0 (8, 3), Empty (8, 3), last 2"],
  ["Empty", "Init (P, older)", init([P, E - 2]), "90"],
  ["Empty", "Init (P, later)", init([P, E + 1]), "90"],
  ["Empty", "Init (other, e)", init([P + 1, E]), "90"],
  ["Empty", "Add", add(), "0, Ongoing (8, 3), last 2"],
  ["Empty", "Add at e-1", add(E - 1), "90"],
  ["Empty", "Add of another P", add(E, [T0], P + 1), "49"],
  ["Empty", "EndTxn 4 commit", end(COMMIT), "48"],
  ["Empty", "EndTxn 4 abort", end(ABORT), "48"],
  ["Empty", "EndTxn 5 abort", endV2(ABORT), "0 (8, 4), PrepareAbort (8, 4), last 3"],
  ["Empty", "EndTxn 5 commit", endV2(COMMIT), "48"],
  ["Empty", "EndTxn 5 commit at e-1", endV2(COMMIT, E - 1), "90"],
  ["Empty", "EndTxn 5 abort at e-1", endV2(ABORT, E - 1), "90"],

  ["Ongoing", "Init", init(), "51, PrepareAbort (8, 4), last 3"],
  ["Ongoing", "Init (P, e)", init([P, E]), "51, PrepareAbort (8, 4), last 3"],
  ["Ongoing", "Init (P, e-1), a zombie", init([P, E - 1]), "90"],
  ["Ongoing", "Init (other, e)", init([P + 1, E]), "90"],
  ["Ongoing", "Add of what is there", add(E, [T0]), "0"],
  ["Ongoing", "Add of more", add(E, [T1]), "0, Ongoing (8, 3), last 2"],
  ["Ongoing", "Add at e-1", add(E - 1), "90"],
  ["Ongoing", "Add of another P", add(E, [T0], P + 1), "49"],
  ["Ongoing", "EndTxn 4 commit", end(COMMIT), "0, PrepareCommit (8, 3), last 2"],
  ["Ongoing", "EndTxn 4 abort", end(ABORT), "0, PrepareAbort (8, 3), last 2"],
  ["Ongoing", "EndTxn 4 at e-1", end(COMMIT, E - 1), "90"],
  ["Ongoing", "EndTxn 4 of another P", end(COMMIT, E, P + 1), "49"],
  ["Ongoing", "EndTxn 5 commit", endV2(COMMIT), "0 (8, 4), PrepareCommit (8, 4), last 3"],
  ["Ongoing", "EndTxn 5 abort", endV2(ABORT), "0 (8, 4), PrepareAbort (8, 4), last 3"],
  ["Ongoing", "EndTxn 5 at e-1", endV2(COMMIT, E - 1), "90"],
  ["Ongoing", "EndTxn 5 at e+1", endV2(COMMIT, E + 1), "90"],
  ["Ongoing", "EndTxn 5 of another P", endV2(COMMIT, E, P + 1), "49"],

  ...(["PrepareCommit", "PrepareAbort"] as const).flatMap((
    state,
  ): [typeof state, string, Request, string][] => {
    const same = state === "PrepareCommit";
    return [
      [state, "Init", init(), "51"],
      [state, "Init (P, e)", init([P, E]), "51"],
      [state, "Init (P, e-1)", init([P, E - 1]), "51"],
      [state, "Init (other, e)", init([P + 1, E]), "90"],
      [state, "Add", add(), "51"],
      [state, "Add at e-1", add(E - 1), "90"],
      [state, "Add of another P", add(E, [T0], P + 1), "49"],
      [state, "EndTxn 4 same", end(same), "51"],
      [state, "EndTxn 4 opposite", end(!same), "48"],
      [state, "EndTxn 4 at e-1", end(same, E - 1), "90"],
      [state, "EndTxn 5 same at e-1", endV2(same, E - 1), "51"],
      [state, "EndTxn 5 opposite at e-1", endV2(!same, E - 1), "48"],
      [state, "EndTxn 5 same at e", endV2(same), "51"],
      [state, "EndTxn 5 opposite at e", endV2(!same), "51"],
      [state, "EndTxn 5 at e-2", endV2(same, E - 2), "90"],
    ];
  }),

  ...(["CompleteCommit", "CompleteAbort"] as const).flatMap((
    state,
  ): [typeof state, string, Request, string][] => {
    const same = state === "CompleteCommit";
    return [
      [state, "Init", init(), "0 (8, 4), Empty (8, 4), last -1"],
      [state, "Init (P, e)", init([P, E]), "0 (8, 4), Empty (8, 4), last 3"],
      [state, "Init (P, e-1)", init([P, E - 1]), "0 (8, 3), Empty (8, 3), last 2"],
      [state, "Init (P, e-2)", init([P, E - 2]), "90"],
      [state, "Add", add(), "0, Ongoing (8, 3), last 2"],
      [state, "Add at e-1", add(E - 1), "90"],
      [state, "EndTxn 4 same", end(same), "0 (8, 3)"],
      [state, "EndTxn 4 opposite", end(!same), "48"],
      [state, "EndTxn 4 at e-1", end(same, E - 1), "90"],
      [state, "EndTxn 5 same at e-1", endV2(same, E - 1), "0 (8, 3)"],
      [state, "EndTxn 5 opposite at e-1", endV2(!same, E - 1), "48"],
      [state, "EndTxn 5 abort at e", endV2(ABORT), "0 (8, 4), PrepareAbort (8, 4), last 3"],
      [state, "EndTxn 5 commit at e", endV2(COMMIT), "48"],
      [state, "EndTxn 5 at e-2", endV2(same, E - 2), "90"],
    ];
  }),
];

Deno.test("The table of states and requests has Kafka's answer in each cell", async (t) => {
  for (const [state, name, request, expected] of TABLE) {
    await t.step(`${state}: ${name}`, () => {
      assertEquals(outcome(request(known(states[state]))), expected);
    });
  }
});

Deno.test("Whatever would change a state that is being written gets CONCURRENT_TRANSACTIONS, before all other checks", () => {
  const requests = [
    init(),
    init([P + 1, E]),
    add(),
    add(E - 1),
    add(E, [T0], P + 1),
    end(COMMIT),
    end(COMMIT, E - 1),
    end(ABORT, E, P + 1),
    endV2(COMMIT),
    endV2(ABORT, E - 1),
    endV2(ABORT, E, P + 1),
  ];
  for (const state of Object.values(states)) {
    for (const request of requests) {
      assertEquals(outcome(request(known(state, true))), String(CONCURRENT_TRANSACTIONS));
    }
  }
});

Deno.test("verify() says what is part of the transaction, even while a state is being written (KAFKA-14904)", () => {
  const both = { producerId: P, producerEpoch: E, partitions: [T0, T1] };
  for (const isPending of [false, true]) {
    assertEquals(verify(known(states.Ongoing, isPending), both), [OK, TRANSACTION_ABORTABLE]);
  }
  const everywhere = (code: number) => [code, code];
  const cases: [KnownTransaction, typeof both, number][] = [
    [known(undefined), both, INVALID_PRODUCER_ID_MAPPING],
    [known(states.Ongoing), { ...both, producerId: 7 }, INVALID_PRODUCER_ID_MAPPING],
    [known(states.Ongoing), { ...both, producerEpoch: E - 1 }, PRODUCER_FENCED],
    [known(states.Ongoing), { ...both, producerEpoch: E + 1 }, PRODUCER_FENCED],
    [known(states.PrepareCommit), both, CONCURRENT_TRANSACTIONS],
    [known(states.PrepareAbort), both, CONCURRENT_TRANSACTIONS],
    [known(states.Empty), both, TRANSACTION_ABORTABLE],
    [known(states.CompleteCommit), both, TRANSACTION_ABORTABLE],
  ];
  for (const [state, request, code] of cases) {
    assertEquals(verify(state, request), everywhere(code));
  }
});

/** Carries out requests one after the other, with what is written. Returns the codes and pairs. */
class Coordinator {
  current: Transaction | undefined;

  constructor(current?: Transaction) {
    this.current = current;
  }

  do(request: Request): string {
    const decision = request(known(this.current));
    if (decision === NEEDS_PRODUCER_ID) return "needs a producer id";
    this.current = decision.next ?? this.current;
    const { errorCode, producerId, producerEpoch } = decision;
    return producerId === -1 ? `${errorCode}` : `${errorCode} (${producerId}, ${producerEpoch})`;
  }

  /** The markers are written. */
  complete(): void {
    this.current = complete(this.current!, NOW_MS);
  }

  /** The transaction takes too long. */
  timeOut(): void {
    this.current = fence(this.current!, NOW_MS);
  }
}

Deno.test("A new instance aborts what is open, and gets the epoch after the abort's", () => {
  const coordinator = new Coordinator(transaction(State.ongoing, { producerEpoch: 2 }));
  assertEquals(coordinator.do(init()), "51");
  assertEquals(coordinator.do(init()), "51");
  coordinator.complete();
  assertEquals(coordinator.current!.producerEpoch, 3);
  assertEquals(coordinator.do(init()), "0 (8, 4)");
  // The instance before hears that it is fenced, whatever it does.
  assertEquals(coordinator.do(add(2)), "90");
  assertEquals(coordinator.do(endV2(ABORT, 2)), "90");
  assertEquals(coordinator.do(endV2(ABORT, 3)), "90");
  assertEquals(coordinator.do(init([P, 2])), "90");
});

Deno.test("A transaction that took too long: a KIP-890 producer recovers by an abort, and its commit is fenced (KAFKA-20785)", () => {
  const timedOut = () => {
    const coordinator = new Coordinator(states.Ongoing);
    coordinator.timeOut();
    assertEquals(coordinator.do(endV2(ABORT)), "51");
    assertEquals(coordinator.do(endV2(COMMIT)), "90");
    coordinator.complete();
    return coordinator;
  };
  assertEquals(timedOut().do(add()), "90");
  assertEquals(timedOut().do(endV2(COMMIT)), "90");
  assertEquals(timedOut().do(endV2(ABORT)), "0 (8, 4)");
  // The older flow hears it from each request, and recovers by InitProducerId (KIP-588).
  assertEquals(timedOut().do(end(COMMIT)), "90");
  assertEquals(timedOut().do(end(ABORT)), "90");
  const recovered = timedOut();
  assertEquals(recovered.do(init([P, E])), "0 (8, 4)");
  assertEquals(recovered.do(init([P, E])), "0 (8, 4)");
  assertEquals(recovered.do(add(E + 1)), "0");
  // An abort that its producer had asked for is no fault of the coordinator.
  const aborted = new Coordinator(states.Ongoing);
  aborted.do(endV2(ABORT));
  aborted.complete();
  assertEquals(aborted.do(endV2(COMMIT)), String(INVALID_TXN_STATE));
});

Deno.test("EndTxn 5 at the last epoch rotates the producer id, and its repetition is answered alike", () => {
  const coordinator = new Coordinator(
    transaction(State.ongoing, { producerEpoch: 32_766, lastProducerEpoch: 32_765 }),
  );
  assertEquals(coordinator.do(endV2(COMMIT, 32_766)), "needs a producer id");
  assertEquals(coordinator.do(endV2(COMMIT, 32_766, P, NEW_P)), "0 (9, 0)");
  assertEquals([coordinator.current!.producerEpoch, coordinator.current!.nextProducerId], [
    32_767,
    9,
  ]);
  assertEquals(coordinator.do(endV2(COMMIT, 32_766)), "51");
  assertEquals(coordinator.do(endV2(ABORT, 32_766)), "48");
  // The next transaction waits for this one, and does not fence itself (KAFKA-18660).
  const next = [add(0, [T0], NEW_P), add(0, [T0], NEW_P, 0), init([NEW_P, 0])];
  const ends = [endV2(ABORT, 0, NEW_P), endV2(COMMIT, 0, NEW_P), end(ABORT, 0, NEW_P)];
  assertEquals([...next, ...ends].map((request) => coordinator.do(request)), Array(6).fill("51"));
  const { current } = coordinator;
  const producer = { producerId: NEW_P, producerEpoch: 0, partitions: [T0] };
  assertEquals(verify({ current, isPending: false }, producer), [CONCURRENT_TRANSACTIONS]);
  const other = { ...producer, producerEpoch: 1 };
  assertEquals(verify({ current, isPending: false }, other), [INVALID_PRODUCER_ID_MAPPING]);
  coordinator.complete();
  assertEquals(coordinator.do(endV2(COMMIT, 32_766)), "0 (9, 0)");
  assertEquals(coordinator.do(endV2(ABORT, 32_766)), "48");
  assertEquals(coordinator.do(endV2(COMMIT, 32_767)), "49");
  assertEquals(coordinator.do(add(0, [T0], 9)), "0");
  assertEquals(coordinator.do(endV2(COMMIT, 32_766)), "90");
  assertEquals(coordinator.do(endV2(COMMIT, 0, 9)), "0 (9, 1)");
});

Deno.test("InitProducerId at the last epoch rotates the producer id, and its repetition is answered alike", () => {
  const last = transaction(State.empty, { producerEpoch: 32_766, lastProducerEpoch: 32_765 });
  const continued = new Coordinator(last);
  assertEquals(continued.do(init([P, 32_766])), "needs a producer id");
  assertEquals(continued.do(init([P, 32_766], NEW_P)), "0 (9, 0)");
  assertEquals(continued.do(init([P, 32_766])), "0 (9, 0)");
  assertEquals(continued.do(init([P, 5])), "90");
  assertEquals(continued.do(init([9, 32_766])), "90");
  assertEquals(continued.do(init([9, 0])), "0 (9, 1)");
  assertEquals(continued.do(init([P, 32_766])), "90");
  const replaced = new Coordinator(last);
  assertEquals(replaced.do(init(undefined, NEW_P)), "0 (9, 0)");
  assertEquals(replaced.do(init([P, 32_766])), "90");
  const repeated = new Coordinator(last);
  assertEquals(repeated.do(init([P, 32_765])), "0 (8, 32766)");
});

Deno.test("fence() at the last epoch uses the one that no producer gets, once (KAFKA-19367, KAFKA-20090)", () => {
  const timedOut = () => {
    const coordinator = new Coordinator(transaction(State.ongoing, { producerEpoch: 32_766 }));
    coordinator.timeOut();
    coordinator.complete();
    assertEquals(coordinator.current!.producerEpoch, 32_767);
    return coordinator;
  };
  assertEquals(timedOut().do(endV2(ABORT, 32_766)), "90");
  assertEquals(timedOut().do(endV2(COMMIT, 32_766)), "90");
  const replaced = timedOut();
  assertEquals(replaced.do(init()), "needs a producer id");
  assertEquals(replaced.do(init(undefined, NEW_P)), "0 (9, 0)");
  assertEquals(replaced.do(endV2(ABORT, 32_766)), "90");
  const recovered = timedOut();
  assertEquals(recovered.do(init([P, 32_766], NEW_P)), "0 (9, 0)");
  assertEquals(recovered.do(init([P, 32_766], NEW_P)), "0 (9, 0)");
});

Deno.test("EndTxn 5 does not give the pair of another instance to the one before", () => {
  const coordinator = new Coordinator(states.Empty);
  assertEquals(coordinator.do(init()), "0 (8, 4)");
  assertEquals(coordinator.do(add(E + 1)), "0");
  assertEquals(coordinator.do(end(COMMIT, E + 1)), "0");
  coordinator.complete();
  assertEquals(coordinator.do(endV2(COMMIT, E)), "90");
});

Deno.test("An id may change between the flows within a transaction", () => {
  const coordinator = new Coordinator(states.Empty);
  coordinator.do(add(E, [T0], P, 2));
  assertEquals(coordinator.current!.clientVersion, 2);
  assertEquals(coordinator.do(end(COMMIT)), "0");
  assertEquals([coordinator.current!.clientVersion, coordinator.current!.producerEpoch], [0, E]);
  coordinator.complete();
  coordinator.do(add(E, [T0], P, 0));
  assertEquals(coordinator.do(endV2(COMMIT)), "0 (8, 4)");
  assertEquals(coordinator.current!.clientVersion, 2);
});

Deno.test("A transaction starts with its first partition, and keeps that time until the next one", () => {
  const coordinator = new Coordinator(states.Empty);
  const startAndPartitions = () => [
    coordinator.current!.startMs,
    [...coordinator.current!.partitions.get("t") ?? []],
  ];
  coordinator.do(add(E, [T0]));
  assertEquals(startAndPartitions(), [NOW_MS, [0]]);
  coordinator.current = { ...coordinator.current!, startMs: START_MS };
  coordinator.do(add(E, [T0, T1]));
  assertEquals(startAndPartitions(), [START_MS, [0, 1]]);
  coordinator.do(endV2(COMMIT));
  assertEquals(startAndPartitions(), [START_MS, [0, 1]]);
  coordinator.complete();
  assertEquals(startAndPartitions(), [START_MS, []]);
  coordinator.do(endV2(ABORT, E + 1));
  assertEquals(startAndPartitions(), [NOW_MS, []]);
  coordinator.complete();
  coordinator.do(init());
  assertEquals(startAndPartitions(), [-1, []]);
});

Deno.test("isTimedOut() and isExpired() go by the start and the last use", () => {
  const ongoing = transaction(State.ongoing, { startMs: 100, timeoutMs: 50 });
  assertEquals([isTimedOut(ongoing, 150), isTimedOut(ongoing, 151)], [false, true]);
  assertEquals(isTimedOut({ ...ongoing, state: State.prepareCommit }, 1000), false);
  const expired = Object.entries(states).filter(([, state]) =>
    state !== undefined && isExpired(state, 10, START_MS + 10)
  );
  assertEquals(expired.map(([name]) => name), ["Empty", "CompleteCommit", "CompleteAbort"]);
  assertEquals(isExpired(states.Empty, 11, START_MS + 10), false);
});
