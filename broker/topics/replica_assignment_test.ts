import { assertEquals, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { checkAssignment, inPartitionOrder, spreadReplicas } from "./replica_assignment.ts";

function codeOf(fn: () => unknown): number {
  return assertThrows(fn, ApiError).code;
}

Deno.test("spreadReplicas() gives each broker its share of leaders and replicas", () => {
  assertEquals(spreadReplicas([1], 0, 3, 1), [[1], [1], [1]]);
  assertEquals(spreadReplicas([1, 2, 3], 0, 4, 2), [[1, 2], [2, 3], [3, 1], [1, 2]]);
  assertEquals(spreadReplicas([1, 2, 3], 4, 2, 1), [[2], [3]]);
});

Deno.test("spreadReplicas() rejects more replicas than brokers with INVALID_REPLICATION_FACTOR", () => {
  assertEquals(codeOf(() => spreadReplicas([1], 0, 1, 2)), ErrorCode.INVALID_REPLICATION_FACTOR);
});

Deno.test("checkAssignment() rejects unknown, duplicate and missing brokers, and uneven replicas", () => {
  checkAssignment([[1], [2]], [1, 2]);
  for (const assignment of [[[3]], [[1, 1]], [[]], [[1], [1, 2]], [[1], []]]) {
    assertEquals(
      codeOf(() => checkAssignment(assignment, [1, 2])),
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    );
  }
  assertEquals(
    codeOf(() => checkAssignment([[1]], [1, 2], 2)),
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
