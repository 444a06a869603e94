// Runs a file of Python, with those it imports, in MicroPython, away from the page: an endless loop can be stopped by ending
// this worker.
"use strict";

let ready;

async function start({ interpreter, wasm, python, working, number }) {
  const read = async ([name, address]) => [name, await (await fetch(address)).text()];
  const files = Object.entries({ asked: python, working, number }).filter(([, address]) => address);
  const [{ loadMicroPython }, ...texts] = await Promise.all([import(interpreter), ...files.map(read)]);
  const micropython = await loadMicroPython({ url: wasm, heapsize: 8 << 20 });
  for (const [name, text] of texts) micropython.FS.writeFile(`/${name}.py`, text);
  return micropython.pyimport("asked");
}

// MicroPython's report: the last line says what is wrong, the last place in the definition says where.
function complaint({ type, message }) {
  const lines = message.trim().split("\n");
  const places = lines.filter((line) => line.includes('"<string>"')).map((line) => Number(/line (\d+)/.exec(line)?.[1]));
  return { type, message: lines.at(-1).replace(/^\w+: /, ""), line: places.at(-1) };
}

onmessage = async ({ data: { id, assets, request } }) => {
  try {
    ready ??= start(assets);
    const python = await ready;
    postMessage({ id, started: true });
    postMessage({ id, answer: JSON.parse(python.answer(JSON.stringify(request))) });
  } catch (error) {
    if (error.name !== "PythonError") ready = undefined; // it was not loaded: the next request tries again
    postMessage({ id, error: error.name === "PythonError" ? complaint(error) : { type: "", message: String(error) } });
  }
};
