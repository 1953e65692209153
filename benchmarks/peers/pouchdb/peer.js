// One end of the PouchDB peer. `server FOLDER HOST` serves CouchDB's protocol and prints its port;
// `client FOLDER` takes one JSON command a line: {"put": FILE}, {"push": URL}, {"sync": URL}.
"use strict";
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const PouchDB = require("pouchdb");

const [, , role, folder, host] = process.argv;

function serve() {
  const express = require("express");
  const Served = PouchDB.defaults({ prefix: folder + path.sep });
  const app = express();
  app.use("/", require("express-pouchdb")(Served, { inMemoryConfig: true, logPath: path.join(folder, "log") }));
  const server = app.listen(0, host, () => console.log(server.address().port));
}

async function put(database, file) {
  const documents = fs.readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  for (let at = 0; at < documents.length; at += 500) {
    const answers = await database.bulkDocs(documents.slice(at, at + 500));
    const failed = answers.filter((answer) => answer.error);
    if (failed.length) throw new Error(JSON.stringify(failed[0]));
  }
  return { documents: documents.length };
}

async function replicate(work) {
  const answer = await work;
  const push = answer.push || answer;
  return { written: push.docs_written, failed: push.doc_write_failures };
}

async function answer(database, command) {
  if (command.put) return put(database, command.put);
  if (command.push) return replicate(database.replicate.to(command.push));
  if (command.sync) return replicate(database.sync(command.sync));
  throw new Error("unknown command");
}

async function talk() {
  const database = new PouchDB(path.join(folder, "local"));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const started = process.hrtime.bigint();
    const result = await answer(database, JSON.parse(line)).catch((error) => ({
      error: String(error.message || error.reason || error),
    }));
    result.seconds = Number(process.hrtime.bigint() - started) / 1e9;
    console.log(JSON.stringify(result));
  }
}

if (role === "server") serve();
else talk().catch((error) => { console.error(String(error)); process.exit(1); });
