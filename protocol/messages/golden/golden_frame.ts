/**
 * A frame exchanged by other programs, with its origin.
 *
 * @module
 */

/** Element type of the JSON files in this folder. */
export interface GoldenFrame {
  /** The program that wrote the frame. */
  readonly client: string;
  /** Version of the program. */
  readonly version: string;
  /** Kafka's name of the API. */
  readonly api: string;
  readonly apiVersion: number;
  readonly direction: "request" | "response";
  /** The frame without its size: a request with its header, or the body of a response. */
  readonly hex: string;
  /** The content, or the relevant part of it; bytes as base64. */
  readonly expect?: unknown;
}
