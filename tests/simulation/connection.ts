/**
 * A client's connection to a broker in the same process, request by request.
 *
 * @module
 */

import type { FrameChannel } from "../../protocol/frames/channel.ts";
import { codec } from "../../protocol/schema/codec.ts";
import { readResponseHeaderTags, writeRequestHeader } from "../../protocol/frames/headers.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import type { Api, RequestTo, ResponseOf } from "../../protocol/schema/schema.ts";

/** A request that is not answered yet. */
interface Sent {
  readonly api: Api;
  readonly version: number;
  readonly resolve: (response: unknown) => void;
}

/** A connection that either end can cut at any time. */
export class Connection {
  readonly #channel: FrameChannel;
  readonly #isUp: () => boolean;
  readonly #sent: Map<number, Sent> = new Map();
  #correlationId = 0;
  #isOver = false;

  /** @param isUp Returns whether the broker is up; answers of a dead broker are dropped. */
  constructor(channel: FrameChannel, isUp: () => boolean) {
    this.#channel = channel;
    this.#isUp = isUp;
    void this.#receive();
  }

  /** Whether the connection has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends a request and returns its answer; nothing if the connection ends first. */
  request<A extends Api>(
    api: A,
    version: number,
    request: RequestTo<A>,
  ): Promise<ResponseOf<A> | undefined> {
    if (this.#isOver) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#sent.set(this.#correlationId, { api, version, resolve: resolve as Sent["resolve"] });
      this.send(api, version, request);
    });
  }

  /** Sends a request that has no answer. */
  send<A extends Api>(api: A, apiVersion: number, request: RequestTo<A>): void {
    if (this.#isOver) return;
    const { out } = this.#channel;
    const correlationId = this.#correlationId++;
    out.beginFrame();
    writeRequestHeader(out, api, {
      apiKey: api.key,
      apiVersion,
      correlationId,
      clientId: "simulation",
    });
    codec(api.request, apiVersion).encode(out, request as never);
    out.endFrame();
    this.#channel.flush();
  }

  async #receive(): Promise<void> {
    for (;;) {
      const frame = await this.#channel.next();
      if (frame === null || this.#isOver || !this.#isUp()) break;
      const reader = new Reader(frame);
      const correlationId = reader.int32();
      const { api, version, resolve } = this.#sent.get(correlationId)!;
      this.#sent.delete(correlationId);
      readResponseHeaderTags(reader, api, version);
      resolve(codec(api.response, version).decode(reader));
    }
    this.#end();
  }

  /** Cuts the connection; pending requests resolve without an answer. */
  cut(): void {
    if (this.#isOver) return;
    this.#end();
    this.#channel.abort();
  }

  #end(): void {
    this.#isOver = true;
    for (const { resolve } of this.#sent.values()) resolve(undefined);
    this.#sent.clear();
  }
}
