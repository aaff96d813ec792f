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
        document.querySelector("main").replaceWith(fresh);
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
