// An explorer at work: what its controls say goes to the worker, what comes back is shown. Loaded at the first touch.
import { ask, assetsOf, complaint } from "./ask.js";
import { chart, control_at } from "./chart.js";

const shown = (number) => {
  const digits = Math.abs(number) < 0.001 && number !== 0 ? number.toPrecision(3) : String(Number(number.toFixed(4)));
  return digits.replace("-", "−").replace("NaN", "nan").replace("Infinity", "∞");
};

class Explorer {
  constructor(figure, explorers) {
    this.figure = figure;
    this.explorers = explorers;
    this.spec = explorers[figure.dataset.loss];
    this.assets = assetsOf(figure);
    this.controls = [...figure.querySelectorAll("[data-control]")];
    this.editor = figure.querySelector("textarea");
    this.source = this.spec.source; // whatever a quick reader has typed meanwhile
    this.status = figure.querySelector("[role=status]");
    figure.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
    figure.addEventListener("input", ({ target }) => target !== this.editor && this.update());
    figure.querySelector("[name=run]").addEventListener("click", () => this.run());
    figure.querySelector("[name=reset]").addEventListener("click", () => {
      this.editor.value = this.source;
      this.run();
    });
    for (const drawing of figure.querySelectorAll(".curves, .plane")) this.follow(drawing);
    this.running = this.source;
    this.update();
  }

  values() {
    return Object.fromEntries(this.controls.map((control) => [control.name, Number(control.value)]));
  }

  run() {
    this.running = this.editor.value;
    this.update();
  }

  xs() {
    const { min, max } = this.figure.querySelector(`[name="${this.spec.variable}"]`);
    const { curvePoints: length } = this.spec;
    return Array.from({ length }, (_, i) => Number(min) + (i / (length - 1)) * (max - min));
  }

  // One calculation at a time; while it runs only the latest wish is kept.
  async update() {
    for (const control of this.controls) {
      const said = control.parentElement.querySelector("output");
      if (said) said.value = shown(Number(control.value));
    }
    this.drawPlane();
    if (this.busy) return (this.again = true);
    this.busy = true;
    try {
      const request = { ...this.spec, source: this.running, values: this.values(), xs: this.xs() };
      const answer = await ask(this.assets, request);
      const compared = await this.compared(request);
      this.show(answer, compared);
    } catch (error) {
      this.complain(error);
    }
    this.busy = false;
    if (this.again) {
      this.again = false;
      return this.update();
    }
    this.figure.dataset.shows = JSON.stringify(this.values());
  }

  // The loss beside it takes the controls they share, and its own starting values.
  async compared({ values, xs }) {
    const name = this.figure.querySelector("[name=compare]")?.value;
    if (!name) return undefined;
    const other = this.explorers[name];
    const shared = Object.entries(values).filter(([control]) => control in other.values);
    return ask(this.assets, { ...other, values: { ...other.values, ...Object.fromEntries(shared) }, xs });
  }

  show({ loss, gradient, working, curve, probabilities }, compared) {
    this.status.textContent = "";
    for (const [name, number] of Object.entries({ loss, gradient })) {
      const output = this.figure.querySelector(`output[name=${name}]`);
      output.value = shown(number);
      output.dataset.number = number; // every digit
    }
    const curves = [{ name: "loss", points: curve.map(([x, y]) => [x, y]) }];
    if (this.spec.drawsGradient) curves.push({ name: "gradient", points: curve.map(([x, , slope]) => [x, slope]) });
    const marked = [this.values()[this.spec.variable], loss, gradient].slice(0, 1 + curves.length);
    if (compared) curves.push({ name: "compared", points: compared.curve.map(([x, y]) => [x, y]) });
    this.figure.querySelector(".curves").innerHTML = chart({ curves, marked });
    this.figure.querySelector(".working ol").replaceChildren(
      ...working.map((line) => Object.assign(document.createElement("li"), { textContent: line })),
    );
    this.figure.querySelectorAll(".bar").forEach((bar, i) => {
      bar.style.setProperty("--share", probabilities[i]);
      bar.querySelector("output").value = shown(probabilities[i]);
    });
  }

  complain(error) {
    this.status.textContent = complaint(error, this.status.dataset);
    for (const output of this.figure.querySelectorAll(".values output")) output.value = "…";
  }

  drawPlane() {
    for (const [name, [across, up]] of Object.entries(this.spec.points ?? {})) {
      const { [across]: x, [up]: y } = this.values();
      const point = this.figure.querySelector(`.plane [data-point="${name}"]`);
      point.setAttribute("transform", `translate(${x} ${-y})`);
      point.querySelector("line")?.setAttribute("x2", -x);
      point.querySelector("line")?.setAttribute("y2", y);
    }
  }

  // A finger or a mouse on a drawing moves what it touches; the sliders do the same from the keyboard.
  follow(drawing) {
    const set = (name, value) => (this.figure.querySelector(`[name="${name}"]`).value = value);
    let held;
    const move = ({ clientX, clientY }) => {
      const box = drawing.getBoundingClientRect();
      const [right, down] = [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
      if (drawing.matches(".curves")) {
        const name = this.spec.variable;
        set(name, control_at(right, this.figure.querySelector(`[name="${name}"]`)));
      } else {
        const { x, y, width, height } = drawing.viewBox.baseVal;
        const [across, up] = [x + right * width, -(y + down * height)];
        const values = this.values();
        const far = ([, [a, b]]) => Math.hypot(values[a] - across, values[b] - up);
        held ??= Object.entries(this.spec.points).sort((one, other) => far(one) - far(other))[0];
        set(held[1][0], across);
        set(held[1][1], up);
      }
      this.update();
    };
    drawing.addEventListener("pointerdown", (event) => {
      held = undefined;
      drawing.setPointerCapture(event.pointerId);
      move(event);
    });
    drawing.addEventListener("pointermove", (event) => drawing.hasPointerCapture(event.pointerId) && move(event));
  }
}

export async function begin(figure) {
  const explorers = await (await fetch(figure.dataset.explorers)).json();
  return new Explorer(figure, explorers);
}
