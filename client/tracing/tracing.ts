/**
 * Traces: the spans of sending and processing messages, and their context in the headers of messages, by
 * the conventions of OpenTelemetry for messaging.
 *
 * @module
 */

import type { Message } from "../consumer/message.ts";
import type { MessageHeaders, MessageHeadersInit } from "../message_headers.ts";
import { recordHeaders } from "../message_headers.ts";
import type {
  OutgoingMessage,
  RecordMetadata,
  TopicMessage,
} from "../producer/producer_options.ts";
import type {
  CarrierReader,
  SpanAttributes,
  TraceContext,
  TraceSpan,
  TracingApi,
} from "./tracing_api.ts";

const LIBRARY = "@dqueue/dqueue";
/** Of OpenTelemetry's enumerations. */
const PRODUCER = 3;
const CONSUMER = 4;
const ERROR = 2;

const HEADERS: CarrierReader<MessageHeaders> = {
  keys: (headers) => Array.from(headers, ([name]) => name),
  get: (headers, name) => headers.text(name) ?? undefined,
};

/** Traces what a client does. */
export class Tracing {
  readonly #api: TracingApi;

  constructor(api: TracingApi) {
    this.#api = api;
  }

  /** The context of what is running. */
  get active(): TraceContext {
    return this.#api.context.active();
  }

  /** Sends a message, with the context of its span in the headers. */
  async send(
    message: OutgoingMessage,
    send: (message: OutgoingMessage) => Promise<RecordMetadata>,
  ): Promise<RecordMetadata> {
    const { topic, key, value } = message;
    const attributes = {
      "messaging.destination.name": topic,
      ...(typeof key === "string" ? { "messaging.kafka.message.key": key } : {}),
      ...(value === null || value === undefined
        ? { "messaging.kafka.message.tombstone": true }
        : {}),
    };
    return await this.#sending(`send ${topic}`, attributes, async (span, context) => {
      const written = await send(this.within(message, context));
      span.setAttributes({
        "messaging.destination.partition.id": String(written.partition),
        "messaging.kafka.offset": written.offset,
      });
      return written;
    });
  }

  /** Sends messages together, with the context of the one span in the headers of each. */
  async sendBatch<T>(
    messages: readonly OutgoingMessage[],
    send: (messages: readonly OutgoingMessage[]) => Promise<T>,
  ): Promise<T> {
    const topics = new Set(messages.map((message) => message?.topic));
    const [topic] = topics;
    const isOne = topics.size === 1 && typeof topic === "string";
    const attributes = {
      "messaging.batch.message_count": messages.length,
      ...(isOne ? { "messaging.destination.name": topic } : {}),
    };
    return await this.#sending(
      isOne ? `send ${topic}` : "send",
      attributes,
      (_span, context) => send(messages.map((message) => this.within(message, context))),
    );
  }

  /** A message that belongs to a context. One that is none, or has invalid headers, stays as it is. */
  within<T extends TopicMessage>(message: T, context: TraceContext): T {
    if (typeof message !== "object" || message === null) return message;
    try {
      return { ...message, headers: this.#headersIn(message, context) };
    } catch {
      // It is refused, with the reason, where it is sent.
      return message;
    }
  }

  /** Runs what processes a message, in a span of the trace that the message belongs to. */
  process<T>(message: Message, run: () => T): T {
    const { context, propagation, trace } = this.#api;
    const { topic, partition, offset, headers, key } = message;
    const parent = propagation.extract(context.active(), headers, HEADERS);
    const span = this.#start(`process ${topic}`, CONSUMER, {
      "messaging.operation.type": "process",
      "messaging.operation.name": "process",
      "messaging.destination.name": topic,
      "messaging.destination.partition.id": String(partition),
      "messaging.kafka.offset": offset,
      ...(key === null ? {} : { "messaging.kafka.message.key": message.keyText()! }),
    }, parent);
    let isWaiting = false;
    try {
      const result = context.with(trace.setSpan(parent, span), run);
      if (!(result instanceof Promise)) return result;
      isWaiting = true;
      return result.catch((error) => {
        fail(span, error);
        throw error;
      }).finally(() => span.end()) as T;
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      if (!isWaiting) span.end();
    }
  }

  async #sending<T>(
    name: string,
    attributes: SpanAttributes,
    send: (span: TraceSpan, context: TraceContext) => Promise<T>,
  ): Promise<T> {
    const { context, trace } = this.#api;
    const active = context.active();
    const span = this.#start(name, PRODUCER, {
      "messaging.operation.type": "send",
      "messaging.operation.name": "send",
      ...attributes,
    }, active);
    try {
      return await send(span, trace.setSpan(active, span));
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  }

  #start(name: string, kind: number, attributes: SpanAttributes, parent: TraceContext): TraceSpan {
    const all = { "messaging.system": "kafka", ...attributes };
    return this.#api.trace.getTracer(LIBRARY).startSpan(name, { kind, attributes: all }, parent);
  }

  /** The headers of a message with a context, which replaces one that they have. */
  #headersIn({ headers }: TopicMessage, context: TraceContext): MessageHeadersInit {
    const carrier: Record<string, string> = {};
    this.#api.propagation.inject(context, carrier);
    const own = recordHeaders(headers).filter(({ key }) => !Object.hasOwn(carrier, key));
    return [...own, ...Object.entries(carrier).map(([key, value]) => ({ key, value }))];
  }
}

function fail(span: TraceSpan, error: unknown): void {
  const isError = error instanceof Error;
  span.setAttributes({ "error.type": isError ? error.name : "_OTHER" });
  span.setStatus({ code: ERROR, message: isError ? error.message : String(error) });
}
