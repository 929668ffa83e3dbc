/**
 * Streams over WebSocket, which can also produce.
 *
 * Messages are JSON texts. The broker sends `record` or `batch`, `caught-up`, `progress`, `gap`, `error`
 * and `end`, as the events of the same names, and `ack` for each record to produce. The client sends:
 *
 *     {"type":"subscribe","offset":"-100","key":"alice"}      another query, with the same parameters
 *     {"type":"produce","ref":1,"topic":"orders","key":"k","value":"v","headers":{"h":"1"},"partition":0}
 *
 * A socket takes whatever it is given into memory, so nothing is given to one that has not sent 256 KiB.
 *
 * @module
 */

import type { TopicMessage } from "../../../client/mod.ts";
import type { RestContext } from "../rest/call.ts";
import { badRequest, bytesOfBase64, Fields, parseJson } from "../rest/fields.ts";
import { problemOf } from "../rest/problem.ts";
import { knownTopic, noPartition, noTopic, writesAreOff } from "../rest/topics.ts";
import type { StreamFormat, StreamNotice } from "./stream_event.ts";

const MAX_BUFFERED_BYTES = 256 * 1024;
/** How often to look whether the socket has sent. It has no event for that. */
const LOOK_MS = 50;
/** How long a reader may take nothing. */
const MAX_STALL_MS = 30_000;
const MAX_FRAME_BYTES = 1024 * 1024;
/** Records to produce that are not acknowledged. */
const MAX_PENDING = 256;
const PING_SECONDS = 30;
const PROTOCOL = "dqueue.v1";

const ENDED = 1000;
const POLICY = 1008;
const TOO_BIG = 1009;
/** The codes of "Try Again Later". */
const TOO_SLOW = 1013;
const TOO_MANY = 1013;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** The format: one message for each record, or for all that come together. */
export function webSocketFormat(isBatched: boolean): StreamFormat {
  return {
    name: isBatched ? "ws-batch" : "ws",
    records(records) {
      const { id } = records.at(-1)!;
      const list = records.map(({ json }) => json).join(",");
      if (isBatched) {
        return ENCODER.encode(`{"type":"batch","id":"${id}","records":[${list}]}`);
      }
      // One text, which is cut into messages where it is sent.
      return ENCODER.encode(
        records.map(({ id, json }) => `{"type":"record","id":"${id}",${json.slice(1)}`).join("\n"),
      );
    },
    notice({ name, data, id }: StreamNotice) {
      return ENCODER.encode(
        JSON.stringify({ type: name, ...(id === undefined ? {} : { id }), ...data }),
      );
    },
  };
}

/** What a socket does. */
export interface SocketOptions {
  readonly request: Request;
  readonly context: RestContext;
  /** Whether records may be produced. */
  readonly allowsWrites: boolean;
  /**
   * Opens a stream.
   *
   * @throws {HttpError} If the query is invalid.
   */
  open(
    query: URLSearchParams,
  ): Promise<(signal: AbortSignal) => AsyncGenerator<Uint8Array<ArrayBuffer>, void>>;
  /** Called when the reader took nothing for too long. */
  onStalled(): void;
  /** Called once, when the socket is closed. */
  onEnd(): void;
}

/** Answers a request with a WebSocket. */
export function openWebSocket(options: SocketOptions): Response {
  const wanted = options.request.headers.get("sec-websocket-protocol")?.split(",")
    .map((name) => name.trim()).includes(PROTOCOL) === true;
  const { socket, response } = Deno.upgradeWebSocket(options.request, {
    idleTimeout: PING_SECONDS,
    ...(wanted ? { protocol: PROTOCOL } : {}),
  });
  new SocketSession(socket, options);
  return response;
}

/** Answers a request with a WebSocket that is closed at once: there is no room for it now. */
export function refuseWebSocket(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = () => socket.close(TOO_MANY, "There are too many streams; try again later");
  socket.onerror = () => {};
  return response;
}

class SocketSession {
  readonly #socket: WebSocket;
  readonly #options: SocketOptions;
  readonly #gone = new AbortController();
  /** Ends the current stream. */
  #stream = new AbortController();
  #streaming: Promise<void> = Promise.resolve();
  #pending = 0;

