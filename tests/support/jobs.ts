/**
 * Prints how many test files `deno task test` runs at a time: `DENO_JOBS`, or three for two cores, because
 * many tests wait, for processes and for timeouts.
 *
 * @module
 */

console.log(Deno.env.get("DENO_JOBS") || String(Math.ceil(1.5 * navigator.hardwareConcurrency)));
