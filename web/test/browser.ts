// A real browser: the one that BLUETICK_BROWSER names, else the system's Chromium, else the one that ships inside an npm package.
// Without any the tests fail, with a line that says what to do.
import { existsSync } from "node:fs";
import { mkdtemp, realpath, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium } from "playwright-core";

const SYSTEM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const REMEDY = "install Chromium (apt-get install chromium), or name one that starts by BLUETICK_BROWSER=/path/to/chrome";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What the package unpacks: the browser, and the libraries that a machine without a desktop lacks. */
const PARTS = ["chromium.br", "al2023.tar.br"];

/** The browser of the npm package, unpacked once beside it. A folder is only found there whole: it is unpacked elsewhere, then moved. */
async function packed(): Promise<string> {
  const parts = import.meta.resolve("@sparticuz/chromium");
  const bin = await realpath(fileURLToPath(new URL("../bin", parts)));
  const unpacked = join(bin, "..", "unpacked");
  if (!existsSync(unpacked)) {
    const { inflate } = (await import(new URL("lambdafs.js", parts).href)) as { inflate: (path: string) => Promise<string> };
    // It unpacks into the folder for temporary files.
    const { TMPDIR: before = tmpdir() } = process.env;
    const own = (process.env.TMPDIR = await mkdtemp(`${unpacked}-`));
    await Promise.all(PARTS.map((part) => inflate(join(bin, part))));
    process.env.TMPDIR = before;
    // Whoever comes second finds it done.
    await rename(own, unpacked).catch(() => rm(own, { recursive: true, force: true }));
  }
  return unpacked;
}

/** The browser's program, and where it finds libraries that the system has not. */
async function program(): Promise<{ path: string; libraries?: string }> {
  const wanted = process.env.BLUETICK_BROWSER;
  const system = wanted ? [wanted] : SYSTEM;
  const path = system.find(existsSync);
  if (path) return { path };
  if (wanted) throw new Error(`there is no browser at BLUETICK_BROWSER=${wanted}: name another, or none to use the packaged one`);
  const folder = await packed();
  return { path: join(folder, "chromium"), libraries: join(folder, "al2023", "lib") };
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
    chromium.launch({ executablePath: path, headless: true, args: FLAGS, env: { ...process.env, HOME: profile, TMPDIR: profile, ...env } as Record<string, string> });
  const browser = await start({}).catch((error: unknown) => {
    if (!libraries || !String(error).includes("shared libraries")) throw new Error(`${path} does not start: ${REMEDY}\n${String(error)}`);
    return start({ LD_LIBRARY_PATH: libraries });
  });
  return {
    open: ({ width = 1280, height = 860, dark = false } = {}) =>
      browser.newContext({
        locale: "en-GB",
        timezoneId: "Europe/Berlin",
        viewport: { width, height },
        // A narrow one is a phone: it is touched, and has no bar to scroll by.
        isMobile: width < 500,
        hasTouch: width < 500,
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
