/**
 * The files that storage works on.
 *
 * `FileSystem` is all that storage asks of one. `DenoFileSystem` is the machine's, `MemoryFileSystem`
 * (`memory_nodes.ts`, `memory_file_content.ts`) is for embedded brokers and tests;
 * `file_system_testing.ts` holds both to one behaviour, and `faulty_file_system_testing.ts` is a disk
 * that fails. `FilePool` bounds the open files of all logs, `DescriptorReserve` keeps descriptors for
 * when they run out. `FileWindow` reads parts of large files. A checkpoint file is replaced as a whole.
 *
 * @module
 */

export { DenoFileSystem } from "./deno_file_system.ts";
export {
  type DirectoryEntry,
  type File,
  type FileInfo,
  type FileLock,
  type FileMode,
  type FileSystem,
  FileSystemError,
  type FileSystemErrorCode,
  type OpenOptions,
} from "./file_system.ts";
export { MemoryFileSystem, type MemoryFileSystemOptions } from "./memory_file_system.ts";
