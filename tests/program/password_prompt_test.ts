/**
 * Passwords typed on a terminal, which `script` provides.
 *
 * @module
 */

import { assert, assertMatch, assertStringIncludes } from "@std/assert";
import { fromSource } from "../support/broker/dqueue.ts";
import { testWith } from "../support/outside.ts";
import { PASSWORDS, SaslBroker } from "../support/security/sasl_broker.ts";
import { within } from "../support/within.ts";

/** A shell command on a terminal. */
class Terminal {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #text = "";
  #onText = () => {};

  constructor(script: string, command: string) {
    const child = new Deno.Command(script, {
      args: ["-qec", command, "/dev/null"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#child = child;
    this.#reading = (async () => {
      for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
        this.#text += part;
        this.#onText();
      }
    })();
  }

  async until(part: string): Promise<void> {
    await within(
      (async () => {
        while (!this.#text.includes(part)) {
          await new Promise<void>((resolve) => this.#onText = resolve);
        }
      })(),
      `"${part}" on the terminal`,
    );
  }

  async type(keys: string): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(keys));
    writer.releaseLock();
  }

  /** Waits until the command has ended. Returns all that was on the terminal. */
  async end(): Promise<string> {
    await within(this.#child.status, "the command to end");
    await this.#child.stdin.close().catch(() => {});
    await this.#reading;
    return this.#text;
  }
}

testWith(
  "script",
  "dqueue asks for a password on a terminal, and does not show it",
  async (script, t) => {
    await using broker = await SaslBroker.start();
    const { path, args } = await fromSource("dqueue");
    const program = [path, ...args].map((word) => `'${word}'`).join(" ");
    const command =
      `${program} topic list -b ${broker.address} --user alice; echo "exit $?"; stty -a`;
    const isShown = /(?<!-)\becho\b/;
    await t.step("typed", async () => {
      const terminal = new Terminal(script, command);
      await terminal.until("Password of alice:");
      await terminal.type(`wrong\x15${PASSWORDS.alice}\r`);
      const text = await terminal.end();
      assertStringIncludes(text, "exit 0");
      assert(!text.includes(PASSWORDS.alice), text);
      assert(!text.includes("wrong"), text);
      assertMatch(text.slice(text.indexOf("exit 0")), isShown, "what is typed is shown again");
    });
    await t.step("interrupted by Ctrl-C", async () => {
      const terminal = new Terminal(script, command);
      await terminal.until("Password of alice:");
      await terminal.type("half\x03");
      const text = await terminal.end();
      assertStringIncludes(text, "exit 130");
      assert(!text.includes("half"), text);
      assertMatch(text.slice(text.indexOf("exit 130")), isShown, "what is typed is shown again");
    });
  },
);
