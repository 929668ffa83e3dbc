/**
 * Events that group members print, one line of JSON each.
 *
 * A line is written before the call returns, so no event is lost if the member is killed.
 *
 * @module
 */

/** An event of a member. */
export type MemberEvent = AssignmentEvent | MessageEvent;

/** From now on the member has exactly these partitions. */
export interface AssignmentEvent {
  readonly type: "assignment";
  readonly partitions: readonly number[];
  /** The generation of a classic group; clients of KIP-848 do not report their epoch. */
  readonly generation?: number | undefined;
  /** Whether it was removed from the group: others may have had its partitions for a while. */
  readonly isLoss?: boolean;
  /** Time of the event, in milliseconds since 1970. */
  readonly time: number;
}

/** The member has processed a message. */
export interface MessageEvent {
  readonly type: "message";
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

const ENCODER = new TextEncoder();

/** Writes an event to stdout. */
export function tell(event: MemberEvent): void {
  const bytes = ENCODER.encode(`${JSON.stringify(event)}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
