// Sends one kind of request to one URL from a number of connections, and says what came back. No two callbacks are equal.
//
// Orders come as JSON on stdin: {kind: "status" | "get", url, connections, amount, run, each, wanted, key?, secret?, campaign?, sender?, paths?}.
// `each` is how many statuses stand in a callback. `amount` requests are sent and every one of them is waited for, so that what was answered can be compared with what was
// counted. One line of JSON comes back on stdout: {answered, other, errors, seconds, p50_ms, p99_ms}.
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const autocannon = createRequire(join(process.env.BLUETICK_NPM, "package.json"))("autocannon");
const orders = JSON.parse(await text(process.stdin));
const STATUSES = ["sent", "delivered", "read"];
let sent = 0;

// A status of a message of its own.
function status() {
  const n = sent++;
  return {
    id: `wamid.${orders.run}.${n}`,
    status: STATUSES[n % STATUSES.length],
    timestamp: String(Math.floor(Date.now() / 1000)),
    recipient_id: `1202555${String(n % 10000).padStart(4, "0")}`,
    biz_opaque_callback_data: orders.campaign,
  };
}

// A callback as Meta sends it.
function callback(request) {
  const statuses = Array.from({ length: orders.each }, status);
  const metadata = { display_phone_number: "12025550199", phone_number_id: orders.sender };
  const value = { messaging_product: "whatsapp", metadata, statuses };
  const entry = [{ id: "100000000000001", changes: [{ field: "messages", value }] }];
  const body = JSON.stringify({ object: "whatsapp_business_account", entry });
  const signature = createHmac("sha256", orders.secret).update(body).digest("hex");
  const headers = { "content-type": "application/json", "x-hub-signature-256": `sha256=${signature}` };
  return { ...request, method: "POST", headers, body };
}

// A person's tap on one of the tracking links, or a dashboard's question.
const headers = orders.key ? { authorization: `Bearer ${orders.key}` } : {};
function get(request) {
  return { ...request, method: "GET", path: orders.paths[sent++ % orders.paths.length], headers: { ...request.headers, ...headers } };
}

const times = [];
const run = autocannon({
  url: orders.url,
  connections: orders.connections,
  amount: orders.amount,
  timeout: 30,
  headers: { "user-agent": "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36" },
  requests: [{ setupRequest: orders.kind === "get" ? get : callback }],
});
// Its own figures are rounded to whole seconds and milliseconds.
let answered = 0;
let last = 0;
const start = performance.now();
run.on("response", (_client, status, _bytes, ms) => {
  if (status === orders.wanted) answered++;
  times.push(ms);
  last = performance.now();
});
const { errors, timeouts } = await run;
times.sort((a, b) => a - b);
const percentile = (p) => times[Math.min(times.length - 1, Math.floor((times.length * p) / 100))] ?? 0;
console.log(
  JSON.stringify({
    answered,
    other: times.length - answered,
    errors: errors + timeouts,
    seconds: (last - start) / 1000,
    p50_ms: percentile(50),
    p99_ms: percentile(99),
  }),
);
