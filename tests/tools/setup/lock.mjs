/* One set-up at a time in one checkout: a file that names the process, taken over when that process is gone. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { say } from "./say.mjs";
import { BUILD } from "./shell.mjs";

const path = join(BUILD, "setup.lock");

function ownerIsAlive() {
  try {
    process.kill(Number(readFileSync(path, "utf8")), 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function tryTake() {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    return false;
  }
}

export async function withLock(work) {
  mkdirSync(BUILD, { recursive: true });
  for (let told = false; !tryTake(); await sleep(200)) {
    if (!ownerIsAlive()) rmSync(path, { force: true });
    else if (!told) {
      say.begin("wait", "another set-up is running in this folder");
      told = true;
    }
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}
