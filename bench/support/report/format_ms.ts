/**
 * Milliseconds in reports.
 *
 * @module
 */

/** Formats milliseconds with three significant digits. */
export function formatMs(ms: number): string {
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}
