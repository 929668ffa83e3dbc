/**
 * Load of connections that are opened, used for one small request, and closed.
 *
 * @module
 */

import { apiVersions } from "../../../protocol/messages/cluster/api_versions.ts";
import { LoadConnection, requestFrame } from "./load_connection.ts";
import { describeUsage, type Outcome, usagePer } from "../report/outcome.ts";
import type { ScenarioOf } from "./scenario.ts";
import type { Target } from "./target.ts";
import { measureWindow, type Timing } from "./window.ts";

const API_VERSIONS_VERSION = 3;

/** Runs a scenario once. */
export async function measureConnect(
  target: Target,
  { connections }: ScenarioOf<"connect">,
  timing: Timing,
): Promise<Outcome> {
  const frame = requestFrame(apiVersions, API_VERSIONS_VERSION, {
    clientSoftwareName: "bench",
    clientSoftwareVersion: "1",
  });
  let isOver = false;
  let isCounting = false;
  let count = 0;
  let progress = 0;
  const connecting = Promise.all(Array.from({ length: connections }, async () => {
    while (!isOver) {
      using connection = await LoadConnection.connect(target.address);
      await connection.send(frame);
      await connection.receive();
      progress++;
      if (isCounting) count++;
    }
  }));
  const window = await Promise.race([
    measureWindow(timing, target, () => isCounting = true, () => {
      isCounting = false;
      isOver = true;
    }, () => progress),
    connecting.then(() => Promise.reject(new Error("The load ended too early"))),
  ]);
  await connecting;
  const figure = { name: "", unit: "connections/s", value: count / window.seconds };
  const cost = usagePer("connection", count, window);
  return { figures: [{ ...figure, better: "higher" }, ...cost], note: describeUsage(window) };
}
