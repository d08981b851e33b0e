// What every test of the page does: it opens a view in a session of its own, waits for what must come, and reads it.
import assert from "node:assert/strict";
import type { BrowserContext, Locator, Page } from "playwright-core";
import { launch, type Browser, type Options } from "./browser.ts";
import { FLOW, play, type Channel } from "./play.ts";
import { world } from "./world.ts";

/** The demo's campaign, at the API and in the page. */
export const base = `/v1/campaigns/${world.campaign}`;
export const one = `#/campaigns/${world.campaign}`;

/** How long to wait for what must come, in ms: the machine may be at many things at once. */
const PATIENCE = 30_000;

let browser: Browser;
/** The channel whose secret is known here. */
export let channel: Channel;
/** Everything that went wrong in a page: errors, violations of the policy, requests to elsewhere. */
export const wrong: string[] = [];

export async function begin(): Promise<void> {
  // One after the other: what fails leaves nothing running that nobody knows of.
  channel = await play();
  browser = await launch();
}

export async function end(): Promise<void> {
  await browser?.close();
}

function watch(page: Page): void {
  page.on("pageerror", (error) => wrong.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    // What the server refused is seen by the test that provoked it.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) wrong.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(world.url) && !/^(blob|data):/.test(request.url())) wrong.push(`a request to ${request.url()}`);
  });
}

/** A view, opened by somebody with a key, in a session of its own that ends with the test. */
export async function visit<T>(hash: string, look: (page: Page, context: BrowserContext) => Promise<T>, options: Options & { key?: string | null } = {}): Promise<T> {
  const context = await browser.open(options);
  try {
    const page = await context.newPage();
    watch(page);
    page.setDefaultTimeout(PATIENCE);
    const key = options.key === undefined ? world.key : options.key;
    if (key) await page.addInitScript((key) => sessionStorage.setItem("bluetick.key", key), key);
    await page.goto(`${world.url}/${hash}`);
    return await look(page, context);
  } finally {
    await context.close();
  }
}

export const figure = (page: Page, number: string): Locator => page.locator(`[data-number="${number}"] .figure`);

/** Waits until an element reads so. */
export async function reads(element: Locator, expected: string, what = expected): Promise<void> {
  await element.first().waitFor();
  let text = "";
  for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    text = ((await element.first().textContent({ timeout: 1000 }).catch(() => "")) ?? "").trim();
    if (text === expected) return;
  }
  assert.equal(text, expected, what);
}

export const cells = (row: Locator): Promise<string[]> => row.locator("td, th").evaluateAll((cells) => cells.map((cell) => cell.textContent ?? ""));

/** A card by its title. */
export async function card(page: Page, title: string): Promise<Locator> {
  const card = page.locator("section.card", { has: page.getByRole("heading", { name: title, exact: true }) });
  await card.first().waitFor();
  return card.first();
}

/** Money as the page writes it, of one currency. */
export const euros = (money: Record<string, string>): string => (money.EUR ? `€${Number(money.EUR).toFixed(2)}` : "–");

/** Revenue by cost as the page writes it. */
export const times = (roi: Record<string, number | null>): string =>
  roi.EUR === undefined || roi.EUR === null ? "–" : `${new Intl.NumberFormat("en", { maximumFractionDigits: 2 }).format(roi.EUR)}×`;

/** How a number changed since before. */
export function change(now: number, before: number): string {
  const by = ((now / before - 1) * 100).toFixed(1);
  return `${Number(by) > 0 ? "+" : ""}${by.replace("-", "−")}%`;
}

export const percent = (value: number | null): string =>
  value === null || value === 0 || value === 1 ? (["0%", "100%"][value ?? -1] ?? "–") : `${(value * 100).toFixed(1)}%`;

/** The main views. */
export const VIEWS: [string, string][] = [
  ["campaigns", ""],
  ["campaign", one],
  ["flow", `#/campaigns/${FLOW}?period=last_30_days&compare=1`],
  ["usage", "#/usage"],
  ["channels", "#/channels"],
  ["setup", "#/setup"],
];

/** Waits until nothing is on its way any more. */
export async function settled(page: Page): Promise<void> {
  await page.locator("main").waitFor();
  await page.waitForFunction(() => !document.querySelector(".skeleton, .stale"));
}
