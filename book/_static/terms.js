// A term with a dotted line shows its definition: to the pointer that rests on it, to the focus of the keyboard, and on a
// touch screen to a tap, which elsewhere follows the link. The definition is a popover: the browser closes it on Escape, on a
// click elsewhere, and when another one opens.
"use strict";

const PAUSE = 200; // milliseconds: a pointer on its way across the text opens nothing, and can reach what it has opened

for (const term of document.querySelectorAll("a.term[aria-describedby]")) {
  const definition = document.getElementById(term.getAttribute("aria-describedby"));
  if (!definition?.showPopover) continue;
  let waiting;
  let tapped = false;

  function soon(change) {
    clearTimeout(waiting);
    waiting = setTimeout(change, PAUSE);
  }

  // Below the line the term begins on, or above it where there is more room; never beyond the edge of the screen.
  function show() {
    clearTimeout(waiting);
    if (definition.matches(":popover-open")) return;
    definition.showPopover();
    const line = term.getClientRects()[0];
    const { offsetWidth: width, offsetHeight: height } = definition;
    const below = line.bottom + height < innerHeight || line.top < height;
    const left = Math.max(8, Math.min(line.left, document.documentElement.clientWidth - width - 8));
    definition.style.left = `${scrollX + left}px`;
    definition.style.top = `${scrollY + (below ? line.bottom + 4 : line.top - height - 4)}px`;
  }

  function hide() {
    clearTimeout(waiting);
    definition.hidePopover();
  }

  for (const place of [term, definition]) {
    place.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && soon(show));
    place.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && soon(hide));
  }
  term.addEventListener("focus", () => term.matches(":focus-visible") && show());
  term.addEventListener("blur", ({ relatedTarget }) => definition.contains(relatedTarget) || hide());
  term.addEventListener("pointerdown", ({ pointerType }) => (tapped = pointerType !== "mouse"));
  term.addEventListener("click", (click) => {
    if (!tapped) return;
    tapped = false;
    click.preventDefault();
    show();
  });
}
