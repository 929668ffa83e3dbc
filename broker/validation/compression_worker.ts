/**
 * Compresses with gzip and zstd outside the event loop.
 *
 * `node:zlib` blocks the calling thread, in Deno even in its asynchronous functions, and at high
 * levels a megabyte takes seconds. The work is therefore done in a worker, which is started on
 * first use. The worker's module is a data URL, which also works in the compiled program.
 *
 * @module
 */

import { compress, CompressionType } from "../../protocol/compression/mod.ts";
import { LogClosedError } from "../../storage/errors.ts";

/** The worker's module. It must do what `compress` does. */
const MODULE = `
import zlib from "node:zlib";
self.onmessage = ({ data: { id, type, bytes, level } }) => {
  try {
    const packed = type === ${CompressionType.gzip}
      ? zlib.gzipSync(bytes, { level: level ?? -1 })
      : zlib.zstdCompressSync(bytes, {
        pledgedSrcSize: bytes.length,
        params: level === undefined ? {} : { [zlib.constants.ZSTD_c_compressionLevel]: level },
      });
    self.postMessage({ id, packed: new Uint8Array(packed) });
  } catch (error) {
    self.postMessage({ id, problem: String(error) });
  }
};
`;

interface Answer {
  readonly id: number;
  readonly packed?: Uint8Array;
  readonly problem?: string;
}

interface Job extends PromiseWithResolvers<Uint8Array> {
  readonly type: CompressionType;
  readonly bytes: Uint8Array;
  readonly level: number | undefined;
}

/** A worker that compresses. */
export class CompressionWorker {
  #worker: Worker | undefined;
  readonly #jobs: Map<number, Job> = new Map();
  #lastId = 0;
  #isClosed = false;

  /** Number of jobs in progress. */
  get jobCount(): number {
    return this.#jobs.size;
  }

  /**
   * Compresses `bytes` with gzip or zstd, as `compress` does.
   *
   * @throws {LogClosedError} If the worker has been closed.
   */
  compress(
    type: CompressionType,
    bytes: Uint8Array,
    level: number | undefined,
  ): Promise<Uint8Array> {
    if (this.#isClosed) return Promise.reject(closed());
    const job = { type, bytes, level, ...Promise.withResolvers<Uint8Array>() };
    const id = ++this.#lastId;
    this.#jobs.set(id, job);
    try {
      this.#worker ??= this.#start();
      this.#worker.postMessage({ id, type, bytes, level });
    } catch (error) {
      this.#jobs.delete(id);
      job.reject(error);
    }
    return job.promise;
  }

  /** Stops the worker. Pending jobs are rejected. */
  close(): void {
    this.#isClosed = true;
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const job of this.#jobs.values()) job.reject(closed());
    this.#jobs.clear();
  }

  #start(): Worker {
    const url = `data:text/javascript,${encodeURIComponent(MODULE)}`;
    const worker = new Worker(url, { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#answered(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#failed();
    };
    return worker;
  }

  #answered({ id, packed, problem }: Answer): void {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    this.#jobs.delete(id);
    if (packed === undefined) this.#doHere(job, problem);
    else job.resolve(packed);
  }

  /** If the worker cannot run, jobs are compressed on this thread. */
  #failed(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    for (const job of jobs) this.#doHere(job, "the worker failed");
  }

  #doHere(job: Job, problem: string | undefined): void {
    try {
      job.resolve(compress(job.type, job.bytes, job.level));
    } catch (error) {
      job.reject(new Error(`Cannot compress: ${problem}`, { cause: error }));
    }
  }
}

function closed(): LogClosedError {
  return new LogClosedError("Cannot compress: the broker is stopping");
}
