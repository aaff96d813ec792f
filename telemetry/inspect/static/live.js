// Draws the page anew at each event, while it is seen and nobody fills in a form.
"use strict";
(function () {
  const button = document.getElementById("live");
  if (!window.EventSource || !button || location.pathname.endsWith("/stacks")) return;
  let source = null;
  let drawing = false;
  button.hidden = false;

  function busy() {
    const at = document.activeElement;
    return at && ["INPUT", "SELECT"].includes(at.tagName) || String(getSelection()) !== "";
  }

  async function draw() {
    if (drawing || busy()) return;
    drawing = true;
    try {
      const answer = await fetch(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("main");
      if (fresh && answer.ok) {
        const focus = document.activeElement && document.activeElement.getAttribute("href");
        for (const part of ["#health", "footer"]) document.querySelector(part).replaceWith(page.querySelector(part));
        const old = document.querySelector("main");
        const scrolled = [...old.querySelectorAll(".wide")].map(e => e.scrollLeft);
        old.replaceWith(fresh);
        fresh.querySelectorAll(".wide").forEach((e, i) => { e.scrollLeft = scrolled[i] || 0; });
        const again = focus && document.querySelector('main a[href="' + CSS.escape(focus) + '"]');
        if (again) again.focus();
      }
    } finally {
      drawing = false;
    }
  }

  function start() {
    if (source || document.hidden || button.getAttribute("aria-pressed") === "false") return;
    source = new EventSource("events");
    source.onmessage = function (event) {
      document.getElementById("health").textContent = event.data;
      draw().catch(function () {});
    };
  }

  function stop() {
    if (source) source.close();
    source = null;
  }

  document.addEventListener("visibilitychange", function () { document.hidden ? stop() : start(); });
  window.addEventListener("pagehide", stop);
  button.addEventListener("click", function () {
    const on = button.getAttribute("aria-pressed") === "false";
    button.setAttribute("aria-pressed", String(on));
    on ? start() : stop();
  });
  start();
})();
