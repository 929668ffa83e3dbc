/**
 * Folders and files in memory, with their current and their synced content.
 *
 * The state after a power failure is random, within what a disk may leave. Each name in a folder is
 * independently as of the last sync or as of now. A file has its synced bytes and a part of those
 * appended since: up to any byte, with zeros for some blocks that were never written back. Zeros
 * that a file was extended with do not count as appended. Truncation is a change too: until it is
 * synced, the bytes may reappear.
 *
 * @module
 */

import { MemoryFileContent } from "./memory_file_content.ts";

/** Returns random numbers from 0 (inclusive) to 1 (exclusive). */
export type DrawNumber = () => number;

/** What happens to unsynced changes. */
export type Survival = "kept" | "lost" | DrawNumber;

/** Size of the blocks that a disk writes back. */
const BLOCK_SIZE = 512;

/** Maximum number of truncations kept until a sync; the oldest are dropped. */
const MAX_CUTS = 4;

type Node = FileNode | FolderNode;

/** A folder. */
export class FolderNode {
  readonly entries = new Map<string, Node>();
  /** The entries as of the last sync. */
  #synced: ReadonlyMap<string, Node> = new Map();
  #syncCount = 0;
  #lastSync = 0;

  /** What was under a name as of the last sync. */
  synced(name: string): Node | undefined {
    return this.#synced.get(name);
  }

