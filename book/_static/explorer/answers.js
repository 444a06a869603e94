// An exercise answered in the page: what was typed goes to the judgment that the notebook uses. Loaded at the first touch.
import { ask, assetsOf, complaint } from "./ask.js";

export async function begin(form) {
  const said = form.querySelector("output");
  const exercises = fetch(form.dataset.exercises).then((response) => response.json());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const exercise = (await exercises)[form.dataset.exercise];
      const { right, message } = await ask(assetsOf(form), { given: form.elements.answer.value, exercise });
      said.value = message;
      form.dataset.right = right;
    } catch (error) {
      said.value = complaint(error, said.dataset);
      form.dataset.right = false;
    }
  });
}
