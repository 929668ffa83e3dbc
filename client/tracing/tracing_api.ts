/**
 * The part of OpenTelemetry's API that the client uses. The module `@opentelemetry/api` fits it, so that
 * the client needs no dependency, and nothing is loaded by those who do not trace.
 *
 * @module
 */

/** What belongs together: the current span, and baggage. */
export interface TraceContext {
  /** The value of a key. */
  getValue(key: symbol): unknown;
  /** The context with another value of a key. */
  setValue(key: symbol, value: unknown): TraceContext;
  /** The context without a key. */
  deleteValue(key: symbol): TraceContext;
}

/** Values that describe a span. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** An operation in a trace. */
export interface TraceSpan {
  /** Adds values that describe it. */
  setAttributes(attributes: SpanAttributes): unknown;
  /** Says how it ended. */
  setStatus(status: { code: number; message?: string }): unknown;
  /** Ends it. */
  end(): void;
}

/** Begins spans. */
export interface Tracer {
  /** Begins a span, as a child of the one in `context`. */
  startSpan(
    name: string,
    options: { kind: number; attributes: SpanAttributes },
    context: TraceContext,
  ): TraceSpan;
}

/** Reads the trace that a carrier, such as the headers of a message, belongs to. */
export interface CarrierReader<Carrier> {
  /** The names in the carrier. */
  keys(carrier: Carrier): string[];
  /** The text of a name. */
  get(carrier: Carrier, name: string): string | undefined;
}

/** The module `@opentelemetry/api`, or what has the same functions. */
export interface TracingApi {
  /** Spans. */
  readonly trace: {
    /** The source of a library's spans. */
    getTracer(name: string): Tracer;
    /** The context with another span. */
    setSpan(context: TraceContext, span: TraceSpan): TraceContext;
  };
  /** The context of what is running. */
  readonly context: {
    /** The current one. */
    active(): TraceContext;
    /** Runs a function within another. */
    with<T>(context: TraceContext, run: () => T): T;
  };
  /** How contexts are written into messages. */
  readonly propagation: {
    /** Writes a context. */
    inject(context: TraceContext, carrier: Record<string, string>): void;
    /** The context with what a carrier has. */
    extract<Carrier>(
      context: TraceContext,
      carrier: Carrier,
      reader: CarrierReader<Carrier>,
    ): TraceContext;
  };
}
