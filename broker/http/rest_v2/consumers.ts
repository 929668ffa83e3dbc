/**
 * Consumers: create one, subscribe, poll, commit, delete.
 *
 * @module
 */

import type { TopicPartition } from "../../../client/mod.ts";
import { ApiError } from "../../api_error.ts";
import { compileTopicRegex, loadRegexEngine } from "../../groups/consumer/topic_regex.ts";
import { HttpError } from "../http_error.ts";
import { isolationOf } from "../isolation.ts";
import type { Call } from "../rest/call.ts";
import { badRequest, type Fields } from "../rest/fields.ts";
import { INTEGER, list, object, type Route, STRING } from "../rest/route.ts";
import type { ConsumerInstance, InstanceOptions } from "./consumer_instance.ts";
import type { ConsumerInstances } from "./consumer_instances.ts";
import {
  controlResponse,
  extrasOf,
  formatOfAnswer,
  noContent,
  type RecordFormat,
  recordsResponse,
  recordText,
} from "./media.ts";
import { boundedNumber, inV2 } from "./topics.ts";

const TAG = "Version 2: consumers";
const GROUP = "/consumers/:group";
const INSTANCE = `${GROUP}/instances/:instance`;

const MAX_NAME_LENGTH = 249;
const DEFAULT_TIMEOUT_MS = 1000;
const MAX_TIMEOUT_MS = 60_000;
const DEFAULT_BYTES = 8 * 1024 * 1024;
const MAX_BYTES = 64 * 1024 * 1024;

const FORMATS: Readonly<Record<string, RecordFormat>> = { binary: "binary", json: "json" };
const WITH_SCHEMA: ReadonlySet<string> = new Set(["avro", "protobuf", "jsonschema"]);

const PLACE = { topic: STRING, partition: INTEGER };
const PARTITIONS = object({ partitions: list(object(PLACE)) });
const OFFSET_LIST = list(object({ ...PLACE, offset: INTEGER, metadata: STRING }));
const POSITIONS = object({
  offsets: OFFSET_LIST,
  timestamps: list(object({ ...PLACE, timestamp: STRING, metadata: STRING })),
});
const OFFSETS = object({ offsets: OFFSET_LIST, partitions: OFFSET_LIST });

