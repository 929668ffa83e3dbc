/**
 * The world around a command: its `Context`, and how it writes to people.
 *
 * `processContext` is the context of a real process, `test_context.ts` one for tests. Everything is
 * written through `Output`. `table.ts`, `screen.ts`, `progress.ts` and `confirm.ts` are for people in
 * front of a terminal; `style.ts` and `text_width.ts` know what terminals can show.
 *
 * @module
 */

export * from "./confirm.ts";
export * from "./context.ts";
export { Output, type OutputOptions } from "./output.ts";
export * from "./process_context.ts";
export * from "./progress.ts";
export * from "./style.ts";
export * from "./table.ts";
