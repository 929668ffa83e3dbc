/**
 * Reset of a group's offsets, with the plan shown first. No other REST API of Kafka has it.
 *
 * @module
 */

import { parseOffsetSpec } from "../../../client/text/offset_spec.ts";
import { partitionRanges } from "../../../client/text/partition_ranges.ts";
import { HttpError } from "../http_error.ts";
import type { Call } from "../rest/call.ts";
import { badRequest, type Fields } from "../rest/fields.ts";
import { BOOLEAN, INTEGER, list, object, type Route, STRING } from "../rest/route.ts";
import { noPartition } from "../rest/topics.ts";
import { find } from "./groups.ts";
import { resourcesOf } from "./resource.ts";

/** A partition of a plan. */
interface Planned {
  readonly topic_name: string;
  readonly partition_id: number;
  /** Null if the group has committed nothing there. */
  readonly current_offset: number | null;
  /** Null if the group is to have committed nothing there. */
  readonly new_offset: number | null;
  readonly lag_after: number | null;
}

/** Where each partition is to be: one place for all, so far from where it is, or an offset of each or none. */
type Target = string | number | ReadonlyMap<number, number | null>;

/** The routes. */
export const GROUP_OFFSET_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/v3/clusters/:cluster/consumer-groups/:group/offsets:reset",
    tag: "Consumer groups",
    summary: "Commit other offsets for a group without members; with dry_run, only show them. " +
      'Either "to" has the place for all partitions, or "shift" how far from where they are, or ' +
      '"offsets" that of each',
    isExtension: true,
    body: object({
      topic_name: STRING,
      partition_ids: list(INTEGER),
      to: STRING,
      shift: INTEGER,
      offsets: list(object({ partition_id: INTEGER, offset: INTEGER }, ["partition_id"])),
      dry_run: BOOLEAN,
      expected: list(object({ partition_id: INTEGER, current_offset: INTEGER })),
    }, ["topic_name"]),
    async handle(call) {
      resourcesOf(call);
      const body = await call.json();
      const topic = body.requiredString("topic_name");
      const plan = await planOf(call, topic, partitionsOf(body), targetOf(body));
      ensureExpected(plan, body);
      if (body.boolean("dry_run") !== true) {
        await ensureEmpty(call);
        await apply(call, plan);
      }
      return Response.json({ dry_run: body.boolean("dry_run") ?? false, data: plan });
    },
  },
];

function partitionsOf(body: Fields): readonly number[] | undefined {
  const offsets = body.objects("offsets");
  const ids = body.list("partition_ids")?.map(Number);
  if (offsets === undefined) return ids;
  if (ids !== undefined) {
    throw badRequest('"partition_ids" selects partitions for "to"; "offsets" names its own');
  }
  return offsets.map((row) => row.requiredInteger("partition_id"));
}

function targetOf(body: Fields): Target {
  const offsets = body.objects("offsets");
  const shift = body.integer("shift");
  const given = [offsets !== undefined, shift !== undefined, body.has("to")];
  if (given.filter((is) => is).length !== 1) {
    throw badRequest('Give either "to", "shift" or "offsets"');
  }
  if (shift !== undefined) return shift;
  if (offsets === undefined) return body.requiredString("to");
  const target = new Map(
    offsets.map((row) => [row.requiredInteger("partition_id"), row.integer("offset") ?? null]),
  );
  if (target.size < offsets.length) throw badRequest('A partition is in "offsets" twice');
  return target;
}

/** @throws {HttpError} 409 if the group has committed something since the client saw its offsets. */
function ensureExpected(plan: readonly Planned[], body: Fields): void {
  const expected = body.objects("expected");
  if (expected === undefined) return;
  const seen = new Map(
    expected.map((row) => [
      row.requiredInteger("partition_id"),
      row.integer("current_offset") ?? null,
    ]),
  );
  const moved = plan.find((row) => seen.get(row.partition_id) !== row.current_offset);
  if (moved === undefined) return;
  throw new HttpError(
    409,
    `Partition ${moved.partition_id} has moved to ${moved.current_offset} meanwhile; plan again`,
    { errorCode: 40903 },
  );
}

async function apply(call: Call, plan: readonly Planned[]): Promise<void> {
  const group = call.param("group");
  const placeOf = ({ topic_name: topic, partition_id: partition }: Planned) => ({
    topic,
    partition,
  });
  const offsets = plan.flatMap((row) =>
    row.new_offset === null ? [] : [{ ...placeOf(row), offset: row.new_offset }]
  );
  const none = plan.filter((row) => row.new_offset === null).map(placeOf);
  if (offsets.length > 0) await call.admin.alterGroupOffsets(group, offsets);
  if (none.length > 0) await call.admin.deleteGroupOffsets(group, none);
}

async function planOf(
  call: Call,
  topic: string,
  wanted: readonly number[] | undefined,
  target: Target,
): Promise<Planned[]> {
  const { partitions: all } = await call.admin.describeTopic(topic);
  const partitions = wanted ?? all.map(({ partition }) => partition);
  const missing = partitions.find((id) => all[id] === undefined);
  if (missing !== undefined) throw noPartition(topic, missing);
  const spec = specOf(typeof target === "string" ? target : "end", call);
  const signal = call.context.closing;
  const ranges = await partitionRanges(call.admin, [{ topic, partitions }], spec, { signal });
  const committed = await call.admin.listGroupOffsets(call.param("group"));
  return ranges.map(({ partition, start, from, end }) => {
    const current = committed.find((offset) =>
      offset.topic === topic && offset.partition === partition && offset.offset >= 0
    );
    const offset = typeof target === "string"
      ? from
      : typeof target === "number"
      ? shifted(current?.offset, target, { partition, start, end })
      : target.get(partition)!;
    if (offset !== null && (offset < 0 || offset > end)) {
      throw badRequest(`Offset ${offset} is not in partition ${partition}: ${start} to ${end} are`);
    }
    return {
      topic_name: topic,
      partition_id: partition,
      current_offset: current?.offset ?? null,
      new_offset: offset,
      lag_after: offset === null ? null : end - Math.max(start, offset),
    };
  });
}

/**
 * An offset so far from the committed one, within the partition.
 *
 * @throws {HttpError} 400 if there is none.
 */
function shifted(
  committed: number | undefined,
  by: number,
  { partition, start, end }: {
    readonly partition: number;
    readonly start: number;
    readonly end: number;
  },
): number {
  if (committed === undefined) {
    throw badRequest(`Partition ${partition} has no committed offset to shift; give "to"`);
  }
  return Math.min(end, Math.max(start, committed + by));
}

function specOf(to: string, { context: { broker: { clock } } }: Call) {
  let spec;
  try {
    spec = parseOffsetSpec(to, clock.now());
  } catch (error) {
    throw badRequest(error instanceof Error ? error.message : String(error));
  }
  if (spec.to !== undefined) throw badRequest(`"to" is one place, not a range`);
  return spec;
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
