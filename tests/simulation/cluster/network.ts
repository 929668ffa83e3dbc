/**
 * A network of hosts in one process: connections carry frames with a delay, and links between hosts
 * can be blocked in one direction or both.
 *
 * Frames of a connection arrive in order. Those that meet a blocked link wait until it is open
 * again, as TCP's retransmissions do, or until the connection is cut. A host without power does not
 * answer at all: its connections are half-open until it has power again and resets them.
 *
 * @module
 */

import type { FrameChannel } from "../../../protocol/frames/channel.ts";
import { Writer } from "../../../protocol/primitives/writer.ts";
import type { Random } from "../../../protocol/random_testing.ts";
import type { Timeline } from "./timeline.ts";

/** What runs on a host, as the network sees it. */
export interface Host {
  readonly name: string;
  /** Whether the host has power: without it, nothing is answered, not even with a reset. */
  readonly hasPower: boolean;
  /** Runs something that arrives: in the process that runs now, or at once if none does. */
  enter(callback: () => void): void;
  /** Whether a connection is accepted, though perhaps by a process that does not run on. */
  readonly isListening: boolean;
  /** Accepts a connection. */
  accept(): FrameChannel | undefined;
  /** Whether the process has not heard of the metadata store for so long that another may replace it. */
  readonly isPastDeadline: boolean;
  /** How often the session of the process was renewed. */
  readonly renewals: number;
}

/** A frame, and what its sender should have known. */
export interface ArrivedFrame {
  readonly bytes: Uint8Array;
  /**
   * If the sender was past its deadline ever since the request arrived that the frame responds to, when
   * that was: a response may wait for earlier ones of its connection, and what a paused process has
   * received may renew its session before the request is seen.
   */
  readonly pastDeadlineMs: number | undefined;
}

/** What the network draws delays from, in milliseconds. */
export interface NetworkOptions {
  readonly timeline: Timeline;
  random(): Random;
}

const MIN_DELAY_MS = 0.1;
/** How much longer most frames take, and a few. */
const USUAL_DELAY_MS = 1;
const LONG_DELAY_MS = 60;
const LONG_PROBABILITY = 0.01;

/** All links and connections. */
export class SimNetwork {
  readonly #options: NetworkOptions;
  readonly #hosts: Map<string, Host> = new Map();
  readonly #blocked: Set<string> = new Set();
  readonly #links: Set<Link> = new Set();

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** The true time. */
  get timeline(): Timeline {
    return this.#options.timeline;
  }

  /** Makes a host known by its name, which is also its address. */
  add(host: Host): void {
    this.#hosts.set(host.name, host);
  }