  constructor(socket: WebSocket, options: SocketOptions) {
    this.#socket = socket;
    this.#options = options;
    const { context: { closing }, onEnd } = options;
    const close = () => this.#close(ENDED, "The broker is stopping");
    closing.addEventListener("abort", close);
    socket.onopen = () => {
      const query = new URL(options.request.url).searchParams;
      this.#subscribe(query);
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onerror = () => {};
    socket.onclose = () => {
      closing.removeEventListener("abort", close);
      this.#gone.abort(new DOMException("The socket is closed", "AbortError"));
      this.#stream.abort(this.#gone.signal.reason);
      this.#streaming.finally(onEnd);
    };
  }

  #receive(data: unknown): void {
    try {
      if (typeof data !== "string") throw badRequest("Messages are texts");
      if (data.length > MAX_FRAME_BYTES) return this.#close(TOO_BIG, "The message is too large");
      const fields = new Fields(parseJson(data), "The message");
      switch (fields.requiredString("type")) {
        case "subscribe":
          return this.#subscribe(queryOf(fields));
        case "produce":
          return void this.#produce(fields);
        default:
          throw badRequest("Types of messages are subscribe and produce");
      }
    } catch (error) {
      this.#sendError(error);
    }
  }

  /** Ends the current stream and starts another. */
  #subscribe(query: URLSearchParams): void {
    this.#stream.abort(new DOMException("Another stream was asked for", "AbortError"));
    const stream = new AbortController();
    this.#stream = stream;
    this.#streaming = this.#streaming.then(() => this.#run(query, stream.signal));
  }

  async #run(query: URLSearchParams, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#gone.signal.aborted) return;
    try {
      const events = (await this.#options.open(query))(signal);
      for await (const bytes of events) {
        if (!await this.#room(signal)) return;
        for (const text of DECODER.decode(bytes).split("\n")) this.#socket.send(text);
      }
    } catch (error) {
      this.#sendError(error);
    }
  }

  /** Waits until the socket has sent most of what it was given; false if there is no use in waiting. */
  async #room(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options.context.broker;
    const untilMs = clock.monotonic() + MAX_STALL_MS;
    while (this.#socket.bufferedAmount >= MAX_BUFFERED_BYTES) {
      if (signal.aborted) return false;
      if (clock.monotonic() > untilMs) {
        this.#options.onStalled();
        this.#close(TOO_SLOW, "The reader takes nothing");
        return false;
      }
      await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK_MS));
    }
    return !signal.aborted && this.#socket.readyState === WebSocket.OPEN;
  }

  async #produce(fields: Fields): Promise<void> {
    const ref = fields.raw("ref") ?? null;
    try {
      if (!this.#options.allowsWrites) throw writesAreOff();
      if (this.#pending >= MAX_PENDING) {
        return this.#close(POLICY, `More than ${MAX_PENDING} records are not acknowledged`);
      }
      const { context } = this.#options;
      const { producer } = context;
      const topic = fields.requiredString("topic");
      const state = knownTopic(context, topic)?.state;
      if (state === undefined) throw noTopic(topic);
      const message = messageOf(fields);
      const { partition: wanted } = message;
      if (wanted !== undefined && state.partitions[wanted] === undefined) {
        throw noPartition(topic, wanted);
      }
      this.#pending++;
      const { partition, offset } = await producer.send({ topic, ...message })
        .finally(() => this.#pending--);
      this.#options.context.streams.limits.counters.produced++;
      this.#send({ type: "ack", ref, partition, offset });
    } catch (error) {
      this.#sendError(error, { ref });
    }
  }

  #sendError(error: unknown, more: Readonly<Record<string, unknown>> = {}): void {
    const problem = problemOf(error);
    if (problem === undefined) {
      if (!this.#gone.signal.aborted) {
        this.#options.context.broker.logger.error("WebSocket failed unexpectedly", { error });
        this.#close(POLICY, "The broker failed unexpectedly");
      }
      return;
    }
    this.#send({ type: "error", error_code: problem.errorCode, message: problem.message, ...more });
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #close(code: number, reason: string): void {
    this.#stream.abort(new DOMException(reason, "AbortError"));
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(code, reason);
  }
}

/** The parameters of a query as fields of a message. */
function queryOf(fields: Fields): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of fields.entries()) {
    if (name === "type") continue;
    for (const item of Array.isArray(value) ? value : [value]) query.append(name, String(item));
  }
  return query;
}

function messageOf(fields: Fields): TopicMessage {
  const partition = fields.integer("partition");
  const headers = fields.object("headers");
  return {
    key: bytesOf(fields, "key"),
    value: bytesOf(fields, "value"),
    ...(partition === undefined ? {} : { partition }),
    ...(headers === undefined ? {} : {
      headers: [...headers.entries()].map(([name]): [string, string | null] => [
        name,
        headers.string(name) ?? null,
      ]),
    }),
  };
}

/** Text, or bytes as base64 under another name, as in the JSON of a record. */
function bytesOf(fields: Fields, name: string): Uint8Array | null {
  const text = fields.string(name);
  if (text !== undefined) return ENCODER.encode(text);
  const base64 = fields.string(`${name}_base64`);
  return base64 === undefined ? null : bytesOfBase64(base64, `"${name}_base64"`);
}
