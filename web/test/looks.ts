// Whoever looks, however: without seeing, without a mouse, on a phone, in the dark, on the first visit, and when something is wrong.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import type { Page } from "playwright-core";
import { VIEWS, card, figure, one, settled, visit, wrong } from "./stage.ts";
import { world, type Json } from "./world.ts";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

describe("whoever looks", () => {
  async function violations(page: Page): Promise<string[]> {
    // The policy of the page forbids scripts from elsewhere; the browser's own evaluation is not bound by it.
    await page.evaluate(await readFile(AXE, "utf8"));
    const { violations } = await page.evaluate(() => (window as any).axe.run());
    return (violations as Json[]).map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }: Json) => `${html} ${failureSummary}`).join("; ")}`);
  }

  for (const [look, options] of [
    ["light and wide", {}],
    ["dark and wide", { dark: true }],
    ["light and narrow", { width: 375, height: 780 }],
    ["dark and narrow", { dark: true, width: 375, height: 780 }],
  ] as const) {
    test(`finds no accessibility violation, ${look}`, async () => {
      for (const [name, hash] of VIEWS) {
        await visit(
          hash,
          async (page) => {
            await settled(page);
            assert.deepEqual(await violations(page), [], name);
            const { scroll, client } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth }));
            assert.ok(scroll <= client, `${name} is ${scroll - client} pixels too wide`);
          },
          options,
        );
      }
      await visit("", async (page) => assert.deepEqual(await violations(page), [], "the gate"), { ...options, key: null });
      await visit(
        one,
        async (page) => {
          await figure(page, "messages.clicked").getByRole("button").click();
          await page.locator("dialog [data-total]").waitFor();
          assert.deepEqual(await violations(page), [], "the people");
          await page.keyboard.press("Escape");
          await page.getByRole("button", { name: "Share", exact: true }).click();
          assert.deepEqual(await violations(page), [], "sharing");
          await page.keyboard.press("Escape");
          await page.getByRole("button", { name: "Set the status of Spring sale" }).click();
          assert.deepEqual(await violations(page), [], "a menu");
          await page.getByRole("button", { name: "Stop for good" }).click();
          await page.getByRole("dialog", { name: "Stop this campaign for good?" }).waitFor();
          assert.deepEqual(await violations(page), [], "a question");
        },
        options,
      );
    });
  }

  test("runs nothing that is not the page's own, and sends nothing elsewhere", async () => {
    const before = wrong.length;
    await visit("#/usage", async (page) => {
      await page.getByRole("heading", { name: "Usage" }).waitFor();
      const ran = await page.evaluate(async () => {
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.head.append(script);
        const sent = await fetch("http://127.0.0.1:1/").then(
          () => true,
          () => false,
        );
        return [(window as any).ran, sent, localStorage.length, document.cookie];
      });
      assert.deepEqual(ran, [undefined, false, 0, ""]);
    });
    // Both were refused by the policy, aloud.
    const refused = wrong.splice(before).join("; ");
    for (const rule of ["script-src 'self'", "connect-src 'self'"]) assert.ok(refused.includes(rule), refused);
  });

  test("gets along with the keyboard alone", () =>
    visit("", async (page) => {
      await page.locator(`tr[data-campaign="${world.campaign}"]`).waitFor();
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the content");
      await page.keyboard.press("Enter");
      assert.equal(await page.evaluate(() => document.activeElement?.id), "content");
      const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
      for (let press = 0; press < 80 && (await focused()) !== "Spring sale"; press++) await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Spring sale" }).waitFor();
      const number = figure(page, "messages.replied").getByRole("button");
      await number.waitFor();
      for (let press = 0; press < 120 && !(await number.evaluate((button) => button === document.activeElement)); press++) await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }));

  test("waits for what it is told late, and nothing jumps when it comes", async () => {
    for (const [name, hash] of VIEWS) {
      await visit("#/nowhere", async (page) => {
        await page.getByText("There is no such view.").waitFor();
        await page.addInitScript(() => {
          (window as any).shifts = 0;
          new PerformanceObserver((list) => {
            for (const shift of list.getEntries()) (window as any).shifts += (shift as any).value;
          }).observe({ type: "layout-shift", buffered: true });
        });
        await page.route("**/v1/**", async (route) => {
          // The settings first, then one after the other.
          await new Promise((go) => setTimeout(go, 200 + (route.request().url().length % 7) * 60));
          await route.continue().catch(() => {});
        });
        await page.goto(`${world.url}/?${name}${hash}`);
        await page.locator(".skeleton").first().waitFor();
        await settled(page);
        const shifts = await page.evaluate(() => (window as any).shifts);
        assert.ok(shifts < 0.1, `${name} jumps by ${shifts}`);
      });
    }
  });

  // The machine may be at many things at once: what counts is what the page can do.
  test("sees the first numbers within a second", async () => {
    const times: number[] = [];
    while (times.length < 15 && Math.min(...times) > 1000) {
      times.push(
        await visit(one, async (page) => {
          await figure(page, "messages.sent").getByRole("button").waitFor();
          return page.evaluate(() => performance.now());
        }),
      );
    }
    const said = `first numbers after ${times.map(Math.round).join(", ")} ms`;
    console.log(said);
    assert.ok(Math.min(...times) <= 1000, said);
  });

  test("is told what is wrong, and gets on when it is over", () =>
    visit(one, async (page) => {
      await figure(page, "messages.sent").getByRole("button").waitFor();
      await page.route("**/v1/campaigns/*/funnel*", (route) => route.abort());
      await page.route("**/v1/usage*", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"detail": "A ledger does not answer."}' }));
      await page.reload();
      const funnel = await card(page, "Funnel");
      await funnel.getByText("The server did not answer.").waitFor();
      // The rest of the page does not care.
      await figure(page, "messages.sent").getByRole("button").waitFor();
      await page.unroute("**/v1/campaigns/*/funnel*");
      await funnel.getByRole("button", { name: "Try again" }).click();
      await funnel.locator("[data-stage]").first().waitFor();
      await page.getByRole("link", { name: "Usage" }).click();
      await page.getByText("A ledger does not answer.").waitFor();
      await page.goto(`${world.url}/#/campaigns/nobody`);
      await page.getByText("No such campaign.").waitFor();
    }));

  test("finds a way when there is nothing yet", () =>
    visit("#/usage", async (page) => {
      await page.route("**/v1/campaigns?*", (route) => route.fulfill({ json: { data: [], total: 0, next_cursor: null } }));
      await page.route("**/v1/channels?*", (route) => route.fulfill({ json: { data: [], total: 0, next_cursor: null } }));
      await page.getByRole("link", { name: "Channels" }).click();
      await page.getByText("No channel yet").waitFor();
      await page.getByRole("link", { name: "Campaigns", exact: true }).click();
      await page.getByText("No campaign yet").waitFor();
      await page.getByRole("link", { name: "Set up bluetick" }).click();
      await page.getByRole("heading", { name: "Setup" }).waitFor();
    }));
});
