// What a tap needs of the platform's objects, each in one crossing between wasm and JavaScript: a crossing costs about 1 µs, and
// asked for one by one this would be thirty of them.

// User agent, Sec-Purpose, Purpose, country, bot score and whether Cloudflare knows the bot; a line each, empty for what is absent.
// No header holds a line break.
export function signals(request) {
  const { headers, cf } = request;
  const header = (name) => headers.get(name) ?? "";
  const bot = cf?.botManagement;
  return `${header("user-agent")}\n${header("sec-purpose")}\n${header("purpose")}\n${cf?.country ?? ""}\n${bot?.score ?? ""}\n${bot?.verifiedBot ? 1 : ""}`;
}

// Built by hand, since the platform's own redirect cannot be given headers.
export function redirect(location) {
  return new Response(null, {
    status: 302,
    headers: {
      location,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer-when-downgrade",
      "x-robots-tag": "noindex",
    },
  });
}
