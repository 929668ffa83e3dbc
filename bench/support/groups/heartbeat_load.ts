/**
 * Load of prepared heartbeats, as fast as they are answered.
 *
 * @module
 */

import type { LoadConnection } from "../load/load_connection.ts";
import type { GroupKind } from "./load_group.ts";
import { expectNone, type Target } from "../load/target.ts";
import { measureWindow, type Timing, type Window } from "../load/window.ts";

/** The heartbeats answered in a window. */
export interface HeartbeatWindow extends Window {
  readonly answered: number;
}

/** Sends heartbeats of all members in turn, one at a time over each connection. */
export async function measureHeartbeats(
  target: Target,
  kind: GroupKind,
  connections: readonly LoadConnection[],
  frames: readonly Uint8Array[],
  timing: Timing,
): Promise<HeartbeatWindow> {
  let next = 0;
  let answered = 0;
  let isCounting = false;
  let isOver = false;
  const sending = Promise.all(connections.map(async (connection) => {
    while (!isOver) {
      await connection.send(frames[next++ % frames.length]!);
      expectNone(kind.readHeartbeat(await connection.receive()), "send a heartbeat");
      if (isCounting) answered++;
    }
  }));
  const window = await Promise.race([
    measureWindow(timing, target, () => isCounting = true, () => {
      isCounting = false;
      isOver = true;
    }),
    sending.then(() => Promise.reject(new Error("The load ended too early"))),
  ]);
  await sending;
  return { ...window, answered };
}
