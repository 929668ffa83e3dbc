/**
 * Reset of a group's offsets, with the plan shown first. No other REST API of Kafka has it.
 *
 * @module
 */

import { parseOffsetSpec } from "../../../client/text/offset_spec.ts";
import { partitionRanges } from "../../../client/text/partition_ranges.ts";
import { HttpError } from "../http_error.ts";
import type { Call } from "../rest/call.ts";
import { badRequest } from "../rest/fields.ts";
import { BOOLEAN, INTEGER, list, object, type Route, STRING } from "../rest/route.ts";
import { find } from "./groups.ts";
import { resourcesOf } from "./resource.ts";

/** A partition of a plan. */
interface Planned {
  readonly topic_name: string;
  readonly partition_id: number;
  /** Null if the group has committed nothing there. */
  readonly current_offset: number | null;
  readonly new_offset: number;
  readonly lag_after: number;
}

/** The routes. */
export const GROUP_OFFSET_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/v3/clusters/:cluster/consumer-groups/:group/offsets:reset",
    tag: "Consumer groups",
    summary: "Commit other offsets for a group without members; with dry_run, only show them",
    isExtension: true,
    body: object({
      topic_name: STRING,
      partition_ids: list(INTEGER),
      to: STRING,
      dry_run: BOOLEAN,
      expected: list(object({ partition_id: INTEGER, current_offset: INTEGER })),
    }, ["topic_name", "to"]),
    async handle(call) {
      resourcesOf(call);
      const body = await call.json();
      const topic = body.requiredString("topic_name");
      const partitions = body.list("partition_ids")?.map(Number);
      const plan = await planOf(call, topic, partitions, body.requiredString("to"));
      const expected = body.objects("expected");
      if (expected !== undefined) {
        const seen = new Map(expected.map((row) => [
          row.requiredInteger("partition_id"),
          row.integer("current_offset") ?? null,
        ]));
        const moved = plan.find((row) => seen.get(row.partition_id) !== row.current_offset);
        if (moved !== undefined) {
          throw new HttpError(
            409,
            `Partition ${moved.partition_id} has moved to ${moved.current_offset} meanwhile; plan again`,
            { errorCode: 40903 },
          );
        }
      }
      if (body.boolean("dry_run") !== true) {
        await ensureEmpty(call);
        await call.admin.alterGroupOffsets(
          call.param("group"),
          plan.map((row) => ({
            topic,
            partition: row.partition_id,
            offset: row.new_offset,
          })),
        );
      }
      return Response.json({ dry_run: body.boolean("dry_run") ?? false, data: plan });
    },
  },
];

async function planOf(
  call: Call,
  topic: string,
  wanted: readonly number[] | undefined,
  to: string,
): Promise<Planned[]> {
  const { partitions: all } = await call.admin.describeTopic(topic);
  const partitions = wanted ?? all.map(({ partition }) => partition);
  const missing = partitions.find((id) => all[id] === undefined);
  if (missing !== undefined) {
    throw new HttpError(404, `Topic "${topic}" has no partition ${missing}`, { errorCode: 40402 });
  }
  let spec;
  try {
    spec = parseOffsetSpec(to, call.context.broker.clock.now());
  } catch (error) {
    throw badRequest(error instanceof Error ? error.message : String(error));
  }
  if (spec.to !== undefined) throw badRequest(`"to" is one place, not a range`);
  const signal = call.context.closing;
  const ranges = await partitionRanges(call.admin, [{ topic, partitions }], spec, { signal });
  const committed = await call.admin.listGroupOffsets(call.param("group"));
  return ranges.map(({ partition, from, end }) => {
    const current = committed.find((offset) =>
      offset.topic === topic && offset.partition === partition && offset.offset >= 0
    );
    return {
      topic_name: topic,
      partition_id: partition,
      current_offset: current?.offset ?? null,
      new_offset: from,
      lag_after: end - from,
    };
  });
}

/** @throws {HttpError} 409 with its members, if the group has any. */
async function ensureEmpty(call: Call): Promise<void> {
  const { members } = await find(call);
  if (members.length === 0) return;
  const who = members.map(({ clientId, host }) => `${clientId} on ${host}`).join(", ");
  throw new HttpError(409, `The group has members, which must stop first: ${who}`, {
    errorCode: 40903,
  });
}
