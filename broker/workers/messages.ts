/**
 * What the main thread and a broker in a worker say to each other.
 *
 * @module
 */

import type { ConfigTexts } from "../settings/config.ts";
import type { HttpSettings } from "../http/mod.ts";
import type { HostPort } from "../settings/listener.ts";

/** What the main thread says. */
export type ToWorker =
  | {
    readonly type: "start";
    /** Values of settings, of this broker alone. */
    readonly config: ConfigTexts;
    /** Where the cluster's metadata is served. */
    readonly metadata: MessagePort;
  }
  /** Serves HTTP, when the broker serves clients. */
  | { readonly type: "http"; readonly settings: HttpSettings }
  /** Exports metrics by OpenTelemetry, without serving HTTP. */
  | { readonly type: "export"; readonly version: string }
  | { readonly type: "stop" }
  /** Throws an error that nothing catches, for tests. */
  | { readonly type: "throw" };

/** What the worker says. */
export type FromWorker =
  | { readonly type: "line"; readonly line: string }
  | { readonly type: "serving"; readonly addresses: readonly HostPort[] }
  /** Where it serves HTTP, or why it does not. */
  | { readonly type: "http"; readonly address: HostPort | undefined; readonly problem: string }
  /** The broker cannot start, or met an error that nothing caught. The worker stops it. */
  | { readonly type: "failed"; readonly message: string; readonly stack: string | undefined }
  /** The broker has closed its files, and the worker ends. */
  | { readonly type: "stopped" };
