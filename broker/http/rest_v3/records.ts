/**
 * Produce: single records, streams of them, and batches.
 *
 * A body is JSON objects one after the other, as many as the client likes and when it likes; for each
 * there is a report in the answer, in order. What is not acknowledged yet is bounded: beyond that the body
 * is not read.
 *
 * @module
 */

import { HttpError } from "../http_error.ts";
import { chunksOf, decode } from "../rest/body.ts";
import type { Call } from "../rest/call.ts";
import { badRequest, parseJson } from "../rest/fields.ts";
import { jsonValues } from "../rest/json_stream.ts";
import { itemTexts, memberTexts } from "../rest/json_members.ts";
import { problemOf } from "../rest/problem.ts";
import { list, object, type Route, STRING } from "../rest/route.ts";
import { knownTopic, noPartition, noTopic } from "../rest/topics.ts";
import {
  type DataReport,
  parseRecord,
  RECORD_FIELDS,
  recordFrom,
  type RecordInput,
} from "./record_input.ts";
import { resourcesOf } from "./resource.ts";

const TAG = "Records";
const RECORDS = "/v3/clusters/:cluster/topics/:topic/records";

/** Records whose reports are not taken, of one request. */
const MAX_PENDING = 1000;
const MAX_PENDING_BYTES = 1024 * 1024;
/** How long a client may pause within a stream. */
const MAX_PAUSE_MS = 60_000;
const MAX_BATCH_ENTRIES = 10;
const MAX_ID_LENGTH = 80;
/** Room for the names and types of a record besides its bytes. */
const OVERHEAD_BYTES = 64 * 1024;

/** As in Confluent's API. */
const ID = /^[0-9a-zA-Z_-]+$/;
/** The batch endpoint says of each record how it went. */
const MULTI_STATUS = 207;

/** The routes. */
export const RECORD_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: RECORDS,
    tag: TAG,
    summary: "Produce records: one object, or many one after the other, with a report for each",
    body: object(RECORD_FIELDS),
    handle: stream,
  },
  {
    method: "POST",
    path: `${RECORDS}:batch`,
    tag: TAG,
    summary: "Produce up to 10 records, with a report for each",
    status: MULTI_STATUS,
    body: object({ entries: list(object({ id: STRING, ...RECORD_FIELDS }, ["id"])) }, ["entries"]),
    handle: batch,
  },
];

async function stream(call: Call): Promise<Response> {
  const topic = prepare(call);
  const place = call.context.places.uploads.take();
  if (place === undefined) {
    throw new HttpError(429, "Too many requests produce records already", {
      headers: { "retry-after": "1" },
    });
  }
  try {
    return await produceAll(call, topic, place);
  } catch (error) {
    place[Symbol.dispose]();
    throw error;
  }
}

/** Produces the records of a body, and gives the place back in the end. */
async function produceAll(
  call: Call,
  topic: ReturnType<typeof prepare>,
  place: Disposable,
): Promise<Response> {
  const { uploads, closing } = call.context;
  const values = jsonValues(chunksOf(call.request, MAX_PAUSE_MS, closing), topic.maxBytes);
  const first = await values.next();
  if (first.done === true) {
    throw new HttpError(422, "The body has no record", { errorCode: 42206 });
  }
  let size = first.value.length;
  let text = decode(first.value);
  // Nothing is sent yet: what is not JSON at all is refused as a whole.
  parseJson(text);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(
    undefined,
    { highWaterMark: 1 },
    { highWaterMark: 1 },
  );
  const reports = new Reports(writable.getWriter());
  const run = async () => {
    try {
      for (;;) {
        if (!isJson(text)) {
          // There is no telling where the next record begins.
          reports.add(Promise.resolve(syntaxError(text)), size);
          break;
        }
        const record = parseOr(text);
        reports.add(
          record instanceof HttpError ? Promise.resolve(record) : topic.send(record),
          size,
        );
        await reports.room();
        const next = await values.next();
        if (next.done === true || closing.aborted) break;
        size = next.value.length;
        text = decode(next.value);
      }
    } catch (error) {
      const problem = problemOf(error);
      // A client that went away needs no report.
      if (problem !== undefined) reports.add(Promise.resolve(problem), 0);
    } finally {
      await reports.end();
      await values.return().catch(() => {});
    }
  };
  const running = run().finally(() => {
    uploads.delete(running);
    place[Symbol.dispose]();
  });
  uploads.add(running);
  return new Response(readable, {
    headers: { "content-type": "application/json", "cache-control": "no-store, no-transform" },
  });
}

