/**
 * Tests of transactions over HTTP.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { HttpBroker } from "../support/http.ts";

Deno.test("GET …/transactions has none of a broker without transactions, and refuses bad queries", async () => {
  await using http = await HttpBroker.start();
  const at = `${http.cluster}/transactions`;
  for (const query of ["", "?open=true", "?min_duration_ms=1000"]) {
    const { status, json } = await http.get(`${at}${query}`);
    assertEquals([status, json.kind, json.data], [200, "DqueueTransactionList", []], query);
  }
  for (const query of ["-1", "x", "1.5"]) {
    assertEquals((await http.get(`${at}?min_duration_ms=${query}`)).status, 400, query);
  }
});
