// A real browser: the one that BLUETICK_BROWSER names; else the system's Chromium, if it starts; else the one that ships inside an npm
// package. Without any the tests fail, with a line that says what to do.
import { existsSync } from "node:fs";
import { mkdtemp, realpath, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { type Browser as Running, type BrowserContext, chromium } from "playwright-core";

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

export type Options = { width?: number; height?: number; dark?: boolean };

export type Browser = {
  open: (options?: Options) => Promise<BrowserContext>;
  close: () => Promise<void>;
};

/** The programs to try, in this order. */
function* programs(): Generator<string | Promise<string>> {
  const { BLUETICK_BROWSER: wanted } = process.env;
  yield* wanted ? [wanted] : SYSTEM.filter(existsSync);
  if (!wanted) yield packed().then((folder) => join(folder, "chromium"));
}

/** Starts the first that starts; one that lacks libraries gets those that came with it. */
async function first(profile: string): Promise<Running> {
  const start = (path: string, more: Record<string, string>): Promise<Running> =>
    chromium.launch({ executablePath: path, headless: true, args: FLAGS, env: { ...process.env, HOME: profile, TMPDIR: profile, ...more } as Record<string, string> });
  const failures: unknown[] = [];
  for (const program of programs()) {
    try {
      const path = await program;
      return await start(path, {}).catch((failure: unknown) => {
        if (!String(failure).includes("shared libraries")) throw failure;
        return start(path, { LD_LIBRARY_PATH: join(dirname(path), "al2023", "lib") });
      });
    } catch (failure) {
      failures.push(failure);
    }
  }
  throw new Error(`no browser starts: ${REMEDY}\n${failures.join("\n")}`);
}

export async function launch(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), "bluetick-browser-"));
  const forget = (): Promise<void> => rm(profile, { recursive: true, force: true });
  const browser = await first(profile).catch(async (failure: unknown) => {
    await forget();
    throw failure;
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
      await forget();
    },
  };
}
