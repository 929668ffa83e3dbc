/**
 * Raw requests over a channel within the process.
 *
 * @module
 */

import type { FrameChannel } from "../../../protocol/frames/channel.ts";
import { readResponseHeaderTags, writeRequestHeader } from "../../../protocol/frames/headers.ts";
import { Reader } from "../../../protocol/primitives/reader.ts";
import { codec } from "../../../protocol/schema/codec.ts";
import type { Api, RequestTo, ResponseOf } from "../../../protocol/schema/schema.ts";

/** What sends single requests, such as a `RawConnection`. */
export interface Requester {
  /** Sends a request and returns its answer. */
  request<A extends Api>(
    api: A,
    apiVersion: number,
    request: RequestTo<A>,
  ): Promise<ResponseOf<A>>;
}

/** Encodes a request, without sending it. */
export function encodeRequest<A extends Api>(
  { out }: FrameChannel,
  api: A,
  apiVersion: number,
  correlationId: number,
  request: RequestTo<A>,
): void {
  out.beginFrame();
  writeRequestHeader(out, api, { apiKey: api.key, apiVersion, correlationId, clientId: "test" });
  codec(api.request, apiVersion).encode(out, request as never);
  out.endFrame();
}

/** A connection to a broker of this process. */
export class ChannelConnection implements Requester {
  readonly #channel: FrameChannel;
  #correlationId = 0;

  constructor(channel: FrameChannel) {
    this.#channel = channel;
  }

  async request<A extends Api>(
    api: A,
    apiVersion: number,
    request: RequestTo<A>,
  ): Promise<ResponseOf<A>> {
    encodeRequest(this.#channel, api, apiVersion, this.#correlationId++, request);
    this.#channel.flush();
    const frame = await this.#channel.next();
    if (frame === null) throw new Error(`The broker closed the connection instead of ${api.name}`);
    const reader = new Reader(frame);
    reader.int32();
    readResponseHeaderTags(reader, api, apiVersion);
    return codec(api.response, apiVersion).decode(reader) as ResponseOf<A>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel.close();
  }
}
