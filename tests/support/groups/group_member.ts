/**
 * Group members as processes, which can be killed.
 *
 * @module
 */

import { ROOT } from "../broker/dqueue.ts";
import type { AssignmentEvent, MemberEvent } from "./member_journal.ts";
import { HEARTBEAT_INTERVAL_MS, REBALANCE_TIMEOUT_MS, SESSION_TIMEOUT_MS } from "./member_times.ts";
import { within } from "../within.ts";

const LIBRDKAFKA_DEBUG = "%7|";

/** A client that a member runs on. */
export type MemberKind =
  | "sdk"
  | "sdk with KIP-848"
  | "kafkajs"
  | "kcat"
  | "platformatic"
  | "platformatic with KIP-848";

/** Assignors that librdkafka and our SDK share; the other clients have their own. */
export type SharedAssignor = "range" | "roundrobin";

/** The options of a member. */
export interface MemberOptions {
  readonly kind: MemberKind;
  readonly address: string;
  readonly topic: string;
  readonly groupId: string;
  /** Path of kcat, which members of that kind need. */
  readonly kcat: string;
  /** The assignor of members of kcat and the SDK. Default: `"range"`. */
  readonly assignor?: SharedAssignor;
  /** Called with each event. */
  readonly onEvent: () => void;
}

/** A member of a group. */
export class GroupMember {
  readonly #child: Deno.ChildProcess;
  readonly #stderr: string[] = [];
  readonly #read: Promise<unknown>;
  readonly #events: MemberEvent[] = [];
  readonly #worked = new Set<number>();
  #assignment: AssignmentEvent | undefined;
  readonly #end = Promise.withResolvers<string>();
  #hasEnded = false;
  #isKilled = false;
  #killTime: number | undefined;

  constructor(options: MemberOptions) {
    const { path, args } = commandOf(options);
    this.#child = new Deno.Command(path, {
      args,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const add = (event: MemberEvent | undefined) => {
      if (event === undefined) return;
      this.#note(event);
      options.onEvent();
    };
    const kcat = options.kind === "kcat" ? new KcatLines() : undefined;
    this.#read = Promise.all([
      readLines(this.#child.stdout, (line) => add(kcat ? kcat.message(line) : JSON.parse(line))),
      readLines(this.#child.stderr, (line) => {
        if (!line.startsWith(LIBRDKAFKA_DEBUG)) this.#stderr.push(line);
        add(kcat?.assignment(line));
      }),
    ]);
    this.#watch();
  }

  /** Its events so far, in order. */
  get events(): readonly MemberEvent[] {
    return this.#events;
  }

  /** Its current assignment, as of its last event. */
  get assignment(): AssignmentEvent | undefined {
    return this.#assignment;
  }

  /** The partitions of which it has processed messages since its last assignment. */
  get worked(): ReadonlySet<number> {
    return this.#worked;
  }

  /** Its stderr, without the lines meant for this class. */
  get stderr(): readonly string[] {
    return this.#stderr;
  }

  /** When it was certainly dead, in milliseconds since 1970; undefined while it lives. */
  get killTime(): number | undefined {
    return this.#killTime;
  }

  #note(event: MemberEvent): void {
    this.#events.push(event);
    if (event.type === "message") {
      this.#worked.add(event.partition);
    } else {
      this.#assignment = event;
      this.#worked.clear();
    }
  }

  /** Resolves with an explanation if it ends without being killed. */
  get end(): Promise<string> {
    return this.#end.promise;
  }

  /** Kills it with SIGKILL. */
  async kill(): Promise<void> {
    if (this.#killTime !== undefined) return;
    this.#isKilled = true;
    if (!this.#hasEnded) this.#child.kill("SIGKILL");
    await within(this.#child.status, "a member to end");
    this.#killTime = Date.now();
    await this.#read;
  }

  async #watch(): Promise<void> {
    const { code, signal } = await this.#child.status;
    this.#hasEnded = true;
    if (this.#isKilled) return;
    await this.#read;
    this.#end.resolve(`A member ended with ${signal ?? code}:\n${this.#stderr.join("\n")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

function commandOf(options: MemberOptions) {
  const { kind, address, topic, groupId, kcat, assignor = "range" } = options;
  if (kind === "kcat") return { path: kcat, args: kcatArgs(address, topic, groupId, assignor) };
  const [client, ...args] = {
    "sdk": ["sdk", "classic", assignor],
    "sdk with KIP-848": ["sdk", "consumer", assignor],
    "kafkajs": ["kafkajs"],
    "platformatic": ["platformatic", "classic"],
    "platformatic with KIP-848": ["platformatic", "consumer"],
  }[kind];
  const program = `${ROOT}tests/support/groups/${client}_member.ts`;
  const flags = ["--quiet", "--no-prompt", `--config=${ROOT}deno.json`];
  const permissions = ["--allow-net=127.0.0.1", "--allow-read", "--allow-env", "--allow-sys"];
  return {
    path: Deno.execPath(),
    args: ["run", ...flags, ...permissions, program, address, topic, groupId, ...args],
  };
}

/** kcat commits every five seconds, which cannot be changed. */
function kcatArgs(
  address: string,
  topic: string,
  groupId: string,
  assignor: SharedAssignor,
): string[] {
  const settings = [
    "broker.address.family=v4",
    "auto.offset.reset=earliest",
    `partition.assignment.strategy=${assignor}`,
    "reconnect.backoff.max.ms=500",
    `session.timeout.ms=${SESSION_TIMEOUT_MS}`,
    `heartbeat.interval.ms=${HEARTBEAT_INTERVAL_MS}`,
    `max.poll.interval.ms=${REBALANCE_TIMEOUT_MS}`,
    `fetch.wait.max.ms=${HEARTBEAT_INTERVAL_MS}`,
    // librdkafka reports generations only in these debug logs.
    "debug=cgrp",
  ];
  const format = ["-u", "-f", "%p %o %s\\n"];
  return [
    ...["-b", address, "-E", ...format],
    ...settings.flatMap((setting) => ["-X", setting]),
    ...["-G", groupId, topic],
  ];
}

/** Turns kcat's output into events. */
class KcatLines {
  #generation = -1;

  message(line: string): MemberEvent {
    const [, partition, offset, value] = /^(\d+) (\d+) (.*)$/.exec(line) ?? [];
    if (value === undefined) throw new Error(`Not a message: ${line}`);
    return { type: "message", partition: Number(partition), offset: Number(offset), value };
  }

  /** librdkafka joins no later generation before kcat has handled its assignment. */
  assignment(line: string): MemberEvent | undefined {
    const [, generation] = /JoinGroup response: GenerationId (\d+)/.exec(line) ?? [];
    if (generation !== undefined) this.#generation = Number(generation);
    const [, change, list] =
      /^% Group .* rebalanced \(.*\): (assigned|revoked): (.*)$/.exec(line) ??
        [];
    if (change === undefined) return undefined;
    const partitions = change === "revoked"
      ? []
      : [...list!.matchAll(/\[(\d+)\]/g)].map(([, partition]) => Number(partition));
    return { type: "assignment", generation: this.#generation, partitions, time: Date.now() };
  }
}

/** Calls `use` with each line, except one that was cut off by a kill. */
async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  use: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) use(line);
  }
}
