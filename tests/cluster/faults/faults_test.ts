/**
 * A few rounds of faults under load; `deno task faults` runs more. `DQUEUE_TEST_FAULT_ROUNDS` sets the number.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { testSeeds } from "../../../protocol/seeds_testing.ts";
import { ROOT } from "../../support/broker/dqueue.ts";
import { testWith } from "../../support/outside.ts";
import { obstacle } from "./network.ts";

const ROUNDS = Deno.env.get("DQUEUE_TEST_FAULT_ROUNDS") ?? "2";

testWith("etcd", "A cluster of processes keeps what it promised while machines fail", async () => {
  const problem = await obstacle();
  if (problem !== undefined) {
    console.log(`No faults of machines are tested, which needs private networks: ${problem}`);
    return;
  }
  const flags = ["run", "-A", "--quiet", `--config=${ROOT}deno.json`];
  const run = [
    `${ROOT}tests/cluster/faults/run.ts`,
    "--rounds",
    ROUNDS,
    "--seed",
    `${testSeeds(1)[0]}`,
  ];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...flags, ...run],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
});
