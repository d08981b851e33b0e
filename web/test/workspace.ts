// What belongs to no campaign: channels, usage, and the setup from nothing.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Locator } from "playwright-core";
import { PROVIDERS } from "../src/providers.ts";
import { card, cells, channel, figure, reads, visit } from "./stage.ts";
import { api, callback, fresh, status, written, type Json } from "./world.ts";

describe("channels", () => {
  test("say how they do, are tested, and show what was not understood", () =>
    visit("#/channels", async (page) => {
      const card = page.locator(`[data-channel="${channel.id}"]`);
      const health = await api(`/v1/channels/${channel.id}/health`);
      await card.locator(`[data-verdict="${health.verdict}"]`).waitFor();
      await card.getByText(health.reason).waitFor();
      for (const number of ["received", "duplicate", "out_of_order", "unattributed", "unmatched", "bad_signature", "malformed", "other", "expired", "conflict"]) {
        await reads(card.locator(`[data-number="${number}"] dd`), written(health[number]), number);
      }
      await card.getByText("Last callback: ").waitFor();
      assert.equal(await card.getByRole("textbox", { name: "Callback URL" }).inputValue(), channel.url);
      await card.getByRole("button", { name: "Run the test" }).click();
      await card.getByText("The test passed").waitFor();
      assert.equal(await callback(channel.url, channel.secret, '{"not": "understood"}'), 200);
      await page.reload();
      await card.getByRole("button", { name: "Dead letters (1)" }).click();
      const drawer = page.getByRole("dialog");
      await drawer.getByRole("button", { name: "Replay" }).click();
      await page.getByText(/^Replayed:/).waitFor();
      await drawer.getByRole("button", { name: "Read" }).click();
      await drawer.getByText('{"not": "understood"}').waitFor();
    }));
});

describe("usage", () => {
  test("is what the API says of the month", () =>
    visit("#/usage", async (page) => {
      const month = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Berlin", year: "numeric", month: "2-digit" }).format();
      const [usage, overall] = [await fresh(`/v1/usage?month=${month}`), await fresh(`/v1/overall?month=${month}`)];
      for (const name of ["conversations", "messages_delivered", "billable"]) await reads(figure(page, `usage.${name}`), written(usage[name]), name);
      for (const name of ["messages", "failed", "in_flight"]) await reads(figure(page, `overall.${name}`), written(overall[name]), name);
      const countries = new Intl.DisplayNames("en", { type: "region" });
      for (const [title, rows, named] of [
        ["By category", usage.by_category, (key: string) => key[0]!.toUpperCase() + key.slice(1)],
        ["By country", usage.by_country, (key: string) => countries.of(key) ?? key],
      ] as const) {
        const table = await card(page, title);
        assert.equal(await table.locator("tbody tr").count(), Object.keys(rows).length);
        for (const [key, row] of Object.entries<Json>(rows)) {
          const shown = await cells(table.locator("tbody tr", { hasText: named(key) }));
          assert.deepEqual(shown.slice(0, 4), [named(key), ...[row.conversations, row.messages_delivered, row.billable].map(written)]);
        }
      }
      const why = (await card(page, "Why conversations and messages differ")).locator("li .figure");
      const reasons = (overall.why as Json[]).map(({ count }) => -count);
      assert.equal(reasons.reduce((sum, count) => sum + count, overall.messages), overall.conversations);
      assert.deepEqual(await why.allTextContents(), [overall.messages, ...reasons, overall.conversations].map((n) => written(n).replace("-", "−")));
      await page.getByRole("meter", { name: "Used" }).waitFor();
      await page.getByText(`Remaining: ${written(usage.remaining)}.`).waitFor();
      // What the pace leads to, and what is left when there is nothing.
      for (const [more, said] of [
        [{ runs_out_on: `${month}-28` }, "At this pace it runs out on 28 "],
        [{ used: usage.quota.amount, remaining: 0 }, "It is used up."],
      ] as const) {
        await page.route("**/v1/usage*", (route) => route.fulfill({ json: { ...usage, runs_out_on: null, ...more } }));
        await page.reload();
        await page.getByText(said).waitFor();
        await page.unroute("**/v1/usage*");
      }
    }));
});

