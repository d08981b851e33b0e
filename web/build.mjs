// Builds the page from src/ into dist/: one script, one style sheet, one font, one icon, named by what is in them, and what the
// server says beside them. `node build.mjs` in this folder; `cargo run` and `cargo test` do it by themselves.
import { createHash } from "node:crypto";
import { readFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const FONT = "node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2";

// Everything comes from here, nothing is inline, nobody frames it, and nothing is told to the pages that it links to.
const HEADERS = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
};

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist/assets", { recursive: true });

/** Writes a file under a name that says what is in it; the answer is its path on the server. */
function keep(name, ending, bytes) {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 10);
  const path = `/assets/${name}-${hash}.${ending}`;
  writeFileSync(`dist${path}`, bytes);
  return path;
}

const font = keep("inter", "woff2", readFileSync(FONT));
const icon = keep("icon", "svg", readFileSync("src/icon.svg"));
const { outputFiles } = await build({
  entryPoints: ["src/main.tsx"],
  bundle: true,
  minify: true,
  write: false,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  outdir: "dist",
  legalComments: "none",
  external: ["/assets/*"],
  plugins: [
    {
      // The one font that the style sheet names.
      name: "font",
      setup: (plugin) => plugin.onResolve({ filter: /^font:inter$/ }, () => ({ path: font, external: true })),
    },
  ],
});
const [script, style] = [".js", ".css"].map((ending) => outputFiles.find(({ path }) => path.endsWith(ending)).contents);
const page = readFileSync("src/index.html", "utf8")
  .replace("{font}", font)
  .replace("{icon}", icon)
  .replace("{script}", keep("page", "js", script))
  .replace("{style}", keep("page", "css", style));
writeFileSync("dist/index.html", page);
const lines = (headers) => Object.entries(headers).map(([name, value]) => `  ${name}: ${value}\n`);
writeFileSync(
  "dist/_headers",
  ["/*\n", ...lines(HEADERS), "/assets/*\n", ...lines({ "Cache-Control": "public, max-age=31536000, immutable" })].join(""),
);
