import { assertEquals, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../protocol/errors.ts";
import { CorruptRecordError, UnsupportedRecordFormatError } from "../protocol/records/mod.ts";
import {
  DiskFullError,
  InvalidRecordError,
  LogOfflineError,
  OffsetOutOfRangeError,
  OutOfOrderSequenceError,
  RecordBatchTooLargeError,
  RecordTooLargeError,
} from "../storage/errors.ts";
import { ApiError, errorCodeOf, errorMessageOf } from "./api_error.ts";
import { CommitUnknownError, EtcdSilenceError } from "./metadata/etcd/etcd_error.ts";
import { MetadataStoreClosedError } from "./metadata/metadata_store.ts";
import { createLogger, silentLogger } from "./logger.ts";

Deno.test("errorCodeOf() maps storage errors to the codes of their counterparts in Kafka", () => {
  const cases: [Error, number][] = [
    [new ApiError(ErrorCode.NOT_CONTROLLER), 41],
    [new CorruptRecordError("x"), 2],
    [new UnsupportedRecordFormatError(1), 87],
    [new OffsetOutOfRangeError("read", 1, 2, 3), 1],
    [new RecordTooLargeError("x"), 10],
    [new RecordBatchTooLargeError("x"), 18],
    [new InvalidRecordError("x"), 87],
    [new OutOfOrderSequenceError("x"), 45],
    [new DiskFullError("x"), 56],
    [new LogOfflineError("x"), 56],
    [new MetadataStoreClosedError("x"), 56],
    [new CommitUnknownError("x"), 7],
    [new EtcdSilenceError("x"), 7],
  ];
  for (const [error, code] of cases) assertEquals(errorCodeOf(error, silentLogger), code);
});

Deno.test("errorCodeOf() logs an unknown error and does not disclose it to the client", () => {
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line) });
  const error = new TypeError("undefined is not a secret");
  assertEquals(errorCodeOf(error, logger), ErrorCode.UNKNOWN_SERVER_ERROR);
  assertStringIncludes(lines[0]!, "undefined is not a secret");
  assertEquals(errorMessageOf(error).includes("secret"), false);
});

Deno.test("ApiError uses the general description without a message", () => {
  assertEquals(new ApiError(ErrorCode.NOT_CONTROLLER, "why").message, "why");
  assertEquals(new ApiError(ErrorCode.NOT_CONTROLLER).message.length > 20, true);
});