describe("setup", () => {
  test("knows every provider, and whether it needs a secret", async () => {
    const { components } = await api("/openapi.json");
    assert.deepEqual([...Object.keys(PROVIDERS), "custom"], components.schemas.Provider.enum);
    for (const [provider, { signs }] of Object.entries(PROVIDERS)) {
      const made = await api(`/v1/channels/try-${provider}`, "PUT", { provider }).then(
        () => true,
        (error: Error) => !error.message.includes("signs its callbacks"),
      );
      assert.equal(made, signs !== "always", provider);
      if (made) await api(`/v1/channels/try-${provider}`, "DELETE");
    }
  });

  test("leads from nothing to the first counted callback", () =>
    visit("#/setup", async (page) => {
      const stage = (number: number): Locator => page.locator(`[data-stage="${number}"]`);
      await stage(1).locator("form select").selectOption({ label: "WATI" });
      await page.getByText("WATI signs nothing").waitFor();
      assert.equal(await page.getByLabel("Secret for signatures").count(), 0);
      await stage(1).locator("form select").selectOption({ label: "Meta" });
      await page.getByLabel("Channel id").fill("first");
      await page.getByLabel("Secret for signatures").fill("a secret of the setup");
      await page.getByLabel("Verify token").fill("a word");
      await page.getByRole("button", { name: "Make the channel" }).click();
      const url = await page.getByRole("textbox", { name: "Callback URL" }).inputValue();
      assert.ok(url.includes("/cb/first/"));
      await page.getByRole("button", { name: "Run the test" }).click();
      await stage(3).and(page.locator('[data-done="true"]')).waitFor();
      // The test is the page's own: it says nothing of what the provider knows.
      assert.equal(await stage(2).getAttribute("data-done"), "false");
      await page.getByLabel("Name", { exact: true }).fill("My first one!");
      assert.equal(await page.getByLabel("Campaign id").inputValue(), "my-first-one");
      await page.getByRole("button", { name: "Declare the campaign" }).click();
      await page.getByLabel("Target URL").fill("ftp://shop.example/");
      await page.getByRole("button", { name: "Make the link" }).click();
      // The server's own words, beside the field that they are about.
      await stage(5).getByRole("alert").waitFor();
      await page.getByLabel("Target URL").fill("https://shop.example/");
      await page.getByRole("button", { name: "Make the link" }).click();
      assert.match(await page.getByRole("textbox", { name: "Tracking URL" }).inputValue(), /\/c\//);
      await page.getByText("Send one message through Meta with “biz_opaque_callback_data”: “my-first-one”.").waitFor();
      await page.getByText("Waiting for the first callback").waitFor();
      const reference = await page.getByRole("textbox", { name: "Opaque reference" }).inputValue();
      assert.equal(await callback(url, "a secret of the setup", status("wamid.first", "sent", reference)), 200);
      await page.getByText("The first callback is counted.", { exact: true }).waitFor();
      assert.equal(await stage(2).getAttribute("data-done"), "true");
      await page.getByRole("link", { name: "Open the campaign" }).click();
      await reads(figure(page, "messages.sent"), "1");
    }));

  test("replaces nothing that is there", async () => {
    await api("/v1/channels/whatsapp", "PUT", { provider: "wati" });
    await visit("#/setup", async (page) => {
      const id = page.getByLabel("Channel id");
      const refusal = (): Promise<string> => id.evaluate((input) => (input as HTMLInputElement).validationMessage);
      assert.deepEqual([await id.inputValue(), await refusal()], ["whatsapp-2", ""]);
      await id.fill("whatsapp");
      assert.match(await refusal(), /^“whatsapp” is taken/);
      // One that somebody else makes in the meantime is not replaced either, and can be used then.
      await id.fill("late");
      assert.equal(await refusal(), "");
      await api("/v1/channels/late", "PUT", { provider: "meta", name: "Late", secrets: ["a secret of somebody else"] });
      await page.getByLabel("Secret for signatures").fill("a secret of the setup");
      await page.getByRole("button", { name: "Make the channel" }).click();
      await page.getByRole("alert").getByText("“late” is taken").waitFor();
      assert.equal((await api("/v1/channels/late")).name, "Late");
      await page.getByLabel("Use an existing channel").selectOption("late");
      await page.getByRole("button", { name: "Run the test" }).click();
      // A campaign is refused by the server where it differs, whether the form has the field or not.
      await api("/v1/campaigns/taken", "PUT", { name: "Taken", type: "broadcast", message_type: "template", tags: ["one"] });
      await page.getByLabel("Name", { exact: true }).fill("Taken");
      await page.getByRole("button", { name: "Declare the campaign" }).click();
      await page.getByRole("alert").getByText("declared already, and differently").waitFor();
    });
    for (const id of ["whatsapp", "late"]) await api(`/v1/channels/${id}`, "DELETE");
  });
});
