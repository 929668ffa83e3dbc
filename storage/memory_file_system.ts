/**
 * A file system in memory: the storage of an embedded broker and of tests.
 *
 * Content is a list of blocks. A byte once written in a block never changes: truncating cuts the
 * block to a view, and what is appended next goes to a new block. So what a file had at its last sync
 * can be kept beside what it has now without copying, and `clone` can show the tree as it would be
 * after the process was killed (everything written is there) or after the power failed (only what
 * was synced is there, or that and some of the rest).
 *
 * @module
 */

import {
  type DirectoryEntry,
  type File,
  type FileInfo,
  type FileLock,
  type FileMode,
  type FileSystem,
  FileSystemError,
  type OpenOptions,
  parentOf,
} from "./file_system.ts";

const SMALLEST_BLOCK = 256;
const LARGEST_BLOCK = 1 << 20;

/** What a copy of the tree keeps of what was not synced. */
export type CloneOptions = {
  /** `kept`: all, as after a kill of the process. `lost`: nothing, as after a power failure. */
  readonly unsynced: "kept" | "lost";
} | {
  /**
   * As after a power failure in the middle of writing back: of the changes of names some, in any
   * order, but each whole; of what was appended to a file a part.
   */
  readonly unsynced: "mixed";
  /** Draws numbers from 0 up to 1. */
  readonly random: () => number;
};

/** Tells what survives of something not synced: all of it is 1, nothing 0. */
type Survival = () => number;

/** Settings of a file system in memory. */
export interface MemoryFileSystemOptions {
  /** The time that files are stamped with, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/** Keeps folders and files in memory. Paths are normalised; the root is always there. */
export class MemoryFileSystem implements FileSystem {
  #root = new FolderNode();
  readonly #now: () => number;

  constructor(options: MemoryFileSystemOptions = {}) {
    this.#now = options.now ?? Date.now;
  }

  openSync(path: string, mode: FileMode, options: OpenOptions = {}): File {
    const { folder, name } = this.#locate("open", path);
    let node = folder.entries.get(name);
    if (node === undefined && mode === "append" && options.create === true) {
      node = new FileNode(this.#now);
      folder.entries.set(name, node);
    }
    if (node === undefined) throw notFound("open", path);
    if (!(node instanceof FileNode)) throw failed("open", path, "EISDIR", "is a folder");
    return new MemoryFile(node, path, mode);
  }

  readFileSync(path: string): Uint8Array {
    const node = this.#file("read", path);
    const bytes = new Uint8Array(node.content.size);
    node.content.read(bytes, 0);
    return bytes;
  }

  writeFileSync(path: string, bytes: Uint8Array): void {
    const { folder, name } = this.#locate("write", path);
    let node = folder.entries.get(name);
    if (node === undefined) {
      node = new FileNode(this.#now);
      folder.entries.set(name, node);
    }
    if (!(node instanceof FileNode)) throw failed("write", path, "EISDIR", "is a folder");
    node.truncate(0);
    node.append(bytes);
  }

  statSync(path: string): FileInfo | undefined {
    const node = this.#find(path);
    if (node === undefined) return undefined;
    return node instanceof FileNode
      ? { isFile: true, isDirectory: false, size: node.content.size, modifiedMs: node.modifiedMs }
      : { isFile: false, isDirectory: true, size: 0, modifiedMs: 0 };
  }

  readDirSync(path: string): DirectoryEntry[] {
    return Array.from(this.#folder("list", path).entries, ([name, node]) => ({
      name,
      isFile: node instanceof FileNode,
      isDirectory: node instanceof FolderNode,
    }));
  }

  mkdirSync(path: string): void {
    let folder = this.#root;
    for (const name of partsOf(path)) {
      let next = folder.entries.get(name);
      if (next === undefined) {
        next = new FolderNode();
        folder.entries.set(name, next);
      }
      if (!(next instanceof FolderNode)) {
        throw failed("create folder", path, "EEXIST", `"${name}" is a file`);
      }
      folder = next;
    }
  }

  renameSync(path: string, newPath: string): void {
    const from = this.#locate("rename", path);
    const node = from.folder.entries.get(from.name);
    if (node === undefined) throw notFound("rename", path);
    const to = this.#locate(`rename to "${newPath}"`, newPath);
    const replaced = to.folder.entries.get(to.name);
    if (replaced instanceof FolderNode && replaced.entries.size > 0) {
      throw failed(`rename to "${newPath}"`, path, "ENOTEMPTY", "the folder is not empty");
    }
    from.folder.entries.delete(from.name);
    to.folder.entries.set(to.name, node);
  }

