/**
 * Folders and files in memory, with what they have and what of that is on disk.
 *
 * What a power failure leaves is drawn as a disk may leave it. A folder has each name as of its last
 * sync or as of now, whatever became of the others. A file has what was synced and, of what was
 * appended since, some: up to any byte, and of the blocks before that some are zeros because they were
 * never written back. Zeros that a file was extended with count as nothing that was appended. Cutting a file is a change as well: until it is synced, the bytes may be back.
 *
 * @module
 */

import { MemoryFileContent } from "./memory_file_content.ts";

/** Draws numbers from 0 up to, not including, 1. */
export type DrawNumber = () => number;

/** What becomes of what was not synced. */
export type Survival = "kept" | "lost" | DrawNumber;

/** Bytes that a disk writes back together. */
const BLOCK_SIZE = 512;

/** Cuts that are remembered until a sync; of more, the oldest are forgotten. */
const MAX_CUTS = 4;

type Node = FileNode | FolderNode;

/** A folder. */
export class FolderNode {
  readonly entries = new Map<string, Node>();
  /** The entries as of the last sync. */
  #synced: ReadonlyMap<string, Node> = new Map();
  #syncCount = 0;
  #lastSync = 0;

  /** Takes the entries as they are now; what is returned says that they are on disk. */
  beginSync(): () => void {
    const number = ++this.#syncCount;
    const entries = new Map(this.entries);
    return () => {
      if (number < this.#lastSync) return;
      this.#lastSync = number;
      this.#synced = entries;
    };
  }

  /** The folder with all in it as another process finds it after a crash. */
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

  /** The entries after a crash: each file and folder has its old name or its new one. */
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
      // Where two have had the same name, the one that has it now goes first.
      if (name !== undefined && (isKept || !survivors.has(name))) survivors.set(name, node);
    }
    // What was replaced is there if what replaced it is not.
    for (const [name, node] of removed) {
      if (!survivors.has(name)) survivors.set(name, node);
    }
    return survivors;
  }
}

/** What a file had between two cuts. */
interface Stage {
  /** At the end of the stage. */
  readonly content: MemoryFileContent;
  /** Its size at the beginning of the stage: what lies before is that of the stage before, or synced. */
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
  /** What it had before each cut since the last sync, oldest first. */
  #cuts: Stage[] = [];
  #cutCount = 0;
  #startSize = 0;
  #syncCount = 0;
  #lastSync = 0;
  /** Bytes that a sync failed to bring to disk, and that no later one will. */
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

  /** Takes the content as it is now; what is returned says that it is on disk. */
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
   * Says that a sync failed. The system takes the bytes that were to be written for written: later syncs
   * succeed, and bring only later bytes to disk.
   */
  failSync(): void {
    const start = this.#cuts.reduce(
      (size, { startSize }) => Math.min(size, startSize),
      Math.min(this.#synced.dataSize, this.#startSize, this.#lost?.start ?? Infinity),
    );
    const end = this.content.dataSize;
    if (end > start) this.#lost = { start, end };
  }

  /** Changes bytes that are there, in memory and on disk, as a failing disk does. */
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

  /** What is left of the content if the power failed while it was written back. */
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
    // Bytes are as they were synced as far as no cut since has reached.
    const syncedSize = stages.slice(0, slot + 1)
      .reduce((size, stage) => Math.min(size, stage.startSize), this.#synced.dataSize);
    loseBlocks(survivor, syncedSize, draw);
    return survivor;
  }
}

/** Makes zeros of some of the blocks behind `position`: none of them, some, or many. */
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
