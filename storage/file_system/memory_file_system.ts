/**
 * A file system in memory: the storage of an embedded broker and of tests.
 *
 * The content of a file as of its last sync is kept beside the current one, without copying
 * (`memory_file_content.ts`), and so are the names in a folder. So `clone` can return the tree as
 * it would be after a kill of the process (everything written is there) or after a power failure
 * (everything synced is there, and optionally some of the rest: `memory_nodes.ts`).
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
import { FileNode, FolderNode } from "./memory_nodes.ts";

/** Which unsynced changes a copy of the tree keeps. */
export type CloneOptions = {
  /**
   * `kept`: all, as after a kill of the process; they may still be lost in a later power failure.
   * `lost`: none, as after a power failure.
   */
  readonly unsynced: "kept" | "lost";
} | {
  /**
   * A random part, as after a power failure during writeback: some changes of names, in any order
   * but each atomic, and parts of the bytes appended to files, with holes.
   */
  readonly unsynced: "mixed";
  /** Returns random numbers from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
};

/** Settings of a file system in memory. */
export interface MemoryFileSystemOptions {
  /** The clock for modification times, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/** Folders and files in memory. Paths are normalised; the root always exists. */
export class MemoryFileSystem implements FileSystem {
  #root = new FolderNode();
  readonly #now: () => number;

  constructor(options: MemoryFileSystemOptions = {}) {
    this.#now = options.now ?? Date.now;
  }

  openSync(path: string, mode: FileMode, options: OpenOptions = {}): File {
    return this.openMemoryFile(path, mode, options);
  }

  /** Like `openSync`; the returned file separates the start of a sync from its end. */
  openMemoryFile(path: string, mode: FileMode, options: OpenOptions): MemoryFile {
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
    return promised(() => this.beginSyncDir(path)());
  }

  syncDirSync(path: string): void {
    this.beginSyncDir(path)();
  }

  /** Starts a sync of a folder with its current names; the returned function completes it. */
  beginSyncDir(path: string): () => void {
    return this.#folder("sync folder", path).beginSync();
  }

  /** Changes bytes of a file, both current and synced, as a failing disk does. */
  overwriteSync(path: string, position: number, bytes: Uint8Array): void {
    this.#file("overwrite", path).overwrite(position, bytes);
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

  /** A copy of the tree as another process would find it, without locks. */
  clone(options: CloneOptions): MemoryFileSystem {
    const copy = new MemoryFileSystem({ now: this.#now });
    const survival = options.unsynced === "mixed" ? options.random : options.unsynced;
    copy.#root = this.#root.clone(survival, new Map());
    return copy;
  }

  /**
   * A folder's content as it is after a power failure that loses all unsynced changes; undefined if
   * the folder is lost, too.
   */
  cloneSynced(path: string): MemoryFileSystem | undefined {
    let node: FileNode | FolderNode | undefined = this.#root;
    for (const name of partsOf(path)) {
      node = node instanceof FolderNode ? node.synced(name) : undefined;
    }
    if (!(node instanceof FolderNode)) return undefined;
    const copy = new MemoryFileSystem({ now: this.#now });
    copy.#root = node.clone("lost", new Map());
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

/** An open file in memory. */
export class MemoryFile implements File {
  readonly #node: FileNode;
  readonly #path: string;
  readonly #mode: FileMode;
  #closed = false;

  constructor(node: FileNode, path: string, mode: FileMode) {
    this.#node = node;
    this.#path = path;
    this.#mode = mode;
  }

  /** Space used on disk, in bytes, without zeros that the file was extended with. */
  get dataSize(): number {
    return this.#node.content.dataSize;
  }

  appendSync(bytes: Uint8Array): number {
    this.#check("append to", true);
    this.#node.append(bytes);
    return bytes.length;
  }

  writeSync(bytes: Uint8Array, position: number): number {
    this.#check("write to", true);
    this.#node.write(bytes, position);
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
    return promised(() => this.beginSync()());
  }

  /** Starts a sync of the current content; the returned function completes it. */
  beginSync(): () => void {
    this.#check("sync");
    return this.#node.beginSync();
  }

  /** Makes a sync fail: later ones succeed without writing the bytes of this one. */
  failSync(): void {
    this.#node.failSync();
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
