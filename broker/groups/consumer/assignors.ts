import type { Assign } from "./assignor.ts";
import { assignRange } from "./range_assignor.ts";
import { assignUniform } from "./uniform_assignor.ts";

/** The assignors of this broker, by Kafka's names. */
export const ASSIGNORS: Readonly<Record<string, Assign>> = {
  uniform: assignUniform,
  range: assignRange,
};
