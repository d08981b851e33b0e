// Every text of the page stands in words.ts: what the other sources are compiled to has no text of its own.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";

const SRC = new URL("../src/", import.meta.url);
const { transform } = createRequire(new URL("../", import.meta.url))("esbuild") as {
  transform: (source: string, options: object) => Promise<{ code: string }>;
};

/** What of a compiled component somebody would read or hear: children, and the properties that are shown or said. */
const SHOWN = /(?:\b(?:children|title|placeholder|alt|label|text|help|name|meaning|empty|"aria-label"): (?:\[\s*)?|toast\()("(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)/g;
/** A child among others, on a line of its own. */
const AMONG = /^\s*("(?:[^"\\]|\\.)*"),?$/gm;
/** Two letters in a row, outside of what is filled in. */
const READABLE = /\p{L}{2}/u;

async function texts(source: string): Promise<string[]> {
  const { code } = await transform(source, { loader: "tsx", jsx: "automatic", jsxImportSource: "preact", charset: "utf8" });
  const found = [SHOWN, AMONG].flatMap((pattern) => [...code.matchAll(pattern)].map(([, text = ""]) => text));
  return found.filter((text) => READABLE.test(text.replaceAll(/\$\{[^}]*\}?/g, "")));
}

describe("words", () => {
  test("stand in one file", async () => {
    assert.deepEqual(await texts(`const A = () => (toast("Done"), <p title="A title">{n} messages<b>Bold</b></p>);`), ['"Done"', '"A title"', '"Bold"', '" messages"']);
    const sources = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".tsx"));
    assert.ok(sources.length > 15);
    for (const name of sources) {
      // The names of a form's fields are the API's.
      const own = (await texts(await readFile(new URL(name, SRC), "utf8"))).filter((text) => !/^"[a-z_]+"$/.test(text));
      assert.deepEqual(own, [], name);
    }
  });

  test("are all used", async () => {
    const { words } = (await import("../src/words.ts")) as { words: Record<string, unknown> };
    const sources = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name) && name !== "words.ts");
    const code = (await Promise.all(sources.map((name) => readFile(new URL(name, SRC), "utf8")))).join("\n");
    // A group that is looked up by a value of the API is used as a whole.
    const unused = (group: Record<string, unknown>, path: string): string[] =>
      code.includes(`${path}[`) || code.includes(`${path})`)
        ? []
        : Object.entries(group).flatMap(([name, word]) =>
            typeof word === "object" && word !== null && !Array.isArray(word)
              ? unused(word as Record<string, unknown>, `${path}.${name}`)
              : new RegExp(`${path.replaceAll(".", "\\.")}\\.${name}\\b`).test(code)
                ? []
                : [`${path}.${name}`],
          );
    assert.deepEqual(unused(words, "words"), []);
  });
});