  /** Blocks or opens a link in one direction. */
  setBlocked(from: string, to: string, isBlocked: boolean): void {
    const key = `${from}>${to}`;
    if (isBlocked) this.#blocked.add(key);
    else if (this.#blocked.delete(key)) { for (const link of [...this.#links]) link.retry(); }
  }

  /** Opens all links. */
  heal(): void {
    this.#blocked.clear();
    for (const link of [...this.#links]) link.retry();
  }

  /** Whether nothing gets from one host to another. */
  isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from}>${to}`);
  }

  /** A delay of a frame. */
  drawDelay(): number {
    const random = this.#options.random();
    const range = random.chance(LONG_PROBABILITY) ? LONG_DELAY_MS : USUAL_DELAY_MS;
    return MIN_DELAY_MS + random.next() * range;
  }

  /** Cuts some connections of a host, or all. */
  cut(host: string, mustCut: () => boolean = () => true): void {
    for (const link of [...this.#links]) {
      if ((link.from.name === host || link.to.name === host) && mustCut()) link.reset();
    }
  }

  /** The process on a host has ended: the system resets its connections, if it has power itself. */
  ended(host: Host): void {
    for (const link of [...this.#links]) {
      if (link.from === host || link.to === host) link.lose(host);
    }
  }

  /** Connects a host to another; rejects if that is refused, waits if there is no answer. */
  connect(from: Host, to: string, signal?: AbortSignal): Promise<SimChannel> {
    return new Promise((resolve, reject) => {
      const host = this.#hosts.get(to);
      if (host === undefined) {
        reject(new Deno.errors.ConnectionRefused(`There is no host ${to}`));
        return;
      }
      const link = new Link(this, from, host, () => this.#links.delete(link));
      this.#links.add(link);
      const refuse = () => {
        link.end();
        reject(new Deno.errors.ConnectionRefused(`Cannot connect to ${to}`));
      };
      signal?.addEventListener("abort", () => {
        if (link.isOpen) return;
        link.end();
        reject(signal.reason);
      });
      link.open(resolve, refuse);
    });
  }
}

/** A connection. */
class Link {
  readonly #network: SimNetwork;
  readonly from: Host;
  readonly to: Host;
  readonly #onEnd: () => void;
  readonly #channel: SimChannel;
  /** The broker's connection, which it sees as one within its process. */
  #served: FrameChannel | undefined;
  readonly #outward: Lane;
  readonly #homeward: Lane;
  /** For each request without a response, when it arrived if the broker was past its deadline then. */
  readonly #arrivals: ({ readonly atMs: number; readonly renewals: number } | undefined)[] = [];
  #hasEnded = false;
  isOpen = false;

  constructor(network: SimNetwork, from: Host, to: Host, onEnd: () => void) {
    this.#network = network;
    this.from = from;
    this.to = to;
    this.#onEnd = onEnd;
    this.#outward = new Lane(network, from, to);
    this.#homeward = new Lane(network, to, from);
    this.#channel = new SimChannel({
      send: (frame) => this.#outward.send(() => this.#deliver(frame)),
      close: () => this.#outward.send(() => this.#serverSees((served) => served.close())),
      abort: () => this.#leave(),
    });
  }

  /** Shakes hands. */
  open(resolve: (channel: SimChannel) => void, refuse: () => void): void {
    this.#outward.sendToSystem(() => {
      if (this.#hasEnded || !this.to.hasPower) return;
      const { isListening } = this.to;
      if (isListening) this.to.enter(() => this.#accept());
      this.#homeward.send(() => {
        if (this.#hasEnded) return;
        if (!isListening) {
          refuse();
          return;
        }
        this.isOpen = true;
        resolve(this.#channel);
      });
    });
  }

  #accept(): void {
    if (this.#hasEnded) return;
    this.#served = this.to.accept();
    if (this.#served !== undefined) this.#forward(this.#served);
  }

  #deliver(bytes: Uint8Array): void {
    const { isPastDeadline, renewals } = this.to;
    this.#arrivals.push(
      isPastDeadline ? { atMs: this.#network.timeline.nowMs, renewals } : undefined,
    );
    this.#serverSees(({ out }) => {
      out.beginFrame();
      out.raw(bytes);
      out.endFrame();
    }, (served) => served.flush());
  }

  #serverSees(...steps: ((served: FrameChannel) => unknown)[]): void {
    const served = this.#served;
    if (served === undefined) {
      // The process that accepted it has ended; its successor's system does not know the connection.
      if (this.isOpen && this.to.hasPower) this.#homeward.send(() => this.#clientSeesEnd());
      return;
    }
    for (const step of steps) step(served);
  }

  async #forward(served: FrameChannel): Promise<void> {
    for (;;) {
      const frame = await served.next();
      if (this.#served !== served) return;
      if (frame === null) break;
      const arrival = this.#arrivals.shift();
      const isPastDeadline = this.to.isPastDeadline && arrival?.renewals === this.to.renewals;
      const pastDeadlineMs = isPastDeadline ? arrival.atMs : undefined;
      const arrived = { bytes: frame.slice(), pastDeadlineMs };
      this.#homeward.send(() => {
        if (!this.#hasEnded) this.#channel.arrive(arrived);
      });
    }
    this.#homeward.send(() => this.#clientSeesEnd());
  }

  #clientSeesEnd(): void {
    this.#channel.arriveEnd();
    this.end();
  }

  /** The client's end was closed at once. */
  #leave(): void {
    if (this.#hasEnded) return;
    this.end();
    this.#outward.sendLast(() => this.#served?.abort());
  }

  /** Resets the connection at both ends. */
  reset(): void {
    this.#outward.sendLast(() => this.#served?.abort());
    this.#homeward.sendLast(() => this.#clientSeesEnd());
  }

  /** The process at one end has ended. */
  lose(host: Host): void {
    if (host === this.from) {
      if (host.hasPower) this.#outward.sendLast(() => this.#served?.abort());
      this.end();
      return;
    }
    this.#served = undefined;
    if (host.hasPower) this.#homeward.sendLast(() => this.#clientSeesEnd());
    else this.#homeward.drop();
  }

  /** Tries frames again that met a blocked link. */
  retry(): void {
    this.#outward.retry();
    this.#homeward.retry();
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd();
  }
}

/** One direction of a connection. */
class Lane {
  readonly #network: SimNetwork;
  readonly #from: Host;
  readonly #to: Host;
  /** What is on its way, in order. */
  #queue: { readonly arrive: () => void; readonly isForSystem: boolean }[] = [];
  #lastDueMs = 0;
  #isLast = false;

  constructor(network: SimNetwork, from: Host, to: Host) {
    this.#network = network;
    this.#from = from;
    this.#to = to;
  }

  send(arrive: () => void): void {
    if (this.#isLast) return;
    this.#queue.push({ arrive, isForSystem: false });
    this.#schedule();
  }

  /** Sends something that arrives although the process is paused. */
  sendToSystem(arrive: () => void): void {
    this.#queue.push({ arrive, isForSystem: true });
    this.#schedule();
  }

  /** Sends something instead of what has not arrived yet, and of what comes later. */
  sendLast(arrive: () => void): void {
    if (this.#isLast) return;
    this.#isLast = true;
    this.#queue = [{ arrive, isForSystem: false }];
    this.#schedule();
  }

  /** Loses everything; what is sent later arrives. */
  drop(): void {
    this.#queue = [];
    this.#isLast = false;
  }

  retry(): void {
    for (let i = this.#queue.length; i > 0; i--) this.#schedule();
  }

  #schedule(): void {
    const { timeline } = this.#network;
    this.#lastDueMs = Math.max(this.#lastDueMs, timeline.nowMs + this.#network.drawDelay());
    timeline.after(this.#lastDueMs - timeline.nowMs, () => {
      if (this.#network.isBlocked(this.#from.name, this.#to.name)) return;
      const first = this.#queue.shift();
      if (first === undefined) return;
      if (first.isForSystem) first.arrive();
      else this.#to.enter(first.arrive);
    });
  }
}

interface ChannelEvents {
  send(frame: Uint8Array): void;
  close(): void;
  abort(): void;
}

/** The end of a connection at the host that opened it. */
export class SimChannel implements FrameChannel {
  readonly peer = "simulated";
  readonly out: Writer = new Writer();
  readonly heldAt = undefined;
  onTaken: () => void = () => {};
  readonly #events: ChannelEvents;
  readonly #arrived: ArrivedFrame[] = [];
  #hasEnded = false;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(events: ChannelEvents) {
    this.#events = events;
  }

  get backlog(): number {
    return this.out.size;
  }

  flush(): void {
    if (this.out.size === 0) return;
    const bytes = this.out.takeBytes();
    if (this.#isClosed || this.#hasEnded) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length;) {
      const end = at + 4 + view.getInt32(at);
      this.#events.send(bytes.subarray(at + 4, end));
      at = end;
    }
    this.onTaken();
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  buffered(): Uint8Array | undefined {
    return this.#arrived.shift()?.bytes;
  }

  get hasBuffered(): boolean {
    return this.#arrived.length > 0;
  }

  async next(): Promise<Uint8Array | null> {
    return (await this.nextFrame())?.bytes ?? null;
  }

  /** Returns the next frame with what is known of its sender; null at the end. */
  async nextFrame(): Promise<ArrivedFrame | null> {
    for (;;) {
      const frame = this.#arrived.shift();
      if (frame !== undefined) return frame;
      if (this.#hasEnded || this.#isClosed) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** A frame arrives. */
  arrive(frame: ArrivedFrame): void {
    this.#arrived.push(frame);
    this.#wake?.();
  }

  /** The other end has closed the connection, or it was reset. */
  arriveEnd(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  recycle(): void {}

  close(): Promise<void> {
    if (!this.#isClosed) {
      this.flush();
      this.#isClosed = true;
      this.#events.close();
      this.#wake?.();
    }
    return Promise.resolve();
  }

  abort(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.abort();
    this.#wake?.();
  }
}
