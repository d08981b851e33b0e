// Makes src/crawlers.txt from the list `crawler-user-agents` (MIT, https://github.com/monperrus/crawler-user-agents):
//
//   npm pack crawler-user-agents && tar xf crawler-user-agents-*.tgz
//   node dev/crawlers.mjs package > src/crawlers.txt
//
// The list's patterns become plain lower-case names, looked for where a word begins. What the general rules of src/click.rs find
// anyway is left out, and so is what people use too.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const from = process.argv[2];
const read = (name) => readFileSync(join(from, name), 'utf8');

// The general rules of src/click.rs.
const general = /bots?([^a-z0-9]|$)|crawl|spider|scrap|headless|preview|unfurl|\+http/;

// Browsers, apps and devices in people's hands, words too common to tell, and messengers that src/click.rs judges by itself.
const people = new Set([
  'adventurer', 'ap3a.240617.008', 'aranea', 'automaton', 'blackboard', 'bluesky/', 'bushbaby', 'butterfly', 'charlotte', 'chirp',
  'coccoc', 'determ', 'devin', 'ds9', 'eright', 'expanse', 'fever', 'fluffy', 'fluid', 'goodreads', 'gopay', 'grammarly/', 'lcc',
  'linko', 'magellan', 'mail.ru', 'make/', 'metaiab facebook', 'moreover', 'ning/', 'nitro-', 'notion/', 'paypal/', 'red/', 'silk/',
  'sonic', 'speedy', 'terracotta', 'trove', 'tumblr/', 'tweakers', 'upday/', 'verity/', 'viber', 'whatsapp', 'yak/', 'yanga',
]);

const plain = (pattern) =>
  pattern
    .replace(/^\(\^\| \)|^\^/, '')
    .replace(/\[([a-z])([a-z])\]/gi, (all, a, b) => (a.toLowerCase() === b.toLowerCase() ? a : all))
    .replace(/\\([^a-z])/gi, '\u0001$1');
const isName = (text) => !/[\\^$*+?()[\]|]/.test(text.replace(/\u0001./g, '')) && /^[a-z0-9]/i.test(text);

const { version } = JSON.parse(read('package.json'));
const names = JSON.parse(read('crawler-user-agents.json'))
  .flatMap(({ pattern }) => (pattern.includes('(') ? [pattern] : pattern.split('|')))
  .map(plain)
  .filter(isName)
  .map((text) => text.replaceAll('\u0001', '').toLowerCase().trim())
  .filter((name) => name.length > 2 && !general.test(name) && !people.has(name));
const distinct = [...new Set(names)].sort();
const shortest = distinct.filter((name) => !distinct.some((other) => other !== name && name.startsWith(other)));

console.log(`# Made by dev/crawlers.mjs from crawler-user-agents ${version}, whose licence follows.\n#`);
console.log(read('LICENSE').trim().replace(/^/gm, '# ').replace(/ +$/gm, ''));
console.log(shortest.join('\n'));
