/*
 * The rules of the house, as tests: node tests/tidy/run.mjs
 *
 * A rule has `planted` sources that it must find fault with (each alone, or `together`) and `clean` ones that it must
 * not; then it is put to the tree. Both count. The last line is "N passed, N failed".
 */
import { rules as floors } from "./floors.mjs";
import { rules as functions } from "./functions.mjs";
import { rules as header } from "./header.mjs";
import { rules as objects } from "./objects.mjs";
import { readSources } from "./sources.mjs";
import { rules as text } from "./text.mjs";

const RULES = [...text, ...functions, ...floors, ...header, ...objects];

const withBytes = (source) => ({ bytes: source.text.length, ...source });

/** True when the rule sees every planted fault and no fault in clean sources. */
async function provesItself(rule) {
  const check = rule.checkPlanted ?? rule.check;
  const planted = rule.planted.map(withBytes);
  const sets = rule.together ? [planted] : planted.map((source) => [source]);
  for (const sources of sets) if ((await check(sources)).length === 0) return false;
  return (await check((rule.clean ?? []).map(withBytes))).length === 0;
}

async function main() {
  const sources = readSources();
  let passed = 0;
  let failed = 0;
  const count = (good, name) => {
    if (good) passed++;
    else failed++;
    console.log(`${good ? "+" : "x"} ${name}`);
  };
  for (const rule of RULES) {
    if (!(await provesItself(rule))) count(false, `${rule.name}: the rule does not see what it must`);
    else passed++;
    const found = await rule.check(sources);
    count(found.length === 0, rule.name);
    for (const { path, line, text } of found.slice(0, 30)) console.log(`    ${path}:${line}: ${text}`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
