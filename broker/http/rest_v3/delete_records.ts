/**
 * Deletes the oldest records of a topic. No other REST API of Kafka has it.
 *
 * @module
 */

import { partitionRanges } from "../../../client/text/partition_ranges.ts";
import { parseOffsetSpec } from "../../../client/text/offset_spec.ts";
import type { Call } from "../rest/call.ts";
import { badRequest, type Fields } from "../rest/fields.ts";
import { BOOLEAN, INTEGER, list, object, type Route, STRING } from "../rest/route.ts";
import { describeTopic, noPartition } from "../rest/topics.ts";
import { resourcesOf } from "./resource.ts";

/** A partition, and which of its records are deleted: those from the first offset to the new one. */
interface Planned {
  readonly partition_id: number;
  readonly earliest_offset: number;
  readonly new_earliest_offset: number;
  readonly records_count: number;
}

/** The routes. */
export const DELETE_RECORDS_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/v3/clusters/:cluster/topics/:topic/records:delete",
    tag: "Records",
    summary:
      'Delete the records before a place: "end" for all, an offset, or @TIME. With dry_run, ' +
      "only show how many",
    body: object({
      partition_ids: list(INTEGER),
      before: STRING,
      dry_run: BOOLEAN,
    }, ["before"]),
    isExtension: true,
    async handle(call) {
      resourcesOf(call);
      const body = await call.json();
      const isDryRun = body.boolean("dry_run") ?? false;
      const plan = await planOf(call, body);
      const name = call.param("topic");
      if (!isDryRun && plan.length > 0) {
        await call.admin.deleteRecords(
          name,
          Object.fromEntries(plan.map((row) => [row.partition_id, row.new_earliest_offset])),
        );
      }
      return Response.json({ topic_name: name, dry_run: isDryRun, data: plan });
    },
  },
];

async function planOf(call: Call, body: Fields): Promise<Planned[]> {
  const { name, partitions: all } = await describeTopic(call);
  const partitions = partitionsOf(body) ?? all.map(({ partition }) => partition);
  const missing = partitions.find((id) => all[id] === undefined);
  if (missing !== undefined) throw noPartition(name, missing);
  const spec = specOf(body.requiredString("before"), call.context.broker.clock.now());
  const signal = call.context.closing;
  const ranges = await partitionRanges(call.admin, [{ topic: name, partitions }], spec, { signal });
  const beyond = ranges.find(({ missing, end }) => missing !== undefined && missing > end);
  if (beyond !== undefined) {
    throw badRequest(
      `Offset ${beyond.missing} is beyond the end of partition ${beyond.partition}, ${beyond.end}`,
    );
  }
  return ranges.map(({ partition, start, from }) => ({
    partition_id: partition,
    earliest_offset: start,
    new_earliest_offset: Math.max(start, from),
    records_count: Math.max(0, from - start),
  }));
}

function partitionsOf(body: Fields): number[] | undefined {
  const ids = body.list("partition_ids");
  if (ids === undefined) return undefined;
  if (!ids.every((id): id is number => Number.isSafeInteger(id))) {
    throw badRequest('"partition_ids" has numbers');
  }
  return [...new Set(ids)];
}

function specOf(before: string, nowMs: number) {
  try {
    const spec = parseOffsetSpec(before, nowMs);
    if (spec.to === undefined) return spec;
  } catch (error) {
    throw badRequest(error instanceof Error ? error.message : String(error));
  }
  throw badRequest('"before" is one place, not a range');
}
