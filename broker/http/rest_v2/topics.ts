/**
 * Topics, partitions and brokers, produce, and direct reads.
 *
 * @module
 */

import type { PartitionMetadata, TopicMessage } from "../../../client/mod.ts";
import { HttpError } from "../http_error.ts";
import { ISOLATION_DOC, isolationOf } from "../isolation.ts";
import type { Call } from "../rest/call.ts";
import { badRequest, type Fields } from "../rest/fields.ts";
import { itemTexts, memberTexts } from "../rest/json_members.ts";
import { problemOf } from "../rest/problem.ts";
import { INTEGER, list, object, type Route, STRING } from "../rest/route.ts";
import { describeTopic, endsOf, findPartition, noPartition } from "../rest/topics.ts";
import {
  controlResponse,
  extrasOf,
  formatOfAnswer,
  formatOfBody,
  type RecordFormat,
  recordsResponse,
  recordText,
} from "./media.ts";

const TAG = "Version 2";
const TOPIC = "/topics/:topic";
const PARTITION = `${TOPIC}/partitions/:partition`;

/** The largest body with records to produce. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const DEFAULT_READ_BYTES = 1024 * 1024;
const MAX_READ_BYTES = 64 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 1000;
const MAX_TIMEOUT_MS = 60_000;

/** Codes of records that were not written, as kafka-rest has them. */
const FAILED_FOR_GOOD = 1;
const FAILED_FOR_NOW = 2;

const ENCODER = new TextEncoder();
const RECORDS = object({
  records: list(object({ key: {}, value: {}, partition: INTEGER }, ["value"])),
  // Of other formats; kafka-rest takes no notice of them in these.
  key_schema: {},
  key_schema_id: {},
  value_schema: {},
  value_schema_id: {},
}, ["records"]);

/** The routes. */
export const TOPIC_ROUTES: readonly Route[] = withCodes([
  {
    method: "GET",
    path: "/topics",
    tag: TAG,
    summary: "The names of all topics",
    answer: list(STRING),
    async handle(call) {
      const topics = await call.admin.listTopics({ internal: true });
      return controlResponse(call.request, topics.map(({ name }) => name).sort());
    },
  },
  {
    method: "GET",
    path: TOPIC,
    tag: TAG,
    summary: "A topic with its configs and partitions",
    async handle(call) {
      const name = call.param("topic");
      const { partitions } = await describeTopic(call);
      const entries = await call.admin.describeConfigs({ type: "topic", name });
      const configs = Object.fromEntries(entries.map((entry) => [entry.name, entry.value]));
      return controlResponse(call.request, {
        name,
        configs,
        partitions: partitions.map(partitionOf),
      });
    },
  },
  {
    method: "POST",
    path: TOPIC,
    tag: TAG,
    summary: "Produce records to a topic",
    body: RECORDS,
    mediaType: "application/vnd.kafka.json.v2+json",
    handle: (call) => produce(call, undefined),
  },
  {
    method: "GET",
    path: `${TOPIC}/partitions`,
    tag: TAG,
    summary: "The partitions of a topic",
    answer: list(object({})),
    async handle(call) {
      const { partitions } = await describeTopic(call);
      return controlResponse(call.request, partitions.map(partitionOf));
    },
  },
  {
    method: "GET",
    path: PARTITION,
    tag: TAG,
    summary: "One partition",
    async handle(call) {
      return controlResponse(call.request, partitionOf(await findPartition(call)));
    },
  },
  {
    method: "POST",
    path: PARTITION,
    tag: TAG,
    summary: "Produce records to a partition",
    body: RECORDS,
    mediaType: "application/vnd.kafka.json.v2+json",
    async handle(call) {
      return await produce(call, (await findPartition(call)).partition);
    },
  },
  {
    method: "GET",
    path: `${PARTITION}/offsets`,
    tag: TAG,
    summary: "The first offset of a partition, and its end",
    async handle(call) {
      const { partition } = await findPartition(call);
      const { start, end } = await endsOf(call, call.param("topic"), partition);
      return controlResponse(call.request, { beginning_offset: start, end_offset: end });
    },
  },
  {
    method: "GET",
    path: `${PARTITION}/records`,
    tag: TAG,
    summary: "Records of a partition, without a consumer",
    query: {
      offset: "The first offset. Default: the start",
      timeout: "How long to wait for records, in milliseconds. Default: 1000",
      max_bytes: "Most bytes of records. Default: 1048576",
      include: "Also these, such as headers,timestamp",
      isolation: ISOLATION_DOC,
    },
    answer: list(object({})),
    mediaType: "application/vnd.kafka.binary.v2+json",
    handle: read,
  },
  {
    method: "GET",
    path: "/brokers",
    tag: TAG,
    summary: "The ids of the brokers",
    async handle(call) {
      const { brokers } = await call.admin.describeCluster();
      return controlResponse(call.request, { brokers: brokers.map(({ id }) => id) });
    },
  },
]);

