import type { Names } from "../ensure_known.ts";
import type { OperationOptions } from "./client_core.ts";
import type { CloseOptions, WaitOptions } from "./waiting.ts";

/** The names of OperationOptions. */
export const OPERATION_NAMES: Names<OperationOptions> = { signal: true, timeoutMs: true };

/** The names of CloseOptions. */
export const CLOSE_NAMES: Names<CloseOptions> = { timeoutMs: true };

/** The names of WaitOptions. */
export const WAIT_NAMES: Names<WaitOptions> = { signal: true };
