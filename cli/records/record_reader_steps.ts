/**
 * The steps to read a record with a format, compiled and validated once per format string.
 *
 * @module
 */

import {
  type FormatPart,
  FormatSyntaxError,
  type NumberVerb,
  parseFormat,
  type TextEncoding,
  type TextVerb,
} from "./format.ts";
import type { NumberEncoding } from "./format_number.ts";
import type { Strftime } from "./strftime.ts";

/** How the end of a text is determined. */
type TextEnd =
  | { readonly type: "size"; readonly verb: "T" | "K" | "V" }
  | { readonly type: "json" }
  | { readonly type: "delimiter"; readonly bytes: Uint8Array }
  | { readonly type: "input" };

/** Bytes of the topic, the key or the value. */
export interface TextStep {
  readonly type: "text";
  readonly verb: TextVerb;
  readonly encoding: TextEncoding;
  readonly end: TextEnd;
}

/** One step of reading a record. */
export type ReadStep =
  | TextStep
  | { readonly type: "literal"; readonly bytes: Uint8Array; readonly isTerminator: boolean }
  | { readonly type: "number"; readonly verb: NumberVerb; readonly encoding: NumberEncoding }
  | { readonly type: "constant"; readonly verb: NumberVerb; readonly value: number }
  | { readonly type: "time"; readonly layout: Strftime }
  | {
    readonly type: "headers";
    readonly steps: readonly ReadStep[];
    /** Text that ends the headers; undefined if they are counted. */
    readonly until: Uint8Array | undefined;
  };

/**
 * Compiles the steps that read a record.
 *
 * @returns The steps, and the text that ends each record, if the format ends with text.
 * @throws {FormatSyntaxError} If the format is invalid, or a field has no end.
 */
export function compileReadSteps(
  format: string,
): { steps: ReadStep[]; terminator: Uint8Array | undefined } {
  const parts = parseFormat(format);
  const last = parts[parts.length - 1]!;
  const terminator = last.type === "literal" ? last.bytes : undefined;
  const steps = new StepCompiler(format, terminator).compile(parts, false);
  if (steps.every((step) => step.type === "constant" || step.type === "literal")) {
    throw new FormatSyntaxError(format, 0, "it reads nothing from the input");
  }
  return { steps, terminator };
}

class StepCompiler {
  readonly #format: string;
  readonly #terminator: Uint8Array | undefined;

  constructor(format: string, terminator: Uint8Array | undefined) {
    this.#format = format;
    this.#terminator = terminator;
  }

  compile(parts: readonly FormatPart[], inHeaders: boolean): ReadStep[] {
    const steps: ReadStep[] = [];
    const seen = new Set<string>();
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!;
      const next = parts[i + 1];
      switch (part.type) {
        case "literal":
          steps.push({
            type: "literal",
            bytes: part.bytes,
            isTerminator: part.bytes === this.#terminator,
          });
          break;
        case "text": {
          const end = this.#textEnd(part, next, seen, inHeaders);
          this.#see(seen, part.verb, part.position);
          steps.push({ type: "text", verb: part.verb, encoding: part.encoding, end });
          // The delimiter is consumed together with the text.
          if (end.type === "delimiter") i++;
          break;
        }
        case "number":
        case "constant":
          this.#ensureBeforeText(part, seen);
          this.#see(seen, part.verb, part.position);
          steps.push(
            part.type === "number"
              ? { type: "number", verb: part.verb, encoding: part.encoding }
              : { type: "constant", verb: part.verb, value: part.value },
          );
          break;
        case "time":
          this.#see(seen, "d", part.position);
          this.#ensureReadable(part.layout, part.position);
          steps.push({ type: "time", layout: part.layout });
          break;
        case "headers":
          steps.push(this.#headers(part, next, seen));
          this.#see(seen, "h", part.position);
      }
    }
    return steps;
  }

  #textEnd(
    part: FormatPart & { type: "text" },
    next: FormatPart | undefined,
    seen: ReadonlySet<string>,
    inHeaders: boolean,
  ): TextEnd {
    if (part.encoding === "json") return { type: "json" };
    const sizeVerb = part.verb.toUpperCase() as "T" | "K" | "V";
    if (seen.has(sizeVerb)) return { type: "size", verb: sizeVerb };
    if (next === undefined && !inHeaders) return { type: "input" };
    if (next?.type === "literal") return { type: "delimiter", bytes: next.bytes };
    throw this.#error(
      part.position,
      `"%${part.verb}" has no end: put text after it, or its length before it ("%${sizeVerb}")`,
    );
  }

  #headers(
    part: FormatPart & { type: "headers" },
    next: FormatPart | undefined,
    seen: ReadonlySet<string>,
  ): ReadStep {
    const steps = this.compile(part.parts, true);
    if (!steps.some((step) => step.type === "text" && step.verb === "k")) {
      throw this.#error(
        part.position,
        'the headers of "%h{" cannot be read without their key (%k)',
      );
    }
    if (seen.has("H")) return { type: "headers", steps, until: undefined };
    if (next?.type === "literal") return { type: "headers", steps, until: next.bytes };
    throw this.#error(
      part.position,
      '"%h" has no end: put text after it, or the number of headers before it ("%H")',
    );
  }

  #ensureBeforeText(part: { verb: string; position: number }, seen: ReadonlySet<string>): void {
    const measured = part.verb.toLowerCase();
    if (!"TKVH".includes(part.verb) || !seen.has(measured)) return;
    throw this.#error(part.position, `the length "%${part.verb}" comes after "%${measured}"`);
  }

  #ensureReadable(layout: Strftime, position: number): void {
    try {
      layout.ensureReadable();
    } catch (error) {
      throw this.#error(position, (error as Error).message);
    }
  }

  #see(seen: Set<string>, verb: string, position: number): void {
    if (seen.has(verb)) throw this.#error(position, `"%${verb}" is used twice`);
    seen.add(verb);
  }

  #error(position: number, problem: string): FormatSyntaxError {
    return new FormatSyntaxError(this.#format, position, problem);
  }
}