/** Routes whose errors have the codes of version 2. */
function withCodes(routes: readonly Route[]): Route[] {
  return routes.map((route) => ({
    ...route,
    async handle(call) {
      try {
        return await route.handle(call);
      } catch (error) {
        throw inV2(error);
      }
    },
  }));
}

/** A number of the query, within bounds. */
export function boundedNumber(
  call: Call,
  name: string,
  fallback: number,
  most: number,
): number {
  const text = call.query(name);
  if (text === undefined) return fallback;
  if (!/^-?\d{1,15}$/.test(text)) throw badRequest(`"${name}" is not a number: "${text}"`);
  // kafka-rest takes -1 for its own default.
  return Number(text) < 0 ? fallback : Math.min(Number(text), most);
}

/** An error with the codes of version 2, which differ for topics. */
export function inV2(error: unknown): unknown {
  const problem = problemOf(error);
  if (problem?.errorCode !== 40403) return error;
  return new HttpError(404, problem.message, { errorCode: 40401 });
}

function partitionOf({ partition, leaderId, replicas, isr }: PartitionMetadata) {
  return {
    partition,
    leader: leaderId,
    replicas: replicas.map((broker) => ({
      broker,
      leader: broker === leaderId,
      in_sync: isr.includes(broker),
    })),
  };
}

async function read(call: Call): Promise<Response> {
  const format = formatOfAnswer(call.request);
  const topic = call.param("topic");
  const level = call.query("isolation");
  const isolation = isolationOf(level);
  if (isolation === undefined) {
    throw badRequest(`"isolation" is read_committed or read_uncommitted, not "${level}"`);
  }
  const { partition } = await findPartition(call);
  const { start, end } = await endsOf(call, topic, partition);
  const offset = boundedNumber(call, "offset", start, Number.MAX_SAFE_INTEGER);
  if (offset < start || offset > end) {
    throw new HttpError(
      404,
      `Offset ${offset} is out of range: "${topic}-${partition}" has ${start} up to ${end}`,
      { errorCode: 40402 },
    );
  }
  const { messages } = await call.context.streams.limits.consumer.fetchFrom(
    topic,
    partition,
    offset,
    {
      maxBytes: Math.max(1, boundedNumber(call, "max_bytes", DEFAULT_READ_BYTES, MAX_READ_BYTES)),
      maxWaitMs: boundedNumber(call, "timeout", DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS),
      isolation,
      signal: call.context.closing,
    },
  );
  const extras = extrasOf(call.query("include"));
  return recordsResponse(messages.map((message) => recordText(message, format, extras)), format);
}

async function produce(call: Call, partition: number | undefined): Promise<Response> {
  const format = formatOfBody(call.request);
  const { name, partitions } = await describeTopic(call);
  const text = await call.text(MAX_BODY_BYTES);
  const body = call.fields(text);
  const records = body.requiredObjects("records");
  if (records.length === 0) {
    throw new HttpError(422, "There are no records", { errorCode: 42206 });
  }
  const sources = itemTexts(memberTexts(text).get("records")!);
  // Nothing is sent unless everything can be read.
  const messages = records.map((record, i) => messageOf(record, sources[i]!, format, partition));
  /** Of the answer: as in kafka-rest, that of a record that the client may not write. */
  let status = 200;
  const offsets = await Promise.all(messages.map(async (message) => {
    const { partition } = message;
    if (partition !== undefined && partitions[partition] === undefined) {
      return failure(FAILED_FOR_GOOD, noPartition(name, partition).message);
    }
    try {
      const written = await call.context.producer.send({ topic: name, ...message });
      const { partition, offset } = written;
      return { partition, offset, error_code: null, error: null };
    } catch (error) {
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      if (problem.status === 401 || problem.status === 403) status = problem.status;
      const code = problem.errorCode === 50003 ? FAILED_FOR_NOW : FAILED_FOR_GOOD;
      return failure(code, problem.message);
    }
  }));
  const answer = { offsets, key_schema_id: null, value_schema_id: null };
  return controlResponse(call.request, answer, status);
}

function failure(code: number, error: string) {
  return { partition: null, offset: null, error_code: code, error };
}

function messageOf(
  record: Fields,
  source: string,
  format: RecordFormat,
  inPartition: number | undefined,
): TopicMessage {
  const partition = inPartition ?? record.integer("partition");
  if (partition !== undefined && partition < 0) throw badRequest(`"partition" is negative`);
  return {
    key: dataOf(record, "key", source, format),
    value: dataOf(record, "value", source, format),
    ...(partition === undefined ? {} : { partition }),
  };
}

function dataOf(
  record: Fields,
  name: string,
  source: string,
  format: RecordFormat,
): Uint8Array | null {
  if (!record.has(name)) return null;
  if (format === "json") return ENCODER.encode(memberTexts(source).get(name)!);
  try {
    return Uint8Array.fromBase64(record.string(name)!);
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(422, `The ${name} of a record is not base64`, { errorCode: 42206 });
  }
}
