import { assertEquals, assertNotEquals } from "@std/assert";
import { ErrorCode } from "../protocol/errors.ts";
import { fetch } from "../protocol/messages/records/fetch.ts";
import { codec } from "../protocol/schema/codec.ts";
import { Reader } from "../protocol/primitives/reader.ts";
import type { RequestTo } from "../protocol/schema/schema.ts";
import { Writer } from "../protocol/primitives/writer.ts";
import type { Principal } from "./security/principal.ts";
import { type FetchPlan, FetchSessions, requestedPartitionsInSteps } from "./fetch_sessions.ts";

const user = (name: string): Principal => ({ type: "User", name });

type Topics = RequestTo<typeof fetch>["topics"];
type Forgotten = RequestTo<typeof fetch>["forgottenTopicsData"];

const VERSION = 12;

function request(sessionId: number, sessionEpoch: number, topics: Topics, forgotten?: Forgotten) {
  const writer = new Writer();
  codec(fetch.request, VERSION).encode(writer, {
    maxWaitMs: 0,
    minBytes: 0,
    sessionId,
    sessionEpoch,
    topics,
    forgottenTopicsData: forgotten ?? [],
  });
  return codec(fetch.request, VERSION).decode(new Reader(writer.takeBytes()));
}

function topic(name: string, ...offsets: number[]): Topics[number] {
  return {
    topic: name,
    partitions: offsets.map((fetchOffset, partition) => ({
      partition,
      fetchOffset,
      partitionMaxBytes: 1000,
    })),
  };
}

function offsets(plan: FetchPlan): string[] {
  return plan.partitions.map(({ topic, partition, fetchOffset }) =>
    `${topic}-${partition}@${fetchOffset}`
  );
}

Deno.test("FetchSessions opens a session for a full request (KIP-227)", () => {
  const sessions = new FetchSessions(10);
  const plan = sessions.plan(request(0, 0, [topic("a", 5, 6)]), VERSION, 0);
  assertNotEquals(plan.sessionId, 0);
  assertEquals(plan.isIncremental, false);
  assertEquals(offsets(plan), ["a-0@5", "a-1@6"]);
});

Deno.test("FetchSessions keeps partitions and applies changes (KIP-227)", () => {
  const sessions = new FetchSessions(10);
  const { sessionId } = sessions.plan(request(0, 0, [topic("a", 5, 6), topic("b", 1)]), VERSION, 0);
  const unchanged = sessions.plan(request(sessionId, 1, []), VERSION, 0);
  assertEquals(unchanged.isIncremental, true);
  assertEquals(offsets(unchanged), ["a-0@5", "a-1@6", "b-0@1"]);
  const changed = sessions.plan(
    request(sessionId, 2, [topic("a", 9)], [{ topic: "a", partitions: [1] }]),
    VERSION,
    0,
  );
  assertEquals(offsets(changed), ["a-0@9", "b-0@1"]);
});

