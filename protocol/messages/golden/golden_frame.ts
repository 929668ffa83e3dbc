/**
 * A frame as it went over the wire between other programs than ours, with where it comes from.
 *
 * @module
 */

/** What the JSON files in this folder hold lists of. */
export interface GoldenFrame {
  /** The program that wrote the frame. */
  readonly client: string;
  /** That program's version. */
  readonly version: string;
  /** Kafka's name of the API. */
  readonly api: string;
  readonly apiVersion: number;
  readonly direction: "request" | "response";
  /** The frame without its size: a request with its header, a response's body alone. */
  readonly hex: string;
  /** What is in it, or the part that is worth a look; bytes as base64. */
  readonly expect?: unknown;
}
