// The city's numbers as they change: by a stream of events, by asking where there is none, and saying so when neither answers.
"use strict";
(() => {
  const place = document.querySelector("[data-live-alarms]");
  if (!place) return;
  const SILENT_MS = 30000, ASK_MS = 15000, PART_MS = 10000;
  const { stream, once, lost } = place.dataset;
  let heard = Date.now(), source = null, version = null, partAt = Date.now(), partWaits = 0, alarmed = null, lastAt = null;

  const alarm = (texts) => {
    const key = texts.join("\n");
    if (key === alarmed) return;
    alarmed = key;
    place.replaceChildren(...texts.map((text) => {
      const line = document.createElement("p");
      line.className = "notice bad";
      line.textContent = text;
      return line;
    }));
  };

  const refreshPart = () => {
    partWaits = 0;
    if (!document.getElementById("changing") || !window.htmx || document.hidden) return;
    partAt = Date.now();
    window.htmx.ajax("GET", location.pathname + location.search, { target: "#changing", select: "#changing", swap: "outerHTML" });
  };

  const show = (told) => {
    heard = Date.now();
    if (told.at_text) {
      lastAt = told.at_text;
      document.querySelectorAll("[data-live-at]").forEach((node) => { node.textContent = lastAt; });
    }
    alarm(told.alarms || []);
    if (!told.texts) return;
    for (const [name, text] of Object.entries(told.texts)) {
      document.querySelectorAll(`[data-live="${name}"]`).forEach((node) => {
        if (node.textContent === text) return;
        node.textContent = text;
        node.classList.remove("changed");
        requestAnimationFrame(() => node.classList.add("changed"));
      });
    }
    if (version !== null && told.version !== version) {
      document.dispatchEvent(new CustomEvent("camsla:city", { detail: told }));
      if (!partWaits) partWaits = setTimeout(refreshPart, Math.max(0, partAt + PART_MS - Date.now()));
    }
    version = told.version;
  };

  const ask = async () => {
    try {
      const response = await fetch(once, { redirect: "error" });
      if (response.ok) show(await response.json());
    } catch { /* said below, when nothing has been heard for long enough */ }
  };

  const listen = () => {
    if (!window.EventSource) return;
    source = new EventSource(stream);
    for (const name of ["city", "beat"]) source.addEventListener(name, (event) => show(JSON.parse(event.data)));
  };

  setInterval(() => {
    const dead = !source || source.readyState === EventSource.CLOSED;
    if (dead || Date.now() - heard > ASK_MS) ask();
    if (dead && window.EventSource && Date.now() - heard < SILENT_MS) listen();
    if (Date.now() - heard > SILENT_MS) alarm([lastAt ? `${lost} ${lastAt}` : lost]);
  }, ASK_MS);
  addEventListener("pagehide", () => { if (source) source.close(); });
  listen();
})();
