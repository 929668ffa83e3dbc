import { assertEquals } from "@std/assert";
import { partitionStateOf } from "../cluster/topic_state_testing.ts";
import { ManualClock } from "../time/clock.ts";
import type { ReplicatedPartition } from "../roles/replicated_partition.ts";
import { FOLLOWED_MS, LeaderFence } from "./leader_fence.ts";
import { type ReplicaSession, ReplicaSessions } from "./replica_sessions.ts";

const EPOCH = 7;

/** A leader, and followers that fetch from it. */
class Fixture {
  readonly clock = new ManualClock(0);
  readonly sessions = new ReplicaSessions();
  readonly #fence = new LeaderFence({
    cluster: { isFenced: true },
    sessions: this.sessions,
    clock: this.clock,
  });

  /** Opens the session of a follower. */
  open(replicaId: number, leaderEpoch = EPOCH): ReplicaSession {
    const session = this.sessions.open(replicaId, 1);
    session.set({
      topicId: "a",
      index: 0,
      leaderEpoch,
      fetchOffset: 0,
      lastFetchedEpoch: 0,
      logStartOffset: 0,
      highWatermark: 0,
      maxBytes: 1,
    }, undefined);
    return session;
  }

  /** A follower is answered, and sends its next request. */
  fetch(session: ReplicaSession): void {
    session.answered(this.clock.monotonic());
    session.prove();
  }

  isFollowed(successors: readonly number[] | undefined): boolean {
    return this.#fence.isFollowed({
      topicId: "a",
      index: 0,
      state: partitionStateOf({ leaderEpoch: EPOCH, replicas: [1, 2, 3] }),
      leadership: successors && { successors: new Set(successors) },
    } as unknown as ReplicatedPartition);
  }
}

Deno.test("LeaderFence.isFollowed() holds for a leader that nobody can succeed", () => {
  const fixture = new Fixture();
  assertEquals(fixture.isFollowed(undefined), true, "the only replica");
  assertEquals(fixture.isFollowed([]), true, "alone in the ISR, and nobody in the ELR");
  assertEquals(fixture.isFollowed([2]), false, "one that has never fetched");
});

Deno.test("LeaderFence.isFollowed() requires each successor to follow", () => {
  const fixture = new Fixture();
  const [two, three] = [fixture.open(2), fixture.open(3)];
  fixture.fetch(two);
  assertEquals(fixture.isFollowed([2]), true);
  assertEquals(fixture.isFollowed([2, 3]), false);
  fixture.fetch(three);
  assertEquals(fixture.isFollowed([2, 3]), true);
});

Deno.test("LeaderFence.isFollowed() does not count who was silent, or has left the partition", () => {
  const fixture = new Fixture();
  const session = fixture.open(2);
  fixture.fetch(session);
  fixture.clock.advance(FOLLOWED_MS);
  assertEquals(fixture.isFollowed([2]), true);
  fixture.clock.advance(1);
  assertEquals(fixture.isFollowed([2]), false, "silent");
  fixture.fetch(session);
  assertEquals(fixture.isFollowed([2]), true);
  session.delete("a", 0);
  assertEquals(fixture.isFollowed([2]), false, "it follows another leader, or leads");
});

Deno.test("LeaderFence.isFollowed() does not count who follows in another epoch", () => {
  const fixture = new Fixture();
  for (const [leaderEpoch, expected] of [[EPOCH - 1, false], [EPOCH + 1, false], [EPOCH, true]]) {
    fixture.fetch(fixture.open(2, leaderEpoch as number));
    assertEquals(fixture.isFollowed([2]), expected as boolean);
  }
});

Deno.test("LeaderFence.isFollowed() does not count what was sent long ago, and read only now", () => {
  const fixture = new Fixture();
  const session = fixture.open(2);
  session.answered(fixture.clock.monotonic());
  // The process stands still, with the follower's next request in its socket.
  fixture.clock.advance(20_000);
  session.prove();
  assertEquals(fixture.isFollowed([2]), false);
  fixture.fetch(session);
  assertEquals(fixture.isFollowed([2]), true);
});
