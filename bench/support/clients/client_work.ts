/**
 * The work of a measured client, the same for all clients. Runs under Deno and Node.
 *
 * @module
 */

/** Work in progress. */
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
  /** Whether to stop. */
  isOver: boolean;
}

/** Moves messages until the task is over, and counts them. */
export type Work = (task: Task) => Promise<void>;

/** The kinds of work. */
export type WorkName = "produce" | "produce text" | "produce each" | "consume" | "consume each";

/** How a client does each kind of work. */
export type Works = Readonly<Partial<Record<WorkName, Work>>>;

/** What values consist of: "a". */
export const FILLING = 97;

/** Messages passed to a client at a time, which form a batch. */
export const BATCH_COUNT = 1000;

/** The most batches in flight. */
export const BATCHES_IN_FLIGHT = 32;

/** Keeps many calls of `send` in flight; each resolves when its batch is confirmed. */
export async function keepSending(task: Task, send: () => Promise<unknown>): Promise<void> {
  async function lane(): Promise<void> {
    while (!task.isOver) {
      await send();
      task.count += BATCH_COUNT;
    }
  }
  await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, lane));
}

/** Checks the first and last byte of a value; all written values are the same. */
export function touch(value: Uint8Array | null, size: number): void {
  if (value === null || value[0] !== FILLING || value[size - 1] !== FILLING) {
    throw new Error(`Read a value of ${value?.length} bytes that was never written`);
  }
}
