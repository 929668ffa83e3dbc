/**
 * Tests of `dqueue cluster try`, as a process with a user at its input.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Client } from "../../client/mod.ts";
import { attempt, fromSource } from "../support/broker/dqueue.ts";
import { attemptInShell } from "../support/broker/redirected.ts";
import { outside, testWith } from "../support/outside.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

/** A running trial cluster. */
class Trial implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #read: Promise<unknown>;
  #onText = () => {};
  #position = 0;
  /** Everything it has printed. */
  text = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#read = Promise.all([child.stdout, child.stderr].map((stream) => this.#append(stream)));
  }

  /** Starts one; the brokers serve when this resolves. */
  static async start(temporary: string, ...flags: string[]): Promise<Trial> {
    const { path, args } = await fromSource("dqueue");
    const child = new Deno.Command(path, {
      args: [...args, "cluster", "try", ...flags],
      env: { NO_COLOR: "1", TMPDIR: temporary },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const trial = new Trial(child);
    try {
      await trial.until(/Ctrl-C ends it/);
    } catch (error) {
      await trial[Symbol.asyncDispose]();
      throw new Error(`It does not start: ${trial.text}`, { cause: error });
    }
    return trial;
  }

  /** Where clients reach the brokers. */
  get addresses(): string[] {
    return /Bootstrap addresses: (\S+)/.exec(this.text)![1]!.split(",");
  }

  /** Types a line, and returns what the first match of its output after that line is. */
  async type(line: string, expected: RegExp): Promise<RegExpExecArray> {
    this.#position = this.text.length;
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
    return await this.until(expected);
  }

  /** Waits for output after the last line that was typed. */
  async until(expected: RegExp): Promise<RegExpExecArray> {
    const waiting = (async () => {
      for (;;) {
        const match = expected.exec(this.text.slice(this.#position));
        if (match !== null) return match;
        await new Promise<void>((resolve) => this.#onText = resolve);
      }
    })();
    return await within(waiting, `${expected} in\n${this.text}`);
  }

  /** Process ids of etcd and the brokers. */
  async pids(): Promise<number[]> {
    const last = new RegExp(
      `^broker ${this.addresses.length} +\\w+.* +127\\.0\\.0\\.1:\\d+\n`,
      "m",
    );
    const { input } = await this.type("status", last);
    return Array.from(
      input.matchAll(/^(?:etcd|broker \d+) +running +(\d+) /gm),
      ([, pid]) => +pid!,
    );
  }

  /** Ends the input. */
  async endInput(): Promise<void> {
    await this.#input.close();
  }

  /** Sends a signal. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits for the end. */
  async ended(): Promise<number> {
    const { code } = await within(this.#child.status, `the end of\n${this.text}`);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#input.close().catch(() => {});
    await this.ended();
    await this.#read;
  }

  async #append(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.text += text;
      this.#onText();
    }
  }
}

/** Fails if one of the processes runs after a while, or the folder holds anything. */
async function assertNothingIsLeft(folder: TemporaryFolder, pids: readonly number[]) {
  const isRunning = (pid: number) => {
    try {
      return !/\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
    } catch {
      return false;
    }
  };
  const gone = (async () => {
    while (pids.some(isRunning)) await new Promise((resolve) => setTimeout(resolve, 10));
  })();
  await within(gone, `the end of ${pids}`);
  assertEquals(await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name), []);
}

/** Ids of the brokers that a broker knows. */
async function known(address: string): Promise<number[]> {
  await using client = new Client({ brokers: address });
  const { brokers } = await client.admin().describeCluster();
  return brokers.map(({ id }) => id).sort();
}

async function untilKnown(address: string, ids: readonly number[]): Promise<void> {
  const waiting = (async () => {
    while (String(await known(address)) !== String(ids)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  await within(waiting, `brokers ${ids} at ${address}`);
}

testWith(
  "etcd",
  "cluster try runs brokers that can be killed, cut off and started again",
  async (_, t) => {
    await using folder = await TemporaryFolder.create();
    await using trial = await Trial.start(folder.path);
    const { addresses } = trial;
    assertEquals(addresses.length, 3);
    const pids = await trial.pids();
    assertEquals(pids.length, 4);
    await using client = new Client({ brokers: addresses });
    await client.admin().createTopic({ name: "hello", partitions: 6 });
    const all = Array.from({ length: 6 }, (_, partition) => partition);
    const send = (value: string) =>
      client.producer().sendBatch(all.map((partition) => ({ topic: "hello", partition, value })));
    await send("one");

    await t.step("kill and start", async () => {
      await trial.type("kill 2", /broker 2 +\| Ended by SIGKILL\n[^]*Done: kill 2/);
      await send("without it");
      await trial.type("kill 2", /broker 2 is stopped; "start 2" starts it/);
      await trial.type("status", /broker 2 +stopped +- /);
      await trial.type("start 2", /Done: start 2/);
      await trial.type("start 2", /broker 2 is running/);
      await send("two");
      const ends = await client.admin().listOffsets("hello", "latest");
      assertEquals(ends.map(({ offset }) => offset), all.map(() => 3));
    });
    await t.step("cut and heal", async () => {
      await trial.type("cut 3", /Done: cut 3/);
      await trial.type("status", /broker 3 +running, cut /);
      await trial.type("cut 3", /broker 3 is cut off already/);
      await untilKnown(addresses[0]!, [1, 2]);
      // A client reaches it, and it knows no better.
      assert((await known(addresses[2]!)).includes(3));
      await trial.type("heal", /Done: heal/);
      await untilKnown(addresses[0]!, [1, 2, 3]);
    });
    await t.step("pause and resume", async () => {
      await trial.type("pause etcd", /Done: pause etcd/);
      await trial.type("status", /etcd +paused/);
      await trial.type("resume etcd", /Done: resume etcd/);
      await trial.type("pause 1", /Done: pause 1/);
      await untilKnown(addresses[1]!, [2, 3]);
      await trial.type("resume 1", /Done: resume 1/);
      await trial.type("resume 1", /broker 1 is not paused/);
      await untilKnown(addresses[1]!, [1, 2, 3]);
      await send("three");
    });
    await t.step("wrong input", async () => {
      await trial.type("kil 2", /Unknown command "kil", did you mean "kill"; "help" lists them/);
      await trial.type("kill 7", /There is no broker 7: the ids are 1, 2, 3/);
      await trial.type("cut 7", /There is no broker 7/);
      await trial.type("stop", /Which broker: "stop N"/);
      await trial.type("\x00\xff", /Unknown command/);
      await trial.type("help", /kill N +Kill broker N/);
    });
    await t.step("heal starts what was stopped or killed, etcd too", async () => {
      await trial.type("stop 1", /Done: stop 1/);
      await trial.type("kill 3", /Done: kill 3/);
      await trial.type("kill etcd", /Done: kill etcd/);
      await trial.type("heal", /Done: heal/);
      await untilKnown(addresses[1]!, [1, 2, 3]);
      await send("four");
    });
    pids.push(...await trial.pids());
    await trial.type("quit", /broker 2 +\| Ended with exit code 0/);
    assertEquals(await trial.ended(), 0);
    await assertNothingIsLeft(folder, pids);
  },
);

testWith(
  "etcd",
  "cluster try ends everything at the end of its input, by a signal, and by two at once",
  async (_, t) => {
    const ends: Record<string, (trial: Trial) => unknown> = {
      "end of the input": (trial) => trial.endInput(),
      "SIGTERM": (trial) => trial.signal("SIGTERM"),
      "SIGHUP": (trial) => trial.signal("SIGHUP"),
      "SIGINT twice": (trial) => {
        trial.signal("SIGINT");
        trial.signal("SIGINT");
      },
    };
    for (const [name, end] of Object.entries(ends)) {
      await t.step(name, async () => {
        await using folder = await TemporaryFolder.create();
        let pids: number[];
        {
          await using trial = await Trial.start(folder.path, "--brokers", "1");
          pids = await trial.pids();
          assertEquals(pids.length, 2);
          await trial.type("pause 1", /Done: pause 1/);
          await end(trial);
          const code = await trial.ended();
          assert([0, 130].includes(code), trial.text);
        }
        await assertNothingIsLeft(folder, pids);
      });
    }
  },
);

testWith(
  "etcd",
  "cluster try keeps the data of --data, and its brokers find it again on other ports",
  async () => {
    await using folder = await TemporaryFolder.create();
    const data = folder.join("new", "data");
    const flags = ["--brokers", "2", "--data", data];
    await using temporary = await TemporaryFolder.create();
    {
      await using trial = await Trial.start(temporary.path, ...flags);
      await using client = new Client({ brokers: trial.addresses });
      await client.admin().createTopic({ name: "kept", partitions: 2 });
      await client.producer().send({ topic: "kept", partition: 1, value: "v" });
    }
    // Whatever the first one used.
    using _taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await using trial = await Trial.start(temporary.path, ...flags);
    await using client = new Client({ brokers: trial.addresses });
    const ends = await client.admin().listOffsets("kept", "latest");
    assertEquals(ends.map(({ offset }) => offset), [0, 1]);
  },
);

Deno.test("cluster try says how to get etcd if there is none, and what is wrong with its flags", async () => {
  await using folder = await TemporaryFolder.create();
  const program = await fromSource("dqueue");
  const run = async (flags: string[], env: Record<string, string> = {}) => {
    const options = { program, env: { TMPDIR: folder.path, ...env } };
    const { code, stderr } = await attempt(["cluster", "try", ...flags], options);
    assert(code === 1 || code === 2, stderr);
    return stderr;
  };
  const named = await run(["--etcd", folder.join("etcd")]);
  assertMatch(
    named,
    /Cannot start etcd: ".*etcd" does not exist; .*apt-get install etcd-server.*\n$/,
  );
  const sought = await run([], { PATH: folder.path });
  assertStringIncludes(sought, "it is not in PATH; install it with");
  assertStringIncludes(sought, "brew install etcd");
  assertStringIncludes(sought, "https://github.com/etcd-io/etcd/releases");
  assertStringIncludes(
    await run(["--etcd", outside("false") ?? "/bin/false"]),
    "Cannot start etcd: it has ended; its last lines say why",
  );
  assertStringIncludes(await run(["--brokers", "0"]), "--brokers");
  assertStringIncludes(await run(["--port", "65535"]), "Cannot use port 65537");
  const file = folder.join("file");
  await Deno.writeTextFile(file, "");
  assertStringIncludes(await run(["--data", file]), "choose another with --data");
  await Deno.remove(file);
  await assertNothingIsLeft(folder, []);
});

testWith(
  "etcd",
  "cluster try refuses ports that are in use, and leaves nothing behind",
  async () => {
    await using folder = await TemporaryFolder.create();
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { code, stderr } = await attempt(
      ["cluster", "try", "--brokers", "1", "--port", String(taken.addr.port)],
      { program: await fromSource("dqueue"), env: { TMPDIR: folder.path } },
    );
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      "one of them is in use; choose others with --port, or leave it out",
    );
    await assertNothingIsLeft(folder, []);
  },
);

testWith(
  "etcd",
  "cluster try fails and leaves nothing behind if its output cannot be written",
  async () => {
    await using folder = await TemporaryFolder.create();
    const options = { program: await fromSource("dqueue"), env: { TMPDIR: folder.path } };
    const args = ["cluster", "try", "--brokers", "1"];
    const { code, stderr } = await attemptInShell(args, "> /dev/full", options);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Cannot write to standard output: No space left on device");
    await assertNothingIsLeft(folder, []);
  },
);
