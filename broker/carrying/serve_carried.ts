/**
 * Serves connections of clients that another broker carries.
 *
 * The broker may act for any client: it needs CLUSTER_ACTION, each time that a connection begins. What the
 * client may do is decided here, as for clients that connect by themselves.
 *
 * @module
 */

import type { FrameChannel } from "../../protocol/frames/channel.ts";
import type { TakenConnection } from "../handler.ts";
import type { Session } from "../security/session.ts";
import { CarriedKind, carryFrames, deliver, readCarried, writeCarried } from "./carried_frame.ts";

/** Most connections of clients at the same time; beyond, new ones are closed. */
const MAX_CONNECTIONS = 4096;
/** Unread bytes of requests above which a client's connection is closed. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

/**
 * Serves connections until the one that carries them ends.
 *
 * @param clientOf Decodes the client of a connection; undefined if it is refused.
 */
export async function serveCarried(
  { channel, next, open }: TakenConnection,
  clientOf: (content: Uint8Array) => Session | undefined,
): Promise<void> {
  const ends = new Map<number, FrameChannel>();

  const begin = (number: number, content: Uint8Array): void => {
    const client = ends.size < MAX_CONNECTIONS && !ends.has(number) ? clientOf(content) : undefined;
    if (client === undefined) return writeCarried(channel, CarriedKind.close, number);
    const end = open(client);
    ends.set(number, end);
    carryFrames(end, channel, number).then(() => {
      if (ends.delete(number)) writeCarried(channel, CarriedKind.close, number);
    });
  };

  const finish = (number: number): void => {
    const end = ends.get(number);
    ends.delete(number);
    end?.abort();
  };

  try {
    for (let frame = await next(); frame !== null; frame = await next()) {
      const { kind, number, content } = readCarried(frame);
      switch (kind) {
        case CarriedKind.data: {
          const end = ends.get(number);
          // The client's connection may have ended meanwhile.
          if (end === undefined) break;
          if (end.backlog > MAX_UNREAD_BYTES) end.abort();
          else deliver(end, content);
          break;
        }
        case CarriedKind.open:
          begin(number, content);
          break;
        case CarriedKind.close:
          finish(number);
          break;
        case CarriedKind.ping:
          writeCarried(channel, CarriedKind.ping, number);
          break;
      }
      channel.recycle(frame);
    }
  } finally {
    for (const number of ends.keys()) finish(number);
  }
}