/** The routes, for the consumers of a broker. */
export const CONSUMER_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: GROUP,
    tag: TAG,
    summary: "Create a consumer in a group",
    query: { replace: "true to take over the consumer with the same name" },
    body: object({
      id: STRING,
      name: STRING,
      format: STRING,
      "auto.offset.reset": STRING,
      "auto.commit.enable": STRING,
      "isolation.level": STRING,
      "fetch.min.bytes": STRING,
      "responseMinBytes": STRING,
      "consumer.request.timeout.ms": STRING,
      "requestWaitMs": STRING,
    }),
    async handle(call) {
      const options = instanceOptions(call, await call.optionalJson());
      const { group, id } = options;
      await instancesOf(call).create(options, call.query("replace") === "true");
      const path = `/consumers/${encodeURIComponent(group)}/instances/${encodeURIComponent(id)}`;
      return controlResponse(call.request, {
        instance_id: id,
        base_uri: `${call.url.origin}${path}`,
      });
    },
  },
  {
    method: "DELETE",
    path: INSTANCE,
    tag: TAG,
    summary: "Delete a consumer, which leaves its group",
    status: 204,
    async handle(call) {
      const elsewhere = await redirectOf(call);
      if (elsewhere !== undefined) return elsewhere;
      await instancesOf(call).delete(call.param("group"), call.param("instance"));
      return noContent();
    },
  },
  {
    method: "POST",
    path: `${INSTANCE}/subscription`,
    tag: TAG,
    summary: "Subscribe to topics, by name or by a regular expression",
    status: 204,
    body: object({ topics: list(STRING), topic_pattern: STRING }),
    handle: using(async (consumer, call) => {
      const body = await call.json();
      const names = body.list("topics");
      const pattern = body.string("topic_pattern");
      if (names !== undefined && pattern !== undefined) {
        throw new HttpError(409, `Either "topics" or "topic_pattern", not both`, {
          errorCode: 40901,
        });
      }
      if (pattern !== undefined) {
        const find = await finder(call, pattern);
        const topics = await find();
        if (topics.length === 0) throw badRequest(`No topic matches "${pattern}"`);
        await consumer.subscribe(topics, find);
        return noContent();
      }
      if (names === undefined || names.length === 0) throw badRequest(`"topics" names no topic`);
      await consumer.subscribe(names.map(String));
      return noContent();
    }),
  },
  {
    method: "GET",
    path: `${INSTANCE}/subscription`,
    tag: TAG,
    summary: "The topics that a consumer is subscribed to",
    handle: using((consumer, call) => {
      return Promise.resolve(controlResponse(call.request, { topics: consumer.topics }));
    }),
  },
  {
    method: "DELETE",
    path: `${INSTANCE}/subscription`,
    tag: TAG,
    summary: "Unsubscribe from all topics and partitions",
    status: 204,
    handle: using(async (consumer) => {
      await consumer.unsubscribe();
      return noContent();
    }),
  },
  {
    method: "POST",
    path: `${INSTANCE}/assignments`,
    tag: TAG,
    summary: "Read these partitions, without being a member of the group",
    status: 204,
    body: PARTITIONS,
    handle: using(async (consumer, call) => {
      await consumer.assign(partitionsOf(await call.json()));
      return noContent();
    }),
  },
  {
    method: "GET",
    path: `${INSTANCE}/assignments`,
    tag: TAG,
    summary: "The partitions that a consumer reads",
    handle: using((consumer, call) => {
      return Promise.resolve(controlResponse(call.request, { partitions: consumer.assignment }));
    }),
  },
  {
    method: "POST",
    path: `${INSTANCE}/positions`,
    tag: TAG,
    summary: "Continue at these offsets",
    status: 204,
    body: POSITIONS,
    handle: using(async (consumer, call) => {
      const body = await call.json();
      for (const offset of body.objects("offsets") ?? []) {
        await consumer.seek(placeOf(offset), offset.requiredInteger("offset"));
      }
      for (const time of body.objects("timestamps") ?? []) {
        const timestamp = Date.parse(time.requiredString("timestamp"));
        if (Number.isNaN(timestamp)) throw badRequest(`"timestamp" is not a time in ISO 8601`);
        await consumer.seek(placeOf(time), { timestamp });
      }
      return noContent();
    }),
  },
  seekTo("beginning", "earliest"),
  seekTo("end", "latest"),
  {
    method: "GET",
    path: `${INSTANCE}/records`,
    tag: TAG,
    summary: "The next records, or none if none come in time",
    isWrite: true,
    // It would take records that nobody gets.
    hasHead: false,
    query: {
      timeout: "How long to wait, in milliseconds. Default: consumer.request.timeout.ms, or 1000",
      max_bytes: "Most bytes of keys and values. Default: 8388608",
      include: "Also these, such as headers,timestamp",
    },
    answer: list(object({})),
    mediaType: "application/vnd.kafka.binary.v2+json",
    handle: using(async (consumer, call) => {
      const format = formatOfAnswer(call.request, consumer.options.format);
      const timeout = boundedNumber(call, "timeout", consumer.options.timeoutMs, MAX_TIMEOUT_MS);
      const maxBytes = boundedNumber(call, "max_bytes", DEFAULT_BYTES, MAX_BYTES);
      const extras = extrasOf(call.query("include"));
      const texts = await consumer.poll(
        timeout,
        maxBytes,
        (message) => recordText(message, format, extras),
      );
      return recordsResponse(texts, format);
    }),
  },
  {
    method: "POST",
    path: `${INSTANCE}/offsets`,
    tag: TAG,
    summary: "Commit what was delivered, or up to these records",
    body: OFFSETS,
    isBodyOptional: true,
    handle: using(async (consumer, call) => {
      const body = await call.optionalJson();
      // Redpanda's proxy has the list under another name.
      const offsets = body.objects("offsets") ?? body.objects("partitions");
      await consumer.commit(
        offsets?.map((offset) => ({
          ...placeOf(offset),
          // What is committed is the next offset to read; clients name the last record they are done with.
          offset: offset.requiredInteger("offset") + 1,
          metadata: offset.string("metadata"),
        })),
      );
      return new Response(null, { status: 200 });
    }),
  },
  {
    method: "GET",
    path: `${INSTANCE}/offsets`,
    tag: TAG,
    summary: "The committed offsets of partitions, which the query may name",
    query: { partitions: "The partitions, such as orders:0,orders:1. Default: those it reads" },
    handle: using(async (consumer, call) => {
      const named = call.query("partitions")?.split(",").map(parsePlace);
      // kafka-rest has them in the body of the GET, which the runtime does not show: all are among these.
      const partitions = named ?? (hasBody(call.request) ? undefined : consumer.assignment);
      const offsets = (await consumer.committed(partitions)).map(({ offset, ...place }) => ({
        topic: place.topic,
        partition: place.partition,
        offset,
        metadata: place.metadata,
      }));
      return controlResponse(call.request, { offsets });
    }),
  },
];

function hasBody({ headers }: Request): boolean {
  return headers.has("transfer-encoding") || Number(headers.get("content-length") ?? 0) > 0;
}

function seekTo(word: string, at: "earliest" | "latest"): Route {
  return {
    method: "POST",
    path: `${INSTANCE}/positions/${word}`,
    tag: TAG,
    summary: `Continue at the ${word} of partitions`,
    status: 204,
    body: PARTITIONS,
    handle: using(async (consumer, call) => {
      for (const place of partitionsOf(await call.json())) {
        await consumer.seek(place, at);
      }
      return noContent();
    }),
  };
}

