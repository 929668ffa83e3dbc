/**
 * Fuzz test of a broker with random and mutated frames.
 *
 * Invariants: the broker keeps serving a well-behaved client and loses none of its records; it logs no
 * error, because no frame is the broker's fault; when the clients have disconnected, their memory is free
 * again. `DQUEUE_TEST_FUZZ_FRAMES` sets the number of frames.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { apiByKey, apiVersions, metadata } from "../../protocol/messages/mod.ts";
import {
  type Draw,
  sampleMessage,
  seededRandom,
} from "../../protocol/messages/sample_message_testing.ts";
import { eachSeed } from "../../protocol/seeds_testing.ts";
import type { Api } from "../../protocol/schema/schema.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { memoryNeeded } from "../support/memory_needed.ts";
import { frameOf, RawConnection, requestFrame } from "../support/protocol/raw_connection.ts";
import { batchOf, recordsOf } from "../support/protocol/records.ts";
import { append, createTopic, produceRequest, read } from "../support/protocol/requests.ts";
import { OverdueError } from "../support/within.ts";

const FRAMES = Number(Deno.env.get("DQUEUE_TEST_FUZZ_FRAMES") ?? 10_000);
/** How much memory in use may differ for other reasons: caches, code, garbage not yet collected. */
const MEMORY_TOLERANCE = 16 * 1024 * 1024;

/** Bytes to send, and whether their length is what their first four bytes say. */
interface Frame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isWhole: boolean;
}

/** Fields that would make the broker wait, and the values they get instead. */
const CALM: Readonly<Record<string, unknown>> = { maxWaitMs: 0, sessionTimeoutMs: 1 };

/** Makes frames: whole requests, requests with some bytes changed, and noise. */
class FrameSource {
  readonly #random: Draw;
  readonly #apis: readonly (readonly [api: Api, versions: readonly number[]])[];

  constructor(random: Draw, apis: readonly (readonly [Api, readonly number[]])[]) {
    this.#random = random;
    this.#apis = apis;
  }

