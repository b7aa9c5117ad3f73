// See scripts/compare-d1.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [tools, casesFile, sentFile] = process.argv.slice(2);
const require = createRequire(`${tools}/`);
const { Miniflare } = require("miniflare");
const cases = JSON.parse(readFileSync(casesFile)).cases;
const sent = JSON.parse(readFileSync(sentFile)).databases;

const names = cases.map((_, index) => `CASE${index}`).concat(sent.map((_, index) => `SENT${index}`));
const miniflare = new Miniflare({
  host: "127.0.0.1", port: 0, unsafeLocalExplorer: true, modules: true, d1Databases: names,
  script: "export default { fetch() { return new Response('') } }",
  handleRuntimeStdio: (out, err) => { out.resume(); err.resume(); },
});
const origin = (await miniflare.ready).origin;

/** Runs one text. Says whether it was done, the rows of its last statement, and what was said if it was not. */
async function run(database, sql) {
  const answer = await fetch(`${origin}/cdn-cgi/explorer/api/d1/database/${database}/raw`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ sql }),
  });
  const body = await answer.json();
  const results = body.result?.at(-1)?.results ?? { columns: [], rows: [] };
  const rows = results.rows.map((row) => Object.fromEntries(row.map((value, at) => [results.columns[at], value])));
  return { done: body.success, rows, said: body.errors?.[0]?.message ?? "" };
}

/** The text with as many letters as make it so long. */
function padded({ text, bytes }) {
  return bytes ? text.replace("<x>", "x".repeat(bytes - text.length + "<x>".length)) : text;
}

let wrong = 0;
function judge(name, problems) {
  wrong += problems.length ? 1 : 0;
  console.log(`${problems.length ? "OTHER" : "same "}  ${name}${problems.map((problem) => `\n         ${problem}`).join("")}`);
}

for (const [index, one] of cases.entries()) {
  const [database, problems] = [`CASE${index}`, []];
  for (const text of one.before) {
    const before = await run(database, text);
    if (!before.done) problems.push(`what is to be done before is refused: ${before.said}`);
  }
  const { done, said } = await run(database, padded(one));
  if (done !== one.done) problems.push(done ? "it is done" : `it is refused: ${said}`);
  if (one.says && !said.includes(one.says)) problems.push(`it says: ${said}`);
  if (one.then) {
    const { rows, said } = await run(database, one.then);
    if (JSON.stringify(rows) !== JSON.stringify(one.rows)) problems.push(`then: ${JSON.stringify(rows)} ${said}`);
  }
  judge(one.rule, problems);
}

for (const [index, { name, texts }] of sent.entries()) {
  const [database, problems] = [`SENT${index}`, []];
  for (const text of texts) {
    const { done, said } = await run(database, text);
    if (!done) problems.push(`refused: ${said}`);
  }
  const migrations = texts.filter((text) => text.startsWith("INSERT INTO d1_migrations"));
  for (const text of migrations) {
    const again = await run(database, text);
    if (!again.said.includes("UNIQUE constraint failed")) problems.push("a migration can be applied twice");
  }
  const { rows } = await run(database, "SELECT count(*) AS n FROM d1_migrations");
  if (rows[0]?.n !== migrations.length) problems.push(`${rows[0]?.n} entries in the ledger`);
  judge(`${migrations.length} migrations of ${name}, as sent`, problems);
}

await miniflare.dispose();
console.log(wrong ? `${wrong} differ` : `all ${cases.length + sent.length} are the same`);
process.exit(wrong ? 1 : 0);
