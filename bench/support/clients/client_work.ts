/**
 * What a client under measurement is made to do, the same for all clients. Runs under Deno and Node.
 *
 * @module
 */

/** Work under way. */
export interface Task {
  /** The broker, `host:port`. */
  readonly address: string;
  readonly topic: string;
  /** Bytes of a value; messages have no keys. */
  readonly size: number;
  /** What to import the client from. */
  readonly module: string;
  /** Messages confirmed or read so far. */
  count: number;
  /** Whether to come to an end. */
  isOver: boolean;
}

/** Moves messages until the task is over, and counts them. */
export type Work = (task: Task) => Promise<void>;

/** What a client can be made to do. */
export type WorkName = "produce" | "produce text" | "produce each" | "consume" | "consume each";

/** How a client does it. */
export type Works = Readonly<Partial<Record<WorkName, Work>>>;

/** What values consist of: "a". */
export const FILLING = 97;

/** How many messages are given to a client at a time, and so make a batch. */
export const BATCH_COUNT = 1000;

/** Batches whose confirmation is waited for at the same time, at most. */
export const BATCHES_IN_FLIGHT = 32;

/** Calls `send` again and again, many at a time; it resolves when a batch is confirmed. */
export async function keepSending(task: Task, send: () => Promise<unknown>): Promise<void> {
  async function lane(): Promise<void> {
    while (!task.isOver) {
      await send();
      task.count += BATCH_COUNT;
    }
  }
  await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, lane));
}

/** Looks at the first and last byte of a value that was read; all that are written are alike. */
export function touch(value: Uint8Array | null, size: number): void {
  if (value === null || value[0] !== FILLING || value[size - 1] !== FILLING) {
    throw new Error(`Read a value of ${value?.length} bytes that nobody wrote`);
  }
}
