/**
 * Consume, transform, produce as one step, exactly once.
 *
 * A `Transform` reads with a `GroupConsumer`, writes with a transactional `Producer`, and repeats what
 * has failed; `transform_options.ts` has what a program gives it.
 *
 * @module
 */

export { Transform } from "./transform.ts";
export type {
  TransformFunction,
  TransformOptions,
  TransformOutput,
  TransformReading,
  TransformResult,
  TransformWriting,
} from "./transform_options.ts";