  next(): Frame {
    const random = this.#random;
    switch (random(10)) {
      case 0:
        return { bytes: this.#noise(random(200)), isWhole: false };
      case 1: {
        const { bytes } = this.#request();
        return { bytes: bytes.subarray(0, random(bytes.length)), isWhole: false };
      }
      case 2:
        return { bytes: frameOf(this.#noise(random(200))), isWhole: true };
      case 3:
        return this.#request();
      default:
        return this.#mutated();
    }
  }

  #request(): Frame {
    const random = this.#random;
    const [api, versions] = this.#apis[random(this.#apis.length)]!;
    const version = versions[random(versions.length)]!;
    const kind = (["minimal", "full", "random"] as const)[random(3)]!;
    const { value } = sampleMessage(api.request, version, kind, random);
    for (const [name, calm] of Object.entries(CALM)) if (name in value) value[name] = calm;
    if (api.name === "Produce" && random(2) === 0) {
      const records = batchOf(["fuzz"]);
      Object.assign(value, produceRequest("fuzz", random(2) === 0 ? records : this.#bent(records)));
    }
    return { bytes: requestFrame(api, version, value, random(2 ** 30)), isWhole: true };
  }

  /** Returns a request with some bytes changed, cut off or added. */
  #mutated(): Frame {
    const random = this.#random;
    const request = this.#request().bytes.subarray(4);
    let body = random(5) === 0 ? request : this.#bent(request);
    const change = random(6);
    if (change === 0) body = body.subarray(0, random(body.length));
    else if (change === 1) body = Uint8Array.of(...body, ...this.#noise(random(40)));
    return { bytes: frameOf(body), isWhole: true };
  }

  #bent(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const random = this.#random;
    const bent = bytes.slice();
    const interesting = [0, 1, 0x7f, 0x80, 0xff];
    for (let count = random(4); count >= 0; count--) {
      const at = random(bent.length);
      bent[at] = random(2) === 0 ? interesting[random(5)]! : random(256);
    }
    return bent;
  }

  #noise(size: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: size }, () => this.#random(256));
  }
}

async function servedApis(connection: RawConnection): Promise<[Api, number[]][]> {
  const { apiKeys } = await connection.request(apiVersions, 0, {});
  return apiKeys.map(({ apiKey, minVersion, maxVersion }) => {
    const api = apiByKey(apiKey)!;
    const first = Math.max(minVersion, api.versions.min);
    return [api, Array.from({ length: maxVersion - first + 1 }, (_, i) => first + i)];
  });
}

/** Sends frames to a broker, on one connection until it ends, then on the next. */
class Attacker {
  readonly #address: string;
  #connection: RawConnection | undefined;
  #probes = 0;
  /** Frames after which the broker kept the connection open, and after which it closed it. */
  readonly outcomes = { served: 0, closed: 0, waiting: 0 };

  constructor(address: string) {
    this.#address = address;
  }

  /** Sends a frame that may end anywhere, closes the sending side, and waits for the end. */
  async sendLast(bytes: Uint8Array): Promise<void> {
    using connection = await RawConnection.connect(this.#address);
    await ignoringEnd(async () => {
      await connection.sendBytes(bytes);
      await connection.closeWrite();
      while (await connection.receiveFrame("the end after half a frame") !== null);
    });
    this.outcomes.closed++;
  }

  /** Sends a frame of the right size, followed by a request that shows whether the broker still answers. */
  async send(frame: Uint8Array): Promise<void> {
    const connection = this.#connection ??= await RawConnection.connect(this.#address);
    const probe = PROBE_ID + this.#probes++ % 1000;
    const answered = await ignoringEnd(async () => {
      await connection.sendBytes(frame);
      await connection.sendBytes(requestFrame(apiVersions, 0, {}, probe));
      for (;;) {
        const answer = await connection.receiveFrame("an answer", PATIENCE_MS);
        if (answer === null) return false;
        if (new DataView(answer.buffer).getInt32(0) === probe) return true;
      }
    });
    this.outcomes[answered === undefined ? "waiting" : answered ? "served" : "closed"]++;
    if (!answered) this.close();
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}

/** Correlation ids that no other frame is likely to have. */
const PROBE_ID = 0x51ee7000;
/** How long the attacker waits, whatever the frame asked of the broker. */
const PATIENCE_MS = 500;

/** Returns the result of `send`; false if the broker closed the connection, undefined if it was too slow. */
async function ignoringEnd<T>(send: () => Promise<T>): Promise<T | false | undefined> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof OverdueError) return undefined;
    const hasEnded = error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.NotConnected;
    if (!hasEnded) throw error;
    return false;
  }
}

/** Returns the bytes in use after the attacker has disconnected and the broker has freed its memory. */
async function memoryInUse(
  { broker }: LocalBroker,
  attacker: Attacker,
  bystander: RawConnection,
): Promise<number> {
  attacker.close();
  while (broker.connectionCount > 1) await bystander.request(metadata, 12, { topics: [] });
  return memoryNeeded();
}

async function run(attacker: Attacker, source: FrameSource, frames: number): Promise<void> {
  for (let sent = 0; sent < frames; sent++) {
    const { bytes, isWhole } = source.next();
    if (isWhole) await attacker.send(bytes);
    else await attacker.sendLast(bytes);
  }
}

Deno.test(`Broker keeps serving under ${FRAMES} random and mutated frames`, async (t) => {
  await eachSeed(t, 1, async (seed) => {
    await using local = await LocalBroker.start({
      config: { "auto.create.topics.enable": false, "group.initial.rebalance.delay.ms": 0 },
    });
    using bystander = await RawConnection.connect(local.address);
    await createTopic(bystander, "t");
    await createTopic(bystander, "fuzz");
    const source = new FrameSource(seededRandom(seed), await servedApis(bystander));
    const attacker = new Attacker(local.address);
    await run(attacker, source, Math.ceil(FRAMES / 10));
    const before = await memoryInUse(local, attacker, bystander);
    const rounds = 20;
    for (let round = 0; round < rounds; round++) {
      await run(attacker, source, Math.ceil(FRAMES / rounds));
      const { errorCode } = await append(bystander, "t", batchOf([`${round}`]));
      assertEquals(errorCode, ErrorCode.NONE, `round ${round}`);
    }
    const after = await memoryInUse(local, attacker, bystander);
    assert(after <= before + MEMORY_TOLERANCE, `memory went from ${before} to ${after} bytes`);
    const { served, closed, waiting } = attacker.outcomes;
    assert(served > FRAMES / 10 && closed > FRAMES / 10 && waiting < FRAMES / 100, "a fair mix");
    const values = recordsOf((await read(bystander, "t", 0)).records).map(({ value }) => value);
    assertEquals(values, Array.from({ length: rounds }, (_, round) => `${round}`));
  });
});
