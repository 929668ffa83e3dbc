import { assertEquals } from "@std/assert";
import { type CommitView, followerHighWatermark, nextHighWatermark } from "./high_watermark.ts";

function view(ends: Record<number, number>, given: Partial<CommitView> = {}): CommitView {
  return {
    state: { leaderId: 1, isr: [1, 2, 3], elr: [] },
    pending: [],
    minInSync: 2,
    flushedOffset: 10,
    endOf: (id) => ends[id],
    ...given,
  };
}

Deno.test("nextHighWatermark() is the least end on disk of the ISR, the leader's included", () => {
  assertEquals(nextHighWatermark(0, view({ 2: 7, 3: 9 })), 7);
  assertEquals(nextHighWatermark(0, view({ 2: 12, 3: 12 })), 10);
});

Deno.test("nextHighWatermark() never goes back, and waits for unknown ends", () => {
  assertEquals(nextHighWatermark(8, view({ 2: 7, 3: 9 })), 8);
  assertEquals(nextHighWatermark(3, view({ 2: 7 })), 3);
});

Deno.test("nextHighWatermark() counts pending members like those in sync", () => {
  const state = { leaderId: 1, isr: [1, 2], elr: [] };
  assertEquals(nextHighWatermark(0, view({ 2: 7, 3: 4 }, { state, pending: [1, 2, 3] })), 4);
  // A pending shrink leaves the old member counted.
  const all = { leaderId: 1, isr: [1, 2, 3], elr: [] };
  assertEquals(nextHighWatermark(0, view({ 2: 7, 3: 4 }, { state: all, pending: [1, 2] })), 4);
});

Deno.test("nextHighWatermark() stands still below min.insync.replicas or with an ELR (KIP-966)", () => {
  const small = { leaderId: 1, isr: [1], elr: [] };
  assertEquals(nextHighWatermark(2, view({}, { state: small })), 2);
  assertEquals(nextHighWatermark(2, view({}, { state: small, minInSync: 1 })), 10);
  const eligible = { leaderId: 1, isr: [1, 2], elr: [3] };
  assertEquals(nextHighWatermark(2, view({ 2: 9 }, { state: eligible })), 2);
});

Deno.test("followerHighWatermark() is at most what the follower has on disk", () => {
  assertEquals(followerHighWatermark(0, 9, 5), 5);
  assertEquals(followerHighWatermark(0, 4, 5), 4);
  assertEquals(followerHighWatermark(5, 4, 5), 5);
});
