/**
 * Keys, values and messages of etcd's JSON gateway.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { MetadataEntry } from "../metadata_store.ts";
import type { EtcdAnswer } from "./etcd_gateway.ts";

const DECODER = new TextDecoder();

/** A key and its value. */
export interface KeyValue {
  readonly key: string;
  readonly entry: MetadataEntry;
}

/** Encodes bytes or text as base64. */
export function toBase64(value: Uint8Array | string): string {
  if (typeof value === "string") return Buffer.from(value, "utf8").toString("base64");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
}

/** Decodes base64 into a buffer of its own. */
export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** The range of all keys with a prefix; its end is exclusive. */
export function rangeOf(prefix: string): { readonly key: string; readonly range_end: string } {
  const end = Buffer.from(prefix, "utf8");
  // No prefix ends with byte 0xff, which does not occur in UTF-8.
  end[end.length - 1]!++;
  return { key: toBase64(prefix), range_end: end.toString("base64") };
}

/** Decodes a key and its value. */
export function keyValueOf(kv: EtcdAnswer): KeyValue {
  return {
    key: DECODER.decode(fromBase64(String(kv.key ?? ""))),
    entry: {
      value: fromBase64(String(kv.value ?? "")),
      revision: Number(kv.mod_revision ?? 0),
      created: Number(kv.create_revision ?? 0),
    },
  };
}

/** The keys in the response to a range request. */
export function keyValuesOf(answer: EtcdAnswer | undefined): KeyValue[] {
  const kvs = (answer?.kvs ?? []) as readonly EtcdAnswer[];
  return kvs.map(keyValueOf);
}

/** The messages of a stream: one JSON object per line. Ends when the signal is aborted. */
export async function* messagesOf(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<EtcdAnswer, void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  // A read that waits does not always end with the request.
  const aborted = Promise.withResolvers<{ readonly value?: undefined }>();
  const onAbort = () => aborted.resolve({});
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  let rest = "";
  try {
    for (;;) {
      const read = reader.read();
      read.catch(() => {});
      const { value } = await Promise.race([read, aborted.promise]);
      if (value === undefined) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) if (line !== "") yield JSON.parse(line);
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    reader.cancel().catch(() => {});
  }
}
