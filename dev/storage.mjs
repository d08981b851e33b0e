// How many bytes the tables of a state folder take: one line of JSON, {"<class>": {"<table>": {bytes, rows}}}, of all objects of a
// class together. Nothing may be writing to it.
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

const { DatabaseSync } = createRequire(import.meta.url)("node:sqlite");
const classes = {};
for (const file of readdirSync(process.argv[2], { recursive: true })) {
  if (!/[0-9a-f]{64}\.sqlite$/.test(file)) continue;
  const database = new DatabaseSync(join(process.argv[2], file));
  const tables = (classes[basename(dirname(file))] ??= {});
  const pages = "SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name";
  for (const { name, bytes } of database.prepare(pages).all()) (tables[name] ??= { bytes: 0, rows: 0 }).bytes += bytes;
  for (const { name } of database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()) {
    const { rows } = database.prepare(`SELECT count(*) AS rows FROM "${name}"`).get();
    (tables[name] ??= { bytes: 0, rows: 0 }).rows += rows;
  }
  database.close();
}
console.log(JSON.stringify(classes));
