/**
 * Requests to the REST API, version 3, and what it answers, as data.
 *
 * @module
 */

import { assertEquals, assertObjectMatch } from "@std/assert";
import type { HttpBroker } from "./http.ts";

/** A request below the cluster's path, and its status with a part of the answer. */
export type RestCase = readonly [
  method: string,
  path: string,
  body: unknown,
  status: number,
  part?: Readonly<Record<string, unknown>>,
];

/** Sends requests one after the other, each in a step, and compares the answers. */
export async function checkRest(
  http: HttpBroker,
  t: Deno.TestContext,
  cases: readonly RestCase[],
): Promise<void> {
  for (const [method, path, body, status, part] of cases) {
    await t.step(`${method} ${path} ${(JSON.stringify(body) ?? "").slice(0, 100)}`, async () => {
      const answer = await http.send(method, `${http.cluster}${path}`, body);
      assertEquals(answer.status, status, JSON.stringify(answer.json));
      if (part !== undefined) assertObjectMatch(answer.json, part);
      if (status >= 400) assertEquals(Object.keys(answer.json), ["error_code", "message"]);
    });
  }
}

/** The reports of produced records, one in each line of an answer. */
export function reports(text: string): Record<string, unknown>[] {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}
