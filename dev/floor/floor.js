// What the same work costs at the least, in the plainest JavaScript:
//   GET  /302     a bare redirect
//   GET  /answer  an answer in JSON, as long as a campaign's stats
//   POST /hmac    read the body, verify its signature, answer 200
//   POST /naive   the same, then one transaction in a Durable Object for every callback
//   GET  /counted how many statuses /naive has counted

const OBJECTS = 16;
const ANSWER = JSON.stringify({ text: "x".repeat(4500) });
const encoder = new TextEncoder();
let key;

async function verified(request, env) {
  const body = await request.arrayBuffer();
  key ??= await crypto.subtle.importKey("raw", encoder.encode(env.SECRET), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const header = request.headers.get("x-hub-signature-256") ?? "";
  const hex = header.slice("sha256=".length);
  const signature = new Uint8Array(32);
  for (let i = 0; i < 32; i++) signature[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return (await crypto.subtle.verify("HMAC", key, signature, body)) ? body : null;
}

function object(env, contact) {
  let hash = 0;
  for (const character of contact) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0;
  return stub(env, hash % OBJECTS);
}

const stub = (env, index) => env.NAIVE.get(env.NAIVE.idFromName(String(index)));

async function naive(request, env) {
  const body = await verified(request, env);
  if (!body) return new Response(null, { status: 401 });
  const callback = JSON.parse(new TextDecoder().decode(body));
  for (const { changes } of callback.entry)
    for (const { value } of changes)
      for (const status of value.statuses ?? [])
        await object(env, status.recipient_id).fetch("https://object/", { method: "POST", body: JSON.stringify(status) });
  return new Response(null);
}

async function counted(env) {
  const answers = Array.from({ length: OBJECTS }, async (_, index) => (await stub(env, index).fetch("https://object/")).json());
  return Response.json((await Promise.all(answers)).reduce((sum, n) => sum + n, 0));
}

export default {
  async fetch(request, env) {
    switch (new URL(request.url).pathname) {
      case "/healthz":
        return new Response("ok");
      case "/302":
        return new Response(null, { status: 302, headers: { location: "https://shop.example/", "cache-control": "no-store" } });
      case "/answer":
        return new Response(ANSWER, { headers: { "content-type": "application/json" } });
      case "/hmac":
        return new Response(null, { status: (await verified(request, env)) ? 200 : 401 });
      case "/naive":
        return naive(request, env);
      case "/counted":
        return counted(env);
      default:
        return new Response(null, { status: 404 });
    }
  },
};

export class Naive {
  constructor(state) {
    this.storage = state.storage;
    this.sql = state.storage.sql;
    this.sql.exec("CREATE TABLE IF NOT EXISTS status (message TEXT, status TEXT, contact TEXT, at INTEGER, PRIMARY KEY (message, status)) STRICT, WITHOUT ROWID");
    this.sql.exec("CREATE TABLE IF NOT EXISTS counter (campaign TEXT, status TEXT, n INTEGER, PRIMARY KEY (campaign, status)) STRICT, WITHOUT ROWID");
  }

  async fetch(request) {
    if (request.method === "GET") return Response.json(this.sql.exec("SELECT coalesce(sum(n), 0) AS n FROM counter").one().n);
    const status = await request.json();
    this.storage.transactionSync(() => {
      const { rowsWritten } = this.sql.exec(
        "INSERT INTO status VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        status.id, status.status, status.recipient_id, Number(status.timestamp),
      );
      if (rowsWritten > 0)
        this.sql.exec(
          "INSERT INTO counter VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1",
          status.biz_opaque_callback_data, status.status,
        );
    });
    return new Response(null);
  }
}
