/**
 * Describes the machine and runtime of a measurement.
 *
 * @module
 */

/** Describes the machine for a report. */
export function describeMachine(): Record<string, string> {
  const { total } = Deno.systemMemoryInfo();
  return {
    cpu: `${navigator.hardwareConcurrency} × ${cpuModel()}`,
    memory: `${Math.round(total / 2 ** 30)} GiB`,
    system: `${Deno.build.os} ${Deno.osRelease()}`,
    runtime: `Deno ${Deno.version.deno}, V8 ${Deno.version.v8}`,
  };
}

function cpuModel(): string {
  try {
    const info = Deno.readTextFileSync("/proc/cpuinfo");
    return /^model name\s*: (.+)$/m.exec(info)?.[1] ?? Deno.build.arch;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return Deno.build.arch;
    throw error;
  }
}