  /** Starts a sync of the current entries; the returned function completes it. */
  beginSync(): () => void {
    const number = ++this.#syncCount;
    const entries = new Map(this.entries);
    return () => {
      if (number < this.#lastSync) return;
      this.#lastSync = number;
      this.#synced = entries;
    };
  }

  /** The folder and its content as another process finds them after a crash. */
  clone(survival: Survival, seen: Map<Node, Node>): FolderNode {
    const copy = new FolderNode();
    seen.set(this, copy);
    const cloned = (node: Node) => seen.get(node) ?? node.clone(survival, seen);
    for (const [name, node] of this.#survivors(survival)) copy.entries.set(name, cloned(node));
    if (survival === "kept") {
      copy.#synced = new Map(Array.from(this.#synced, ([name, node]) => [name, cloned(node)]));
    } else copy.#synced = new Map(copy.entries);
    return copy;
  }

  /** The entries after a crash: each file and folder has its old or its new name. */
  #survivors(survival: Survival): ReadonlyMap<string, Node> {
    if (survival === "kept") return this.entries;
    if (survival === "lost") return this.#synced;
    const names = new Map<Node, { before?: string; now?: string }>();
    for (const [name, node] of this.#synced) names.set(node, { before: name });
    for (const [name, node] of this.entries) names.set(node, { ...names.get(node), now: name });
    const survivors = new Map<string, Node>();
    const removed: [string, Node][] = [];
    for (const [node, { before, now }] of names) {
      const isReplaced = before !== undefined && now === undefined && this.entries.has(before);
      if (isReplaced) {
        removed.push([before, node]);
        continue;
      }
      const isKept = before === now || survival() >= 0.5;
      const name = isKept ? now : before;
      // If two nodes have had the same name, the current one takes precedence.
      if (name !== undefined && (isKept || !survivors.has(name))) survivors.set(name, node);
    }
    // A replaced node exists if its replacement does not.
    for (const [name, node] of removed) {
      if (!survivors.has(name)) survivors.set(name, node);
    }
    return survivors;
  }
}

/** The content of a file between two truncations. */
interface Stage {
  /** At the end of the stage. */
  readonly content: MemoryFileContent;
  /** Size at the beginning of the stage; bytes before it belong to earlier stages or are synced. */
  readonly startSize: number;
}

/** A file. */
export class FileNode {
  content = new MemoryFileContent();
  modifiedMs: number;
  locked = false;
  readonly #now: () => number;
  /** The content as of the last sync. */
  #synced = new MemoryFileContent();
  /** The content before each truncation since the last sync, oldest first. */
  #cuts: Stage[] = [];
  #cutCount = 0;
  #startSize = 0;
  #syncCount = 0;
  #lastSync = 0;
  /** Bytes that a failed sync did not write, and that no later one will. */
  #lost: { readonly start: number; readonly end: number } | undefined;

  constructor(now: () => number) {
    this.#now = now;
    this.modifiedMs = now();
  }

  append(bytes: Uint8Array): void {
    this.content.append(bytes);
    this.modifiedMs = this.#now();
  }

  write(bytes: Uint8Array, position: number): void {
    this.content.write(bytes, position);
    this.modifiedMs = this.#now();
  }

  truncate(size: number): void {
    if (this.#lost !== undefined && size < this.#lost.end) {
      const { start } = this.#lost;
      this.#lost = size > start ? { start, end: size } : undefined;
    }
    if (size < this.content.size) {
      this.#cuts.push({ content: this.content.share(), startSize: this.#startSize });
      if (this.#cuts.length > MAX_CUTS) this.#cuts.shift();
      this.#cutCount++;
      this.#startSize = Math.min(size, this.content.dataSize);
    }
    this.content.truncate(size);
    this.modifiedMs = this.#now();
  }

  /** Starts a sync of the current content; the returned function completes it. */
  beginSync(): () => void {
    const number = ++this.#syncCount;
    const cutCount = this.#cutCount;
    const content = this.content.share();
    return () => {
      if (number < this.#lastSync) return;
      this.#lastSync = number;
      if (this.#lost !== undefined) {
        const { start, end } = this.#lost;
        content.overwrite(start, new Uint8Array(end - start));
      }
      this.#synced = content;
      const cutsSince = this.#cutCount - cutCount;
      this.#cuts = cutsSince === 0 ? [] : this.#cuts.slice(-cutsSince);
      const [first] = this.#cuts;
      if (cutsSince === 0) this.#startSize = content.dataSize;
      else if (cutsSince <= MAX_CUTS) this.#cuts[0] = { ...first!, startSize: content.dataSize };
    };
  }

  /**
   * Makes a sync fail. The system considers its bytes written: later syncs succeed, and write only
   * later bytes.
   */
  failSync(): void {
    const start = this.#cuts.reduce(
      (size, { startSize }) => Math.min(size, startSize),
      Math.min(this.#synced.dataSize, this.#startSize, this.#lost?.start ?? Infinity),
    );
    const end = this.content.dataSize;
    if (end > start) this.#lost = { start, end };
  }

  /** Changes existing bytes, both current and synced, as a failing disk does. */
  overwrite(position: number, bytes: Uint8Array): void {
    this.content.overwrite(position, bytes);
    if (this.#synced.dataSize >= position + bytes.length) this.#synced.overwrite(position, bytes);
  }

  /** The file as another process finds it after a crash. */
  clone(survival: Survival, seen: Map<Node, Node>): FileNode {
    const copy = new FileNode(this.#now);
    seen.set(this, copy);
    copy.modifiedMs = this.modifiedMs;
    if (survival === "kept") {
      copy.content = this.content.share();
      copy.#synced = this.#synced.share();
      copy.#cuts = this.#cuts.slice();
      copy.#startSize = this.#startSize;
    } else {
      copy.content = survival === "lost" ? this.#synced.share() : this.#survivor(survival);
      copy.#synced = copy.content.share();
      copy.#startSize = copy.content.dataSize;
    }
    return copy;
  }

  /** The content after a power failure during writeback. */
  #survivor(draw: DrawNumber): MemoryFileContent {
    const isClean = this.#cuts.length === 0 && this.content.size === this.#synced.size &&
      this.content.dataSize === this.#synced.dataSize;
    if (isClean) return this.content.share();
    const fate = draw();
    if (fate < 0.25) return this.#synced.share();
    if (fate < 0.5) return this.content.share();
    const stages = [...this.#cuts, { content: this.content, startSize: this.#startSize }];
    const slot = Math.floor(draw() * stages.length);
    const { content, startSize } = stages[slot]!;
    const survivor = content.share();
    survivor.truncate(startSize + Math.floor(draw() * (content.dataSize - startSize + 1)));
    if (content.size > content.dataSize) survivor.truncate(content.size);
    // Synced bytes are unchanged up to the lowest truncation since.
    const syncedSize = stages.slice(0, slot + 1)
      .reduce((size, stage) => Math.min(size, stage.startSize), this.#synced.dataSize);
    loseBlocks(survivor, syncedSize, draw);
    return survivor;
  }
}

/** Zeroes none, some or many of the blocks after `position`. */
function loseBlocks(content: MemoryFileContent, position: number, draw: DrawNumber): void {
  const probability = [0, 0, 0.1, 0.6][Math.floor(draw() * 4)]!;
  if (probability === 0) return;
  for (let start = position; start < content.dataSize;) {
    const blockEnd = (Math.floor(start / BLOCK_SIZE) + 1) * BLOCK_SIZE;
    const end = Math.min(blockEnd, content.dataSize);
    if (draw() < probability) content.overwrite(start, new Uint8Array(end - start));
    start = end;
  }
}
