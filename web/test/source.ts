// Sources of the page that stand on others of it, without a browser: bundled as the page is.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const { build } = createRequire(new URL("../", import.meta.url))("esbuild") as {
  build: (options: object) => Promise<{ outputFiles: { text: string }[] }>;
};

/** What a file of `src` exports. */
export async function source<T>(name: string): Promise<T> {
  const entry = fileURLToPath(new URL(`../src/${name}`, import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: "esm" });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? "")}`) as Promise<T>;
}