  remove(path: string): Promise<void> {
    return promised(() => this.removeSync(path));
  }

  removeSync(path: string): void {
    const { folder, name } = this.#locate("remove", path, true);
    folder?.entries.delete(name);
  }

  syncDir(path: string): Promise<void> {
    return promised(() => {
      const folder = this.#folder("sync folder", path);
      folder.synced = new Map(folder.entries);
    });
  }

  lock(path: string, note: string): Promise<FileLock | string> {
    return promised(() => {
      const file = this.openSync(path, "append", { create: true });
      file.close();
      const node = this.#file("lock", path);
      if (node.locked) return new TextDecoder().decode(this.readFileSync(path));
      node.locked = true;
      this.writeFileSync(path, new TextEncoder().encode(note));
      let released = false;
      return {
        release(): void {
          if (!released) node.locked = false;
          released = true;
        },
      };
    });
  }

  /** A copy of the tree as another process would find it; nobody holds a lock in it. */
  clone(options: CloneOptions): MemoryFileSystem {
    const copy = new MemoryFileSystem({ now: this.#now });
    const { unsynced } = options;
    const survival = unsynced === "mixed"
      ? () => Math.max(0, Math.min(1, options.random() * 3 - 1))
      : () => unsynced === "kept" ? 1 : 0;
    copy.#root = this.#root.clone(survival, new Map());
    return copy;
  }

  #find(path: string): FileNode | FolderNode | undefined {
    let node: FileNode | FolderNode | undefined = this.#root;
    for (const name of partsOf(path)) {
      if (!(node instanceof FolderNode)) return undefined;
      node = node.entries.get(name);
    }
    return node;
  }

  #file(operation: string, path: string): FileNode {
    const node = this.#find(path);
    if (node === undefined) throw notFound(operation, path);
    if (!(node instanceof FileNode)) throw failed(operation, path, "EISDIR", "is a folder");
    return node;
  }

  #folder(operation: string, path: string): FolderNode {
    const node = this.#find(path);
    if (node === undefined) throw notFound(operation, path);
    if (!(node instanceof FolderNode)) throw failed(operation, path, "ENOTDIR", "is a file");
    return node;
  }

  #locate(operation: string, path: string): { folder: FolderNode; name: string };
  #locate(
    operation: string,
    path: string,
    optional: true,
  ): { folder: FolderNode | undefined; name: string };
  #locate(operation: string, path: string, optional = false) {
    const name = partsOf(path).at(-1);
    if (name === undefined) throw failed(operation, path, "EINVAL", "is the root");
    const folder = this.#find(parentOf(`/${partsOf(path).join("/")}`));
    if (folder instanceof FolderNode) return { folder, name };
    if (optional) return { folder: undefined, name };
    throw notFound(operation, path);
  }
}

class FolderNode {
  readonly entries = new Map<string, FileNode | FolderNode>();
  /** The entries as of the last sync. */
  synced: ReadonlyMap<string, FileNode | FolderNode> = new Map();

  clone(survival: Survival, seen: Map<FileNode | FolderNode, FileNode | FolderNode>): FolderNode {
    const copy = new FolderNode();
    seen.set(this, copy);
    for (const [name, node] of this.#survivors(survival)) {
      copy.entries.set(name, seen.get(node) ?? node.clone(survival, seen));
    }
    copy.synced = new Map(copy.entries);
    return copy;
  }

  /** The entries after a crash: each file and folder has its old name or its new one. */
  #survivors(survival: Survival): Map<string, FileNode | FolderNode> {
    const names = new Map<FileNode | FolderNode, { before?: string; now?: string }>();
    for (const [name, node] of this.synced) names.set(node, { before: name });
    for (const [name, node] of this.entries) names.set(node, { ...names.get(node), now: name });
    const survivors = new Map<string, FileNode | FolderNode>();
    const removed: [string, FileNode | FolderNode][] = [];
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

class FileNode {
  content = new Content();
  /** The content as of the last sync. */
  synced = new Content();
  modifiedMs: number;
  locked = false;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    this.modifiedMs = now();
  }

  append(bytes: Uint8Array): void {
    this.content.append(bytes);
    this.modifiedMs = this.#now();
  }

  truncate(size: number): void {
    this.content.truncate(size);
    this.modifiedMs = this.#now();
  }