Deno.test("FetchSessions rejects unknown sessions, wrong epochs and mixed names and ids", () => {
  const sessions = new FetchSessions(10);
  const { sessionId } = sessions.plan(request(0, 0, [topic("a", 5)]), VERSION, 0);
  const code = (id: number, epoch: number, version = VERSION) =>
    sessions.plan(request(id, epoch, []), version, 0).errorCode;
  assertEquals(code(sessionId + 1, 1), ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  assertEquals(code(sessionId, 2), ErrorCode.INVALID_FETCH_SESSION_EPOCH);
  assertEquals(code(sessionId, 1, 13), ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
  assertEquals(code(sessionId, 1), ErrorCode.NONE);
});

Deno.test("FetchSessions closes a session at the final epoch and answers without one", () => {
  const sessions = new FetchSessions(10);
  const { sessionId } = sessions.plan(request(0, 0, [topic("a", 5)]), VERSION, 0);
  const last = sessions.plan(request(sessionId, -1, [topic("a", 7)]), VERSION, 0);
  assertEquals([last.sessionId, last.isIncremental, sessions.size], [0, false, 0]);
  assertEquals(offsets(last), ["a-0@7"]);
});

Deno.test("FetchSessions replaces a session when its client sends a new full request", () => {
  const sessions = new FetchSessions(10);
  const first = sessions.plan(request(0, 0, [topic("a", 5)]), VERSION, 0);
  const second = sessions.plan(request(first.sessionId, 0, [topic("a", 6)]), VERSION, 0);
  assertNotEquals(second.sessionId, 0);
  assertEquals(sessions.size, 1);
});

Deno.test("FetchSessions moves partitions that returned data to the end", () => {
  const sessions = new FetchSessions(10);
  const first = sessions.plan(request(0, 0, [topic("a", 1, 2, 3)]), VERSION, 0);
  sessions.served(first, [first.partitions[0]!]);
  const second = sessions.plan(request(first.sessionId, 1, []), VERSION, 0);
  assertEquals(offsets(second), ["a-1@2", "a-2@3", "a-0@1"]);
});

Deno.test("FetchSessions evicts only sessions unused for two minutes", () => {
  const sessions = new FetchSessions(2);
  const open = (nowMs: number) =>
    sessions.plan(request(0, 0, [topic("a", 1)]), VERSION, nowMs).sessionId;
  const [first, second] = [open(0), open(1000)];
  assertEquals(open(60_000), 0);
  sessions.plan(request(first, 1, []), VERSION, 100_000);
  const third = open(121_500);
  assertNotEquals(third, 0);
  const code = (id: number, epoch: number) =>
    sessions.plan(request(id, epoch, []), VERSION, 121_500).errorCode;
  assertEquals(code(second, 1), ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  assertEquals(code(first, 2), ErrorCode.NONE);
});

Deno.test("FetchSessions are those of one user, who alone continues and closes them", () => {
  const sessions = new FetchSessions(10);
  const [alice, bob] = [user("alice"), user("bob")];
  const as = (owner: Principal, id: number, epoch: number, topics: Topics = []) =>
    sessions.plan(request(id, epoch, topics), VERSION, 0, undefined, owner);
  const { sessionId } = as(alice, 0, 0, [topic("a", 5)]);
  for (const epoch of [1, 2, 7]) {
    const { errorCode, partitions } = as(bob, sessionId, epoch);
    assertEquals([errorCode, partitions], [ErrorCode.FETCH_SESSION_ID_NOT_FOUND, []]);
  }
  as(bob, sessionId, -1);
  as(bob, sessionId, 0, [topic("b", 1)]);
  as({ type: "Group", name: "alice" }, sessionId, -1);
  assertEquals(offsets(as(alice, sessionId, 1)), ["a-0@5"]);
  as(alice, sessionId, -1);
  assertEquals(as(alice, sessionId, 2).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  assertEquals(sessions.size, 1);
});

Deno.test("FetchSessions makes room for others where a user has more than half of them", () => {
  const sessions = new FetchSessions(4);
  const open = (name: string) =>
    sessions.plan(request(0, 0, [topic("a", 1)]), VERSION, 0, undefined, user(name)).sessionId;
  const opened = Array.from({ length: 5 }, () => open("greedy"));
  assertEquals(opened.map((id) => id === 0), [false, false, false, false, true]);
  assertNotEquals(open("alice"), 0);
  assertNotEquals(open("bob"), 0);
  // Nobody has more than half.
  assertEquals([open("carol"), open("greedy")], [0, 0]);
  const next = (id: number, name: string) =>
    sessions.plan(request(id, 1, []), VERSION, 0, undefined, user(name)).errorCode;
  const gone = ErrorCode.FETCH_SESSION_ID_NOT_FOUND;
  assertEquals(opened.slice(0, 4).map((id) => next(id, "greedy")), [gone, gone, 0, 0]);
});

Deno.test("FetchSessions opens no session with no slots", () => {
  const sessions = new FetchSessions(0);
  assertEquals(sessions.plan(request(0, 0, [topic("a", 1)]), VERSION, 0).sessionId, 0);
});

Deno.test("FetchSessions serves very many partitions without a session", () => {
  const sessions = new FetchSessions(10);
  const topics = (count: number): Topics => [{
    topic: "a",
    partitions: Array.from({ length: count }, (_, partition) => ({
      partition,
      fetchOffset: 0,
      partitionMaxBytes: 1,
    })),
  }];
  const without = sessions.plan(request(0, 0, topics(50_001)), VERSION, 0);
  assertEquals([without.sessionId, without.partitions.length], [0, 50_001]);
  const { sessionId } = sessions.plan(request(0, 0, topics(40_000)), VERSION, 0);
  assertNotEquals(sessionId, 0);
  // More partitions than a session may have: the client starts over.
  const { errorCode } = sessions.plan(request(sessionId, 1, topics(20_000)), VERSION, 0);
  assertEquals(errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  assertEquals(sessions.size, 0);
});

Deno.test("FetchSessions serves a duplicate partition once, with its last entry", () => {
  const sessions = new FetchSessions(10);
  const partition = { partition: 0, partitionMaxBytes: 1 };
  const { partitions } = sessions.plan(
    request(0, -1, [
      { topic: "a", partitions: [{ ...partition, fetchOffset: 1 }] },
      { topic: "a", partitions: [{ ...partition, fetchOffset: 2 }] },
    ]),
    VERSION,
    0,
  );
  assertEquals(partitions.map(({ fetchOffset }) => fetchOffset), [2]);
});

Deno.test("requestedPartitionsInSteps() yields for duplicate entries of one partition", () => {
  const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1 };
  const topics = [{ topic: "a", partitions: new Array(1000).fill(partition) }];
  const steps = requestedPartitionsInSteps(request(0, 0, topics));
  let count = 0;
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) count++;
  assertEquals(step.value.size, 1);
  assertEquals(count >= 10, true);
});
