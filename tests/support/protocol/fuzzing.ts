/**
 * Makes random and mutated frames, and sends them to a broker.
 *
 * @module
 */

import { apiByKey, apiVersions } from "../../../protocol/messages/mod.ts";
import { type Draw, sampleMessage } from "../../../protocol/messages/sample_message_testing.ts";
import type { Api } from "../../../protocol/schema/schema.ts";
import { OverdueError } from "../within.ts";
import { frameOf, type RawConnection, requestFrame } from "./raw_connection.ts";
import { batchOf } from "./records.ts";
import { produceRequest } from "./requests.ts";

/** Bytes to send, and whether their length is what their first four bytes say. */
export interface Frame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isWhole: boolean;
}

/** Fields that would make the broker wait, and the values they get instead. */
const CALM: Readonly<Record<string, unknown>> = { maxWaitMs: 0, sessionTimeoutMs: 1 };

/** Makes frames: whole requests, requests with some bytes changed, and noise. */
export class FrameSource {
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

/** The APIs that a broker says it serves, with their versions. */
export async function servedApis(connection: RawConnection): Promise<[Api, number[]][]> {
  const { apiKeys } = await connection.request(apiVersions, 0, {});
  return apiKeys.map(({ apiKey, minVersion, maxVersion }) => {
    const api = apiByKey(apiKey)!;
    const first = Math.max(minVersion, api.versions.min);
    return [api, Array.from({ length: maxVersion - first + 1 }, (_, i) => first + i)];
  });
}

/** Sends frames to a broker, on one connection until it ends, then on the next. */
export class Attacker {
  readonly #connect: () => Promise<RawConnection>;
  #connection: RawConnection | undefined;
  #probes = 0;
  /** Frames after which the broker kept the connection open, and after which it closed it. */
  readonly outcomes = { served: 0, closed: 0, waiting: 0 };

  /** @param connect Opens each connection, up to where frames are to be sent. */
  constructor(connect: () => Promise<RawConnection>) {
    this.#connect = connect;
  }

  /** Sends a frame that may end anywhere, closes the sending side, and waits for the end. */
  async sendLast(bytes: Uint8Array): Promise<void> {
    using connection = await this.#connect();
    await ignoringEnd(async () => {
      await connection.sendBytes(bytes);
      await connection.closeWrite();
      while (await connection.receiveFrame("the end after half a frame") !== null);
    });
    this.outcomes.closed++;
  }

  /** Sends a frame of the right size, followed by a request that shows whether the broker still answers. */
  async send(frame: Uint8Array): Promise<void> {
    const connection = this.#connection ??= await this.#connect();
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

/** Sends frames. */
export async function attack(
  attacker: Attacker,
  source: FrameSource,
  frames: number,
): Promise<void> {
  for (let sent = 0; sent < frames; sent++) {
    const { bytes, isWhole } = source.next();
    if (isWhole) await attacker.send(bytes);
    else await attacker.sendLast(bytes);
  }
}
