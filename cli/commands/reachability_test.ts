import { assertEquals, assertMatch } from "@std/assert";
import { freePort } from "../../tests/support/free_port.ts";
import { testContext } from "../terminal/test_context.ts";
import { CommandTest, runIn, WatchedOutput } from "./testing.ts";

const hasRun = Deno.permissions.querySync({ name: "run" }).state === "granted";

function refused(port: number): string {
  return `Error: Cannot connect to 127.0.0.1:${port}: connection refused; no broker is running there; ` +
    `start one with "dqueue serve", or use --brokers\n`;
}

/** A port that forwards to a broker; only the first connection of a client uses it. */
class Gate implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #done: Promise<unknown>;

  constructor(port: number, address: string) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#done = this.#forward(Number(address.split(":")[1]));
  }

  async #forward(port: number): Promise<void> {
    const connections: Promise<unknown>[] = [];
    for await (const client of this.#listener) {
      const broker = await Deno.connect({ hostname: "127.0.0.1", port });
      const ways = [
        client.readable.pipeTo(broker.writable),
        broker.readable.pipeTo(client.writable),
      ];
      connections.push(Promise.allSettled(ways));
    }
    await Promise.all(connections);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}

for (
  const { line, printed } of [
    { line: "produce a -m one", printed: /^a +0 +1 +0 +0$/m },
    { line: "consume a -n 1", printed: /^one\n/ },
    { line: "consume a -n 1 -g g", printed: /^one\n/ },
    { line: "consume a -n 1 --timeout 1d", printed: /^one\n/ },
  ]
) {
  Deno.test(`dqueue ${line} waits for an unavailable broker, and reports it once`, async () => {
    await using test = await CommandTest.start({ "group.initial.rebalance.delay.ms": 0 });
    if (line.startsWith("consume")) await test.output("produce a -m one");
    const port = freePort();
    const stderr = new WatchedOutput();
    const env = { DQUEUE_BROKERS: `127.0.0.1:${port}` };
    const waiting = runIn({ ...testContext({ env }), stderr: stderr.output }, line);
    await stderr.until("Waiting for a broker");
    await using _gate = new Gate(port, test.address);
    const { code, stdout } = await waiting;
    assertEquals(code, 0, stderr.text);
    assertMatch(stdout, printed);
    assertMatch(
      stderr.text,
      new RegExp(
        `^Waiting for a broker \\(Ctrl-C to stop\\): cannot connect to 127.0.0.1:${port}: connection ` +
          `refused\nConnected to 127.0.0.1:${port} after \\d+m?s\n$`,
      ),
    );
  });
}

Deno.test("consume and produce stop waiting for a broker after --timeout", async () => {
  const port = freePort();
  for (const line of ["consume a", "consume a -g g", "produce a -m x"]) {
    const context = testContext({ env: { DQUEUE_BROKERS: `127.0.0.1:${port}` } });
    const { code, stdout, stderr } = await runIn(context, `${line} --timeout 20ms`);
    assertEquals([code, stdout], [1, ""]);
    assertEquals(
      stderr,
      refused(port).replace("refused;", "refused within 20ms (--timeout);"),
    );
  }
});

Deno.test("consume exits on Ctrl-C while waiting for a broker", async () => {
  const stderr = new WatchedOutput();
  const env = { DQUEUE_BROKERS: `127.0.0.1:${freePort()}` };
  const context = testContext({ env });
  const waiting = runIn({ ...context, stderr: stderr.output }, "consume a");
  await stderr.until("Waiting for a broker");
  context.stop.abort(new DOMException("Interrupted", "AbortError"));
  assertEquals((await waiting).code, 130);
});

Deno.test("Short commands fail immediately if no broker is reachable, with its address", async () => {
  const port = freePort();
  await using test = await CommandTest.start();
  for (const line of ["topic list", "group list", "cluster info", "bench produce -n 1"]) {
    const { code, stderr } = await test.run(`${line} -b 127.0.0.1:${port}`);
    assertEquals([code, stderr], [1, refused(port)]);
  }
  // One reachable broker is enough.
  await test.output(`topic list --output json -b 127.0.0.1:${port},${test.address}`);
});

Deno.test({
  name: "Commands without net permission fail immediately and name the flag to pass",
  ignore: !hasRun,
  async fn() {
    const main = new URL("../../main.ts", import.meta.url).href;
    for (const command of [["consume", "a"], ["produce", "a"], ["topic", "list"]]) {
      const args = ["run", "--quiet", "--no-prompt", "--allow-env", "--allow-read", main];
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [...args, ...command, "-b", "127.0.0.1:9"],
        stdin: "null",
        env: { NO_COLOR: "1" },
      }).output();
      assertEquals([code, new TextDecoder().decode(stderr)], [
        1,
        'Error: Cannot connect to 127.0.0.1:9: Requires net access to "127.0.0.1:9", run again ' +
        "with --allow-net=127.0.0.1:9\n",
      ]);
    }
  },
});
