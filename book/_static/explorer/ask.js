// Asks Python, in a worker: an answer, an error, or the news that it does not come to an end.
"use strict";

const PATIENCE = 4000; // ms that a definition may take once the interpreter runs

const workers = new Map(); // one for each file of Python
const waiting = new Map();
let last = 0;

function end(id) {
  clearTimeout(waiting.get(id)?.timer);
  waiting.delete(id);
}

function start(assets) {
  const worker = new Worker(assets.worker, { type: "module" });
  worker.onmessage = ({ data: { id, started, answer, error } }) => {
    const asked = waiting.get(id);
    if (!asked) return;
    if (started) asked.timer = setTimeout(() => stop(assets, worker), PATIENCE);
    else {
      end(id);
      if (error) asked.reject(error);
      else asked.resolve(answer);
    }
  };
  workers.set(assets.python, worker);
  return worker;
}

function stop(assets, worker) {
  worker.terminate();
  workers.delete(assets.python);
  for (const [id, asked] of waiting) {
    if (asked.worker !== worker) continue;
    end(id);
    asked.reject({ endless: true });
  }
}

function ask(assets, request) {
  const worker = workers.get(assets.python) ?? start(assets);
  const id = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { worker, resolve, reject });
    worker.postMessage({ id, assets, request });
  });
}

// The addresses of what the worker loads, from an element's data: working and number are what some Python imports.
function assetsOf({ dataset }) {
  const names = ["worker", "interpreter", "wasm", "python", "working", "number"].filter((name) => name in dataset);
  return Object.fromEntries(names.map((name) => [name, new URL(dataset[name], document.baseURI).href]));
}

// What is said of a reader's code that cannot be run; the sentences are the data of the element that shows them.
function complaint({ type, message, line, endless }, { noEnd, fault, somewhere, failed }) {
  if (endless) return noEnd;
  if (!type) return failed;
  return (line ? fault.replace("{line}", line) : somewhere).replace("{error}", `${type}: ${message}`);
}

export { ask, assetsOf, complaint };
