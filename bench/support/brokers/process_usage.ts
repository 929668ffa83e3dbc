/**
 * Reads the resource usage of a process. Only Linux provides it.
 *
 * @module
 */

/** The kernel counts processor time in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/** Returns the seconds of processor time that a process has used, over all its threads. */
export function cpuSeconds(pid: number): number | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name, in parentheses, may hold spaces; user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Returns the seconds of processor time of several processes; `undefined` for none, or if one has ended. */
export function cpuSecondsOf(pids: readonly number[]): number | undefined {
  if (pids.length === 0) return undefined;
  return pids.map(cpuSeconds).reduce((a, b) =>
    a === undefined || b === undefined ? undefined : a + b
  );
}

/** Returns the resident memory of a process in bytes. */
export function residentBytes(pid: number): number | undefined {
  return statusBytes(pid, "VmRSS");
}

/** Returns the peak resident memory of a process in bytes. */
export function peakResidentBytes(pid: number): number | undefined {
  return statusBytes(pid, "VmHWM");
}

/** Returns the bytes that a process has read, from files in the page cache as well as from disk. */
export function readBytes(pid: number): number | undefined {
  const match = /^rchar: (\d+)$/m.exec(readProc(`/proc/${pid}/io`) ?? "");
  return match === null ? undefined : Number(match[1]);
}

function statusBytes(pid: number, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(
    readProc(`/proc/${pid}/status`) ?? "",
  );
  return match === null ? undefined : Number(match[1]) * 1024;
}

function readProc(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Binds all threads of a process, including future ones, to one core. Returns false if not possible. */
export async function pin(pid: number, core: number): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("taskset", {
      args: ["-a", "-c", "-p", String(core), String(pid)],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
