/**
 * Errors of etcd, and of missing responses.
 *
 * @module
 */

import { MetadataStoreRefusalError, MetadataStoreSilentError } from "../metadata_store.ts";

/** gRPC codes that etcd returns. */
export const EtcdCode = {
  deadlineExceeded: 4,
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Codes that leave open whether the request was carried out. */
const UNCERTAIN_CODES: ReadonlySet<number> = new Set([
  1, // canceled
  2, // unknown
  EtcdCode.deadlineExceeded,
  13, // internal
  EtcdCode.unavailable,
]);

/** An error response: the request was not carried out. */
export class EtcdError extends MetadataStoreRefusalError {
  override name = "EtcdError";
  /** The gRPC code. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(withAdvice(code, message));
    this.code = code;
  }
}

/** No response, or one that leaves open whether the request was carried out. */
export class EtcdSilenceError extends MetadataStoreSilentError {
  override name = "EtcdSilenceError";
}

/** It is unknown whether a commit was carried out. */
export class CommitUnknownError extends MetadataStoreSilentError {
  override name = "CommitUnknownError";
}

/** The store was replaced or restored from a backup, so that earlier commits are missing. */
export class EtcdRestoredError extends MetadataStoreRefusalError {
  override name = "EtcdRestoredError";
}

/** The error in a response body. */
export function errorOf(status: number, body: unknown): EtcdError | EtcdSilenceError {
  const { code, grpc_code, message } = (body ?? {}) as Record<string, unknown>;
  const number = Number(code ?? grpc_code ?? -1);
  if (number === -1 || UNCERTAIN_CODES.has(number)) {
    const text = message === undefined ? `HTTP status ${status}` : String(message);
    return new EtcdSilenceError(`etcd answered: ${text}`);
  }
  return new EtcdError(number, String(message));
}

function withAdvice(code: number, message: string): string {
  const advice = adviceFor(code, message);
  return `etcd answered: ${message}${advice === "" ? "" : `; ${advice}`}`;
}

function adviceFor(code: number, message: string): string {
  if (message.includes("database space exceeded")) {
    return "its database is full: compact and defragment it, then disarm the alarm " +
      "(etcdctl compact, defrag, alarm disarm), and start it with --auto-compaction-retention=1h";
  }
  switch (code) {
    case EtcdCode.unauthenticated:
    case EtcdCode.invalidArgument:
      return /user name is empty|authentication failed|invalid auth token/.test(message)
        ? "give user and password with metadata.credentials.file"
        : "";
    case EtcdCode.permissionDenied:
      return "the user needs a role that reads and writes keys from /dqueue/ on";
    default:
      return "";
  }
}
