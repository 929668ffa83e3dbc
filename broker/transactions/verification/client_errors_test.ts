import { assertEquals } from "@std/assert";
import { offsetCommitErrorOf, produceErrorOf } from "./client_errors.ts";

/** Codes of the coordinator, and what clients hear by version. */
type Table = readonly (readonly [code: number, byVersion: Readonly<Record<number, number>>])[];

Deno.test("produceErrorOf() returns what producers of each version act on", () => {
  const table: Table = [
    [90, { 9: 47, 11: 47, 12: 47 }],
    [47, { 9: 47, 12: 47 }],
    [48, { 9: 48, 10: 48, 11: 120, 12: 120 }],
    [120, { 9: 48, 10: 48, 11: 120, 12: 120 }],
    [51, { 9: 19, 11: 19, 12: 51 }],
    [13, { 9: 19, 12: 19 }],
    [14, { 9: 19, 12: 19 }],
    [15, { 9: 19, 12: 19 }],
    [16, { 9: 19, 12: 19 }],
    [55, { 9: 19, 12: 19 }],
    [49, { 9: 49, 12: 49 }],
    [53, { 9: 53, 12: 53 }],
  ];
  for (const [code, byVersion] of table) {
    for (const [version, expected] of Object.entries(byVersion)) {
      assertEquals(produceErrorOf(code, Number(version)), expected, `${code}, version ${version}`);
    }
  }
});

Deno.test("offsetCommitErrorOf() returns what clients of each version act on", () => {
  const table: Table = [
    [90, { 0: 47, 3: 47, 5: 47 }],
    [48, { 0: 48, 3: 48, 4: 120, 5: 120 }],
    [120, { 0: 48, 3: 48, 4: 120, 5: 120 }],
    [51, { 0: 14, 4: 14, 5: 51 }],
    [13, { 0: 14, 5: 14 }],
    [14, { 0: 14, 5: 14 }],
    // The group's coordinator is not meant.
    [15, { 0: 14, 5: 14 }],
    [16, { 0: 14, 5: 14 }],
    [49, { 0: 49, 5: 49 }],
  ];
  for (const [code, byVersion] of table) {
    for (const [version, expected] of Object.entries(byVersion)) {
      const actual = offsetCommitErrorOf(code, Number(version));
      assertEquals(actual, expected, `${code}, version ${version}`);
    }
  }
});
