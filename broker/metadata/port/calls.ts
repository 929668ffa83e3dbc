/**
 * What a metadata store and a broker in another thread say to each other, as structured clones.
 *
 * @module
 */

import {
  type MetadataEntry,
  type MetadataEvent,
  type MetadataExpectation,
  MetadataStoreClosedError,
  RevisionCompactedError,
  RevisionConflictError,
} from "../metadata_store.ts";

/** A change, with its session by number. */
export type SentChange =
  | { readonly key: string; readonly value: Uint8Array | null; readonly session?: number }
  | { readonly prefix: string; readonly value: null };

/** What the broker asks for; each call is answered by its number. */
export type Call =
  | { readonly name: "read" }
  | { readonly name: "get"; readonly key: string }
  | {
    readonly name: "commit";
    readonly changes: readonly SentChange[];
    readonly expect: readonly MetadataExpectation[];
  }
  | { readonly name: "session"; readonly ttlMs: number }
  | { readonly name: "end"; readonly session: number }
  | { readonly name: "watch"; readonly from: number }
  | { readonly name: "unwatch"; readonly watch: number };

/** A call and its number. */
export interface SentCall {
  readonly id: number;
  readonly call: Call;
}

/** An error in a form that a message can have. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly conflict?: {
    readonly key: string;
    readonly current: MetadataEntry | undefined;
    readonly revision: number;
  };
}

/** What the store says. */
export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: SentError }
  /** An event of the watch of this number. */
  | { readonly watch: number; readonly event: MetadataEvent }
  /** The session of this number has ended. */
  | { readonly lost: number }
  /** The store is served no more. */
  | { readonly isClosed: true };

/** Puts an error into a message. */
export function sentError(error: unknown): SentError {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (!(error instanceof RevisionConflictError)) return { name, message };
  const { key, current, revision } = error;
  return { name, message, conflict: { key, current, revision } };
}

/** Takes an error out of a message. */
export function receivedError({ name, message, conflict }: SentError): Error {
  if (conflict !== undefined) {
    const { key, current, revision } = conflict;
    const error = new RevisionConflictError({ key, revision: 0 }, current, revision);
    error.message = message;
    return error;
  }
  switch (name) {
    case "RevisionCompactedError": {
      const error = new RevisionCompactedError(0, 0);
      error.message = message;
      return error;
    }
    case "MetadataStoreClosedError":
      return new MetadataStoreClosedError(message);
    case "RangeError":
      return new RangeError(message);
    default:
      return new Error(message);
  }
}
