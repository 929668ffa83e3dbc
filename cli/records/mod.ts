/**
 * Records as text, in and out.
 *
 * `format.ts` is the language of format strings (that of rpk), with `format_number.ts` and
 * `strftime.ts`. `RecordFormatter` writes with it, `RecordReader` reads (`record_reader_steps.ts`).
 * `json.ts` does both for JSON. Readers are parsers over a `ByteSource`, run by `parse_stream.ts`.
 *
 * @module
 */

export { FormatSyntaxError } from "./format.ts";
export * from "./json.ts";
export * from "./record.ts";
export * from "./record_formatter.ts";
export * from "./record_reader.ts";
