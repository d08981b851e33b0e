// Runs a built worker on workerd through miniflare, as its wrangler.toml describes it: that file is the only truth.
//
// The runner starts this with one line of JSON on stdin and keeps the pipe open. When the pipe closes, however the runner
// ended, everything stops. stdout carries one line of JSON back, {"ready": url} or {"failed": text}; logs go to stderr.
import { createRequire } from "node:module";
import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(join(process.env.BLUETICK_NPM, "package.json"));
const { Miniflare, convertV4MiniflareOptions } = require("miniflare");
const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = require("wrangler");

const answer = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// The main module, and the wasm that lies beside it; `around` stands before it, if there is one.
function modules(main, around) {
  const wasm = readdirSync(dirname(main)).filter((name) => name.endsWith(".wasm"));
  return [
    ...(around ? [{ type: "ESModule", path: join(dirname(main), "around.js"), contents: around }] : []),
    { type: "ESModule", path: main },
    ...wasm.map((name) => ({ type: "CompiledWasm", path: join(dirname(main), name) })),
  ];
}

// A worker beside ours whose objects are broken in one way: what ours is bound to instead, to see what then still works.
function broken(how) {
  const answer = { throws: `throw new Error("broken on purpose")`, hangs: `return new Promise(() => setTimeout(() => {}, 600000))` }[how];
  const methods = ["read", "write", "apply"].map((method) => `async ${method}() { ${answer}; }`).join("\n");
  const script = `
    import { DurableObject } from "cloudflare:workers";
    export class Broken extends DurableObject { ${methods} }
    export default { fetch: () => new Response(null, { status: 404 }) };`;
  return { name: "broken", modules: true, script, durableObjects: { BROKEN: "Broken" }, compatibilityDate: "2026-04-01" };
}

// A main module that hands the worker a KV binding whose reads are broken in one way, or answer truly but a second late.
function withBrokenKv(main, how) {
  const before = {
    throws: `throw new Error("broken on purpose")`,
    hangs: `await new Promise(() => setTimeout(() => {}, 600000))`,
    slow: `await new Promise((go) => setTimeout(go, 1000))`,
  }[how];
  return `
    import Worker from "./${basename(main)}";
    export * from "./${basename(main)}";
    const late = (kv, name) => async (...asked) => { ${before}; return kv[name](...asked); };
    const broken = (kv) => ({
      ...Object.fromEntries(["put", "delete"].map((name) => [name, (...asked) => kv[name](...asked)])),
      ...Object.fromEntries(["get", "getWithMetadata", "list"].map((name) => [name, late(kv, name)])),
    });
    export default { fetch: (request, env, context) => new Worker(context, { ...env, KV: broken(env.KV) }).fetch(request) };`;
}

function options({ config, main: other, port, state, bindings, broken: bound = {}, without_page: bare, twin }) {
  const { name } = unstable_readConfig({ config });
  const { workerOptions, main: named } = unstable_getMiniflareWorkerOptions(config);
  const main = other ?? named;
  const { modulesRules: _, assets, ...worker } = workerOptions;
  const { KV: brokenKv, ...objects } = bound;
  const [how] = Object.values(objects);
  const instead = Object.keys(objects).map((binding) => [binding, { className: "Broken", scriptName: "broken" }]);
  const durableObjects = { ...worker.durableObjects, ...Object.fromEntries(instead) };
  const ours = {
    ...worker,
    name,
    durableObjects,
    bindings: { ...worker.bindings, ...bindings },
    modules: modules(main, brokenKv && withBrokenKv(main, brokenKv)),
    modulesRoot: dirname(main),
  };
  // The same worker in an isolate of its own, over the same objects and KV; it answers to its own host name.
  const theirs = (binding) => [binding, { className: worker.durableObjects[binding].className ?? worker.durableObjects[binding], scriptName: name }];
  const other_isolate = { ...ours, name: "twin", routes: [`${twin}/*`], durableObjects: Object.fromEntries(Object.keys(durableObjects).map(theirs)) };
  return convertV4MiniflareOptions({
    host: "127.0.0.1",
    port,
    // Off the network: no look-up of where this machine is, no reports.
    cf: false,
    telemetry: { enabled: false },
    // On disk always: alarms crash workerd when objects live in memory.
    resourcePersistencePath: state,
    handleStructuredLogs: ({ level, message }) => process.stderr.write(`${level}: ${message}\n`),
    handleUncaughtError: (error) => process.stderr.write(`error: ${error.stack ?? error}\n`),
    workers: [
      { ...ours, ...(bare || !assets ? {} : { assets }) },
      ...(twin ? [other_isolate] : []),
      ...(how ? [broken(how)] : []),
    ],
  });
}

const input = createInterface({ input: process.stdin });
let miniflare;
input.once("close", async () => {
  await miniflare?.dispose().catch(() => {});
  process.exit(0);
});
input.once("line", async (line) => {
  try {
    miniflare = new Miniflare(options(JSON.parse(line)));
    answer({ ready: (await miniflare.ready).origin });
  } catch (error) {
    answer({ failed: error.code === "ERR_ADDRESS_IN_USE" ? "address in use" : String(error.message ?? error) });
  }
});
