/**
 * Reads the longest turn of the event loop from a broker started with `probed_main.ts`.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { defaultCommand } from "./served_broker.ts";

const MAIN = fromFileUrl(new URL("./probed_main.ts", import.meta.url));

/** The longest turn of an event loop. */
export interface LongestTurn {
  readonly ms: number;
  /** Processor time of the process during the turn, over all threads. */
  readonly cpuMs: number;
}

/** The probe of one broker. */
export class LoopProbe {
  /** The command that starts the broker. */
  readonly command: readonly string[];
  readonly #port: number;

  private constructor(port: number) {
    this.#port = port;
    this.command = [
      "env",
      `PROBE_PORT=${port}`,
      ...defaultCommand(["--allow-all"], MAIN),
    ];
  }

  /** Finds a port for the probe. */
  static prepare(): LoopProbe {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    return new LoopProbe(listener.addr.port);
  }

  /** Returns the longest turn since the last call. */
  async longestTurn(): Promise<LongestTurn> {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    return JSON.parse(await new Response(conn.readable).text());
  }
}