/** A handler for the consumer that the path names. */
function using(
  handle: (consumer: ConsumerInstance, call: Call) => Promise<Response>,
): (call: Call) => Promise<Response> {
  return async (call) => {
    const elsewhere = await redirectOf(call);
    if (elsewhere !== undefined) return elsewhere;
    const consumer = instancesOf(call).get(call.param("group"), call.param("instance"));
    try {
      return await consumer.use(() => handle(consumer, call));
    } catch (error) {
      throw inV2(error);
    }
  };
}

/** The answer that sends a client to the broker that has its consumer; undefined if that is not another one. */
async function redirectOf(call: Call): Promise<Response | undefined> {
  const { url, context: { directory, broker } } = call;
  const id = call.param("instance");
  const [, owner] = /^i-(\d{1,10})-/.exec(id) ?? [];
  if (owner === undefined || Number(owner) === broker.nodeId) return undefined;
  if (instancesOf(call).has(call.param("group"), id)) return undefined;
  const origin = await directory.originOf(Number(owner));
  if (origin === undefined) return undefined;
  const location = `${origin}${url.pathname}${url.search}`;
  return Response.json({ error_code: 307, message: `The consumer is on broker ${owner}` }, {
    status: 307,
    headers: { location },
  });
}

function instancesOf({ context }: Call): ConsumerInstances {
  return context.consumers;
}

function instanceOptions(call: Call, body: Fields): InstanceOptions {
  const group = call.param("group");
  const format = formatOf(body.string("format") ?? "binary");
  const reset = body.string("auto.offset.reset") ?? "latest";
  if (reset !== "earliest" && reset !== "latest") {
    throw invalid("auto.offset.reset", reset, "earliest or latest");
  }
  const level = body.string("isolation.level");
  const isolation = isolationOf(level);
  if (isolation === undefined) {
    throw invalid("isolation.level", String(level), "read_committed or read_uncommitted");
  }
  const id = body.string("name") ?? body.string("id") ??
    `i-${call.context.broker.nodeId}-${crypto.randomUUID()}`;
  if (id === "" || id.length > MAX_NAME_LENGTH) {
    throw invalid("name", id.slice(0, 20), `text of at most ${MAX_NAME_LENGTH} characters`);
  }
  return {
    group,
    id,
    format,
    autoOffsetReset: reset,
    autoCommit: flagOf(body, "auto.commit.enable"),
    isolation,
    minBytes: numberOf(body, ["fetch.min.bytes", "responseMinBytes"], 1, MAX_BYTES),
    timeoutMs: numberOf(
      body,
      ["consumer.request.timeout.ms", "requestWaitMs"],
      DEFAULT_TIMEOUT_MS,
      MAX_TIMEOUT_MS,
    ),
  };
}

function formatOf(text: string): RecordFormat {
  const format = FORMATS[text.toLowerCase()];
  if (format !== undefined) return format;
  throw invalid(
    "format",
    text,
    WITH_SCHEMA.has(text.toLowerCase())
      ? "binary or json: there is no schema registry"
      : "binary or json",
  );
}

/** kafka-rest's clients send texts for everything. */
function flagOf(body: Fields, name: string): boolean {
  const value = body.raw(name) ?? false;
  if (value === true || value === "true") return true;
  if (value === false || value === "false") return false;
  throw invalid(name, String(value), "true or false");
}

/** The number under the first of some names, which kafka-rest has had for it. */
function numberOf(
  body: Fields,
  names: readonly string[],
  fallback: number,
  most: number,
): number {
  const name = names.find((each) => body.has(each)) ?? names[0]!;
  const value = body.raw(name);
  if (value === undefined || value === null) return fallback;
  if (!/^-?\d{1,15}$/.test(String(value))) throw invalid(name, String(value), "a number");
  return Number(value) < 0 ? fallback : Math.min(Number(value), most);
}

function invalid(name: string, value: string, expected: string): HttpError {
  return new HttpError(422, `"${name}" is ${expected}, not "${value}"`, { errorCode: 42204 });
}

function partitionsOf(body: Fields): TopicPartition[] {
  return body.requiredObjects("partitions").map(placeOf);
}

function placeOf(fields: Fields): TopicPartition {
  return {
    topic: fields.requiredString("topic"),
    partition: fields.requiredInteger("partition"),
  };
}

function parsePlace(text: string): TopicPartition {
  const [, topic, partition] = /^(.+):(\d{1,9})$/.exec(text) ?? [];
  if (topic === undefined) throw badRequest(`"${text}" is not TOPIC:PARTITION`);
  return { topic, partition: Number(partition) };
}

/** Finds the topics that match an expression, which always ends (RE2). */
async function finder({ admin }: Call, pattern: string): Promise<() => Promise<string[]>> {
  await loadRegexEngine();
  try {
    const isMatch = compileTopicRegex(pattern);
    return async () => (await admin.listTopics()).map(({ name }) => name).filter(isMatch);
  } catch (error) {
    if (error instanceof ApiError) throw badRequest(error.message);
    throw error;
  }
}