  clone(survival: Survival, seen: Map<FileNode | FolderNode, FileNode | FolderNode>): FileNode {
    const copy = new FileNode(this.#now);
    seen.set(this, copy);
    const survived = survival();
    copy.content = (survived > 0 ? this.content : this.synced).share();
    const unsyncedBytes = this.content.size - this.synced.size;
    if (survived > 0 && survived < 1 && unsyncedBytes > 0) {
      copy.content.truncate(this.synced.size + Math.floor(unsyncedBytes * survived));
    }
    copy.synced = copy.content.share();
    copy.modifiedMs = this.modifiedMs;
    return copy;
  }
}

/** The bytes of a file: full blocks, and one that still has room unless it is shared. */
class Content {
  size = 0;
  /** The used part of each block. */
  #blocks: Uint8Array[] = [];
  /** The position in the file that each block starts at. */
  #starts: number[] = [];
  /** The last block with its unused part, or nothing if no more may be written in it. */
  #open: Uint8Array | undefined;

  append(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length) {
      const last = this.#blocks.length - 1;
      const used = this.#open === undefined ? 0 : this.#blocks[last]!.length;
      if (this.#open === undefined || used === this.#open.length) {
        this.#openBlock(bytes.length - from);
        continue;
      }
      const count = Math.min(this.#open.length - used, bytes.length - from);
      this.#open.set(
        from === 0 && count === bytes.length ? bytes : bytes.subarray(from, from + count),
        used,
      );
      this.#blocks[last] = this.#open.subarray(0, used + count);
      from += count;
    }
    this.size += bytes.length;
  }

  #openBlock(atLeast: number): void {
    const sizeWanted = Math.max(atLeast, Math.min(this.size, LARGEST_BLOCK), SMALLEST_BLOCK);
    this.#starts.push(this.#blocks.length === 0 ? 0 : this.#end());
    this.#open = new Uint8Array(sizeWanted);
    this.#blocks.push(this.#open.subarray(0, 0));
  }

  /** Where the blocks end; within `append` that is ahead of `size`. */
  #end(): number {
    return this.#starts.at(-1)! + this.#blocks.at(-1)!.length;
  }

  read(into: Uint8Array, position: number): number {
    const end = Math.min(this.size, position + into.length);
    let at = position;
    for (let block = this.#blockAt(position); at < end; block++) {
      const start = this.#starts[block]!;
      const bytes = this.#blocks[block]!;
      const count = Math.min(start + bytes.length, end) - at;
      into.set(bytes.subarray(at - start, at - start + count), at - position);
      at += count;
    }
    return Math.max(0, at - position);
  }

  #blockAt(position: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#starts[middle]! <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  truncate(size: number): void {
    if (size > this.size) {
      this.append(new Uint8Array(size - this.size));
      return;
    }
    while (this.#starts.length > 0 && this.#starts.at(-1)! >= size) {
      this.#starts.pop();
      this.#blocks.pop();
    }
    if (this.#blocks.length > 0) {
      const last = this.#blocks.length - 1;
      this.#blocks[last] = this.#blocks[last]!.subarray(0, size - this.#starts[last]!);
    }
    this.#open = undefined;
    this.size = size;
  }

  /** The same bytes for somebody else; what either appends later, the other does not see. */
  share(): Content {
    const copy = new Content();
    copy.size = this.size;
    copy.#blocks = this.#blocks.slice();
    copy.#starts = this.#starts.slice();
    return copy;
  }
}

class MemoryFile implements File {
  readonly #node: FileNode;
  readonly #path: string;
  readonly #mode: FileMode;
  #closed = false;

  constructor(node: FileNode, path: string, mode: FileMode) {
    this.#node = node;
    this.#path = path;
    this.#mode = mode;
  }

  appendSync(bytes: Uint8Array): number {
    this.#check("append to", true);
    this.#node.append(bytes);
    return bytes.length;
  }

  readSync(into: Uint8Array, position: number): number {
    this.#check("read");
    return this.#node.content.read(into, position);
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return promised(() => this.readSync(into, position));
  }

  truncateSync(size: number): void {
    this.#check("truncate", true);
    this.#node.truncate(size);
  }

  syncData(): Promise<void> {
    return promised(() => {
      this.#check("sync");
      this.#node.synced = this.#node.content.share();
    });
  }

  close(): void {
    this.#closed = true;
  }

  #check(operation: string, writes = false): void {
    if (this.#closed) throw failed(operation, this.#path, "EBADF", "the file is closed");
    if (writes && this.#mode === "read") {
      throw failed(operation, this.#path, "EBADF", "the file is open for reading only");
    }
  }
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function promised<T>(operation: () => T): Promise<T> {
  return new Promise((resolve) => resolve(operation()));
}

function notFound(operation: string, path: string): FileSystemError {
  return failed(operation, path, "ENOENT", "no such file or folder");
}

function failed(operation: string, path: string, code: string, problem: string): FileSystemError {
  return new FileSystemError(operation, path, code, problem);
}
