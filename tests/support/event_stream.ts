/**
 * A reader of Server-Sent Events.
 *
 * @module
 */

import { within } from "./within.ts";

/** An event. */
export interface ServerSentEvent {
  /** `message` if it has no name. */
  readonly name: string;
  readonly id: string | undefined;
  // deno-lint-ignore no-explicit-any
  readonly data: any;
}

/** Reads the events of one answer. */
export class EventStream implements AsyncDisposable {
  readonly status: number;
  readonly #reader: ReadableStreamDefaultReader<string> | undefined;
  readonly #abort: AbortController;
  #text = "";
  /** The id of the last event. */
  lastEventId: string | undefined;

  private constructor(response: Response, abort: AbortController) {
    this.status = response.status;
    this.#reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    this.#abort = abort;
  }

  /** Opens a stream. */
  static async open(
    url: string,
    lastEventId?: string,
    given: Readonly<Record<string, string>> = {},
    client?: Deno.HttpClient,
  ): Promise<EventStream> {
    const abort = new AbortController();
    const headers = lastEventId === undefined ? given : { ...given, "last-event-id": lastEventId };
    const response = await fetch(url, {
      headers,
      signal: abort.signal,
      ...(client === undefined ? {} : { client }),
    });
    return new EventStream(response, abort);
  }

  /** The next event; undefined at the end. */
  async next(): Promise<ServerSentEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const event = parse(block);
        if (event === undefined) continue;
        this.lastEventId = event.id ?? this.lastEventId;
        return event;
      }
      if (this.#reader === undefined) return undefined;
      const { value, done } = await within(this.#reader.read(), "an event");
      if (done) return undefined;
      this.#text += value;
    }
  }

  /** The data of the next records, without other events. */
  async records(count: number): Promise<Record<string, unknown>[]> {
    const records: Record<string, unknown>[] = [];
    while (records.length < count) {
      const event = await this.next();
      if (event === undefined) throw new Error(`The stream ended after ${records.length} records`);
      if (event.name === "message") records.push(...[event.data].flat());
    }
    return records;
  }

  /** The next event with a name. */
  async until(name: string): Promise<ServerSentEvent> {
    for (;;) {
      const event = await this.next();
      if (event === undefined) throw new Error(`The stream ended without "${name}"`);
      if (event.name === name) return event;
    }
  }

  /** All events up to the end. */
  async all(): Promise<ServerSentEvent[]> {
    const events: ServerSentEvent[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) {
      events.push(event);
    }
    return events;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reader?.cancel().catch(() => {});
  }
}

function parse(block: string): ServerSentEvent | undefined {
  let name = "message";
  let id: string | undefined;
  let data: string | undefined;
  for (const line of block.split("\n")) {
    const [, field, value] = /^(\w+): (.*)$/.exec(line) ?? [];
    if (field === "event") name = value!;
    if (field === "id") id = value;
    if (field === "data") data = data === undefined ? value : `${data}\n${value}`;
  }
  return data === undefined ? undefined : { name, id, data: JSON.parse(data) };
}
