/**
 * Frames of a connection between brokers that carries connections of clients:
 *
 * | bytes | what                                                               |
 * | ----- | ------------------------------------------------------------------ |
 * | any   | content: a request, a response, or the client of a new connection |
 * | 4     | number of the client's connection; 0 for a frame of the carrier   |
 * | 1     | kind                                                               |
 *
 * Number and kind come last: a frame then begins as the request that it carries, from whose API the memory
 * that it needs is known before it is read.
 *
 * @module
 */

import type { FrameChannel } from "../../protocol/frames/channel.ts";
import { ProtocolViolationError } from "../protocol_violation_error.ts";

/** What a frame is. */
export const CarriedKind = {
  /** A request or a response. */
  data: 0,
  /** Begins a connection; its content is the client. */
  open: 1,
  /** Ends a connection. */
  close: 2,
  /** Asks for a sign of life, and is one. */
  ping: 3,
} as const;

/** A frame that has arrived. */
export interface CarriedFrame {
  /** One of {@linkcode CarriedKind}. */
  readonly kind: number;
  /** The client's connection. */
  readonly number: number;
  /** Borrowed from the frame. */
  readonly content: Uint8Array;
}

const NUMBER_BYTES = 4;
const TRAILER_BYTES = NUMBER_BYTES + 1;
const NOTHING = new Uint8Array(0);

/** Unsent bytes above which a carrier takes no further frames of its connections. */
export const MAX_BACKLOG_BYTES = 1024 * 1024;

/** @throws {ProtocolViolationError} If the frame is none. */
export function readCarried(frame: Uint8Array): CarriedFrame {
  const size = frame.length - TRAILER_BYTES;
  if (size < 0) throw new ProtocolViolationError("A carried frame is too short");
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return {
    kind: view.getInt8(size + NUMBER_BYTES),
    number: view.getInt32(size),
    content: frame.subarray(0, size),
  };
}

/** Sends a frame. The content must not change until it is sent. */
export function writeCarried(
  channel: FrameChannel,
  kind: number,
  number: number,
  content: Uint8Array = NOTHING,
): void {
  const { out } = channel;
  out.beginFrame();
  out.splice(content);
  out.int32(number);
  out.int8(kind);
  out.endFrame();
  channel.flush();
}

/** Gives one end of a client's connection a frame, and copies it. */
export function deliver(end: FrameChannel, content: Uint8Array): void {
  const { out } = end;
  out.beginFrame();
  out.splice(content);
  out.endFrame();
  end.flush();
}

/** Sends what one end of a client's connection receives, until that ends. */
export async function carryFrames(
  end: FrameChannel,
  channel: FrameChannel,
  number: number,
): Promise<void> {
  for (let frame = await end.next(); frame !== null; frame = await end.next()) {
    if (channel.backlog > MAX_BACKLOG_BYTES) await channel.drained();
    writeCarried(channel, CarriedKind.data, number, frame);
  }
}
