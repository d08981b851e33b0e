// A real browser: the system's Chromium, else the one that ships inside an npm package. Without either the tests fail.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium } from "playwright-core";

const SYSTEM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

type Program = {
  path: string;
  /** Unpacks the libraries that the package carries along for machines without a desktop; the answer is their folder. */
  libraries?: () => Promise<string>;
};

async function program(): Promise<Program> {
  const system = [process.env.BLUETICK_BROWSER ?? "", ...SYSTEM].find((path) => path && existsSync(path));
  if (system) return { path: system };
  const { default: packed } = await import("@sparticuz/chromium");
  const parts = import.meta.resolve("@sparticuz/chromium");
  const libraries = async (): Promise<string> => {
    const { inflate } = (await import(new URL("lambdafs.js", parts).href)) as { inflate: (path: string) => Promise<string> };
    return join(await inflate(fileURLToPath(new URL("../bin/al2023.tar.br", parts))), "lib");
  };
  return { path: await packed.executablePath(), libraries };
}

export type Options = { width?: number; height?: number; dark?: boolean };

export type Browser = {
  open: (options?: Options) => Promise<BrowserContext>;
  close: () => Promise<void>;
};

export async function launch(): Promise<Browser> {
  const { path, libraries } = await program();
  const profile = await mkdtemp(join(tmpdir(), "bluetick-browser-"));
  const start = (env: Record<string, string>) =>
    chromium.launch({ executablePath: path, headless: true, args: FLAGS, env: { ...process.env, HOME: profile, ...env } as Record<string, string> });
  const browser = await start({}).catch((error: unknown) => {
    if (!libraries || !String(error).includes("shared libraries")) throw error;
    return libraries().then((folder) => start({ LD_LIBRARY_PATH: folder }));
  });
  return {
    open: ({ width = 1280, height = 860, dark = false } = {}) =>
      browser.newContext({
        locale: "en-GB",
        timezoneId: "Europe/Berlin",
        viewport: { width, height },
        colorScheme: dark ? "dark" : "light",
        reducedMotion: "reduce",
        acceptDownloads: true,
      }),
    close: async () => {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
