/**
 * Helpers shared by the APIs of transactional producers.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";

/**
 * The error code of a version: before one, clients do not know PRODUCER_FENCED and are told
 * INVALID_PRODUCER_EPOCH (KIP-588).
 */
export function producerErrorCode(
  errorCode: number,
  apiVersion: number,
  firstVersionWithFenced: number,
): number {
  return errorCode === ErrorCode.PRODUCER_FENCED && apiVersion < firstVersionWithFenced
    ? ErrorCode.INVALID_PRODUCER_EPOCH
    : errorCode;
}