/** Parses a record, or says what is wrong with it. */
function parseOr(text: string): RecordInput | HttpError {
  try {
    return parseRecord(text);
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
}

type Report = Readonly<Record<string, unknown>>;

/** Writes reports in the order of their records. */
class Reports {
  static readonly #ENCODER = new TextEncoder();
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #last: Promise<void> = Promise.resolve();
  #count = 0;
  #bytes = 0;
  #wake: (() => void) | undefined;
  #hasFailed = false;

  constructor(writer: WritableStreamDefaultWriter<Uint8Array>) {
    this.#writer = writer;
    writer.closed.catch(() => {
      this.#hasFailed = true;
      this.#wake?.();
    });
  }

  /** Adds the report of a record of `size` bytes. */
  add(report: Promise<Report | HttpError>, size: number): void {
    this.#count++;
    this.#bytes += size;
    const done = Promise.all([report, this.#last]).then(([result]) => this.#write(result));
    this.#last = done.catch(() => {}).finally(() => {
      this.#count--;
      this.#bytes -= size;
      this.#wake?.();
    });
  }

  /**
   * Resolves when another record may be read.
   *
   * @throws {Error} If the client does not take reports any more.
   */
  async room(): Promise<void> {
    while (!this.#hasFailed && (this.#count >= MAX_PENDING || this.#bytes >= MAX_PENDING_BYTES)) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#hasFailed) throw new Error("The client has gone");
  }

  /** Ends the answer after the last report. */
  async end(): Promise<void> {
    await this.#last;
    await this.#writer.close().catch(() => {});
  }

  async #write(result: Report | HttpError): Promise<void> {
    const report = result instanceof HttpError ? failure(result) : result;
    await this.#writer.write(Reports.#ENCODER.encode(`${JSON.stringify(report)}\n`));
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function syntaxError(text: string): HttpError {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof HttpError) return error;
  }
  return badRequest("The body is not JSON");
}

function failure({ errorCode, message }: HttpError): Report {
  return { error_code: errorCode, message };
}

async function batch(call: Call): Promise<Response> {
  const topic = prepare(call);
  const text = await call.text(MAX_BATCH_ENTRIES * topic.maxBytes);
  if (text.trim() === "") throw badBatch("Request body is empty");
  const entries = call.fields(text).requiredObjects("entries");
  if (entries.length === 0 || entries.length > MAX_BATCH_ENTRIES) {
    throw badBatch(`A batch has 1 to ${MAX_BATCH_ENTRIES} entries, not ${entries.length}`);
  }
  const ids = entries.map((entry) => {
    const id = entry.raw("id");
    if (typeof id === "string" && id.length <= MAX_ID_LENGTH && ID.test(id)) return id;
    throw badBatch(
      `Each entry has an "id" of letters, digits, "-" and "_", at most ${MAX_ID_LENGTH}`,
    );
  });
  if (new Set(ids).size < ids.length) throw badBatch("Ids must differ");
  const sources = itemTexts(memberTexts(text).get("entries")!);
  const reports = await Promise.all(entries.map((entry, i) => {
    try {
      return topic.send(recordFrom(entry, sources[i]!));
    } catch (error) {
      if (error instanceof HttpError) return error;
      throw error;
    }
  }));
  const successes: Report[] = [];
  const failures: Report[] = [];
  for (const [i, report] of reports.entries()) {
    if (report instanceof HttpError) failures.push({ id: ids[i], ...failure(report) });
    else successes.push({ id: ids[i], ...report });
  }
  return Response.json({ successes, failures }, { status: MULTI_STATUS });
}

function badBatch(message: string): HttpError {
  return new HttpError(422, message, { errorCode: 42208 });
}

/** A topic to produce to. */
interface Target {
  /** Most bytes of a record with its JSON around. */
  readonly maxBytes: number;
  /** Sends a record, and resolves to its report. */
  send(record: RecordInput): Promise<Report | HttpError>;
}

/** @throws {HttpError} 404 if there is no such topic, 415 for another content type. */
function prepare(call: Call): Target {
  const { clusterId } = resourcesOf(call);
  const type = call.request.headers.get("content-type");
  if (type !== null && !/^application\/json\b/i.test(type)) {
    throw new HttpError(415, `Content type ${type} is not possible, only application/json`);
  }
  const name = call.param("topic");
  const { broker: { topics, config }, producer } = call.context;
  const topic = knownTopic(call.context, name);
  if (topic === undefined) throw noTopic(name);
  const maxMessageBytes = topic.config.get("max.message.bytes") ?? config.get("message.max.bytes");
  return {
    // Base64 makes four characters of three bytes.
    maxBytes: Math.ceil(maxMessageBytes * 4 / 3) + OVERHEAD_BYTES,
    async send({ message, key, value }) {
      const { partition } = message;
      if (partition !== undefined && topics.get(name)?.state.partitions[partition] === undefined) {
        return noPartition(name, partition);
      }
      try {
        const written = await producer.send({ topic: name, ...message });
        return {
          error_code: 200,
          cluster_id: clusterId,
          topic_name: name,
          partition_id: written.partition,
          offset: written.offset,
          timestamp: new Date(written.timestamp).toISOString(),
          ...dataReport("key", key),
          ...dataReport("value", value),
        };
      } catch (error) {
        const problem = problemOf(error);
        if (problem === undefined) throw error;
        return problem;
      }
    },
  };
}

function dataReport(name: string, report: DataReport | undefined): Report {
  return report === undefined ? {} : { [name]: report };
}
