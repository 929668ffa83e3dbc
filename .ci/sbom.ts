/**
 * Writes the program's SBOM as CycloneDX 1.5: the packages it imports, directly or not, with their digests,
 * and the runtime.
 *
 *     deno run --allow-read --allow-run=deno --allow-env .ci/sbom.ts > dqueue.cdx.json
 */

import manifest from "../deno.json" with { type: "json" };

interface Package {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
}

interface ModuleGraph {
  readonly modules: readonly { readonly npmPackage?: string }[];
  /** Every package of the lock file, by id. */
  readonly npmPackages: Readonly<Record<string, Package>>;
}

const root = new URL("..", import.meta.url);
const { npm: locked }: { npm: Readonly<Record<string, { readonly integrity?: string }>> } = JSON
  .parse(await Deno.readTextFile(new URL(".deno/program.lock", root)));

async function moduleGraph(): Promise<ModuleGraph> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: ["info", "--json", "--no-config", "main.ts"],
    cwd: root,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Returns the ids of the packages of the program's modules, and of their dependencies. */
function packagesOf({ modules, npmPackages }: ModuleGraph): Set<string> {
  const ids = new Set<string>();
  const add = (id: string | undefined) => {
    if (id === undefined || ids.has(id)) return;
    ids.add(id);
    npmPackages[id]!.dependencies.forEach(add);
  };
  for (const { npmPackage } of modules) add(npmPackage);
  return ids;
}

function purl(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** Returns the digest of a package, which the lock file has in base64, in CycloneDX's form. */
function hashesOf(id: string): { alg: string; content: string }[] {
  const integrity = locked[id]?.integrity;
  if (integrity === undefined) return [];
  const [algorithm, base64] = integrity.split("-", 2);
  return [{
    alg: algorithm!.replace("sha", "SHA-"),
    content: Uint8Array.fromBase64(base64!).toHex(),
  }];
}

const graph = await moduleGraph();
const components = [...packagesOf(graph)].sort().map((id) => {
  const { name, version } = graph.npmPackages[id]!;
  return { type: "library", name, version, purl: purl(name, version), hashes: hashesOf(id) };
});

console.log(JSON.stringify(
  {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: {
        type: "application",
        name: manifest.name,
        version: manifest.version,
        licenses: [{ license: { id: manifest.license } }],
      },
    },
    components: [
      { type: "platform", name: "deno", version: Deno.version.deno },
      ...components,
    ],
  },
  null,
  2,
));
