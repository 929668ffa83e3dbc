/**
 * What members of a group say about themselves, a line of JSON each.
 *
 * A line is written before the call returns, so that what a member did is known whatever becomes of it.
 *
 * @module
 */

/** What a member says. */
export type MemberEvent = AssignmentEvent | MessageEvent;

/** It has these partitions from now on, and no others. */
export interface AssignmentEvent {
  readonly type: "assignment";
  readonly partitions: readonly number[];
  /** The generation of a classic group; a client of KIP-848 does not tell its epoch. */
  readonly generation?: number | undefined;
  /** Whether it was out of the group for too long: others may have had its partitions for a while. */
  readonly isLoss?: boolean;
  /** When, in milliseconds since 1970. */
  readonly time: number;
}

/** It has processed a message. */
export interface MessageEvent {
  readonly type: "message";
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

const ENCODER = new TextEncoder();

/** Writes an event to the standard output. */
export function tell(event: MemberEvent): void {
  const bytes = ENCODER.encode(`${JSON.stringify(event)}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
