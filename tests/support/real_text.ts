/**
 * Realistic text: repetitive, with lines of all lengths.
 *
 * @module
 */

const FOLDER = "/var/lib/dpkg/info";

/**
 * Returns `lines` lines from the file lists of the machine's packages, repeated if there are too few; on a
 * machine without such lists, lines made of words. No line is empty.
 */
export async function realText(lines: number): Promise<Uint8Array<ArrayBuffer>> {
  const found = await packageFiles();
  const source = found.length > 0 ? found : madeUp();
  let text = "";
  for (let index = 0; index < lines; index++) text += source[index % source.length]! + "\n";
  return new TextEncoder().encode(text);
}

async function packageFiles(): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(FOLDER)) {
      if (name.endsWith(".list")) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const lines: string[] = [];
  for (const name of names.sort()) {
    const text = await Deno.readTextFile(`${FOLDER}/${name}`);
    for (const line of text.split("\n")) if (line !== "") lines.push(line);
  }
  return lines;
}

function madeUp(): string[] {
  const words = "the log is cut and kept in order by many hands of one broker naïve 日本 🦕".split(
    " ",
  );
  return Array.from({ length: 5000 }, (_, line) => {
    const count = 1 + (line * 7919) % 40;
    return Array.from({ length: count }, (_, i) => words[(line * 31 + i * i) % words.length]).join(
      " ",
    );
  });
}
