import { assertEquals, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { checkAssignment, inPartitionOrder, spreadReplicas } from "./replica_assignment.ts";

function brokers(...racks: (string | null)[]) {
  return racks.map((rack, at) => ({ id: at + 1, rack }));
}

function codeOf(fn: () => unknown): number {
  return assertThrows(fn, ApiError).code;
}

Deno.test("spreadReplicas() gives each broker its share of leaders and replicas", () => {
  const one = { firstPartition: 0, count: 3, replicationFactor: 1 };
  assertEquals(spreadReplicas(brokers(null), one), [[1], [1], [1]]);
  assertEquals(
    spreadReplicas(brokers(null, null, null), {
      firstPartition: 0,
      count: 4,
      replicationFactor: 2,
      firstLeader: 1,
    }),
    [[1, 2], [2, 3], [3, 1], [1, 2]],
  );
});

Deno.test("spreadReplicas() continues with the broker after the last partition's", () => {
  const more = { firstPartition: 4, count: 2, replicationFactor: 1 };
  assertEquals(spreadReplicas(brokers(null, null, null), { ...more, firstLeader: 1 }), [[2], [3]]);
  assertEquals(spreadReplicas(brokers(null, null, null), { ...more, firstLeader: 3 }), [[1], [2]]);
});

Deno.test("spreadReplicas() begins with any broker, and gives each the same number", () => {
  const firsts = new Set<number>();
  for (let topic = 0; topic < 100; topic++) {
    const replicas = spreadReplicas(brokers(null, null, null), {
      firstPartition: 0,
      count: 12,
      replicationFactor: 1,
    });
    for (const id of [1, 2, 3]) {
      assertEquals(replicas.filter(([leader]) => leader === id).length, 4);
    }
    firsts.add(replicas[0]![0]!);
  }
  assertEquals([...firsts].sort(), [1, 2, 3]);
});

Deno.test("spreadReplicas() gives brokers of different racks partitions that follow one another", () => {
  const six = brokers("a", "a", "b", "b", "c", "c");
  const options = { firstPartition: 0, count: 6, replicationFactor: 3, firstLeader: 1 };
  for (const replicas of spreadReplicas(six, options)) {
    assertEquals(new Set(replicas.map((id) => six[id - 1]!.rack)).size, 3);
  }
});

Deno.test("spreadReplicas() rejects more replicas than brokers with INVALID_REPLICATION_FACTOR", () => {
  const options = { firstPartition: 0, count: 1, replicationFactor: 2 };
  assertEquals(
    codeOf(() => spreadReplicas(brokers(null), options)),
    ErrorCode.INVALID_REPLICATION_FACTOR,
  );
});

Deno.test("checkAssignment() rejects unknown, duplicate and missing brokers, and uneven replicas", () => {
  checkAssignment([[1], [2]], brokers(null, null));
  for (const assignment of [[[3]], [[1, 1]], [[]], [[1], [1, 2]], [[1], []]]) {
    assertEquals(
      codeOf(() => checkAssignment(assignment, brokers(null, null))),
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    );
  }
  assertEquals(
    codeOf(() => checkAssignment([[1]], brokers(null, null), 2)),
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
  );
});

Deno.test("inPartitionOrder() requires each partition from 0 on once, in any order", () => {
  const at = (partitionIndex: number) => ({ partitionIndex, brokerIds: [partitionIndex + 10] });
  assertEquals(inPartitionOrder([at(1), at(0), at(2)]), [[10], [11], [12]]);
  for (const wrong of [[at(0), at(0)], [at(1)], [at(0), at(2)], [at(-1)]]) {
    assertEquals(codeOf(() => inPartitionOrder(wrong)), ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  }
});

Deno.test("spreadReplicas() gives brokers that are away replicas only if there are too few others", () => {
  const three = brokers(null, null, null).map((broker) => ({ ...broker, isAway: broker.id === 2 }));
  const options = { firstPartition: 0, count: 4, firstLeader: 1 };
  assertEquals(
    spreadReplicas(three, { ...options, replicationFactor: 2 }),
    [[1, 3], [3, 1], [1, 3], [3, 1]],
  );
  assertEquals(
    spreadReplicas(three, { ...options, replicationFactor: 3 }),
    [[1, 3, 2], [3, 1, 2], [1, 3, 2], [3, 1, 2]],
  );
  const away = three.map((broker) => ({ ...broker, isAway: true }));
  assertEquals(
    codeOf(() => spreadReplicas(away, { ...options, replicationFactor: 1 })),
    ErrorCode.INVALID_REPLICATION_FACTOR,
  );
});

Deno.test("checkAssignment() rejects partitions whose brokers are all away", () => {
  const two = brokers(null, null).map((broker) => ({ ...broker, isAway: broker.id === 2 }));
  checkAssignment([[1, 2], [2, 1]], two);
  assertEquals(
    codeOf(() => checkAssignment([[1], [2]], two)),
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
  );
});
