/**
 * What the controller does: it notices dead brokers, elects leaders, and moves replicas.
 *
 * Brokers and controller exchange heartbeats (`HeartbeatManager`), from which each decides who is dead
 * (`liveness.ts`). `ElectionManager` elects leaders when brokers come and go, `PreferredLeaders` from
 * time to time, `RequestedElections` when an operator asks, and `ReassignmentManager` moves replicas (KIP-455). `elections.ts` and
 * `reassignment.ts` decide; they are pure functions of the metadata.
 *
 * @module
 */

export * from "./elections.ts";
export * from "./reassignment.ts";
