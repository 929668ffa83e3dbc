/**
 * The files that storage works on.
 *
 * `FileSystem` is the interface that storage needs. `DenoFileSystem` is the machine's;
 * `MemoryFileSystem` (`memory_nodes.ts`, `memory_file_content.ts`) is for embedded brokers and
 * tests. `file_system_testing.ts` is the behavioural suite for both, and
 * `faulty_file_system_testing.ts` simulates a failing disk. `FilePool` bounds the open files of all
 * logs, and `DescriptorReserve` keeps spare descriptors for when they run out. `FileWindow` reads
 * parts of large files. `checkpoint_file.ts` reads and formats Kafka's checkpoint files.
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
