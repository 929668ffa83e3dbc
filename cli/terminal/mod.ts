/**
 * The environment of a command: its `Context`, and its output for people.
 *
 * `processContext` is the context of a real process, `test_context.ts` one for tests. All output
 * goes through `Output`. `table.ts`, `screen.ts`, `progress.ts` and `confirm.ts` are for people at
 * a terminal; `style.ts` and `text_width.ts` know the capabilities of terminals.
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
