// Keyboard, theme, menu and column chooser. No data is made here: pages come whole from the server.
"use strict";
(() => {
  const root = document.documentElement;
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;
  const cookie = (name, value) => { document.cookie = `${name}=${value}; path=/; max-age=31536000; SameSite=Strict`; };

  let waiting = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (waiting) {
      waiting = false;
      const link = document.querySelector(`a[data-shortcut="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    if (event.key === "g") { waiting = true; setTimeout(() => { waiting = false; }, 1500); }
    if (event.key === "/") { const search = document.getElementById("search"); if (search) { event.preventDefault(); search.focus(); } }
    if (event.key === "?") { const help = document.getElementById("help"); if (help) help.showModal(); }
  });

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-theme-next], [data-help], [data-toggle], [data-print]");
    if (!target) return;
    if (target.hasAttribute("data-theme-next")) {
      const dark = root.dataset.theme === "dark" || (root.dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
      root.dataset.theme = dark ? "light" : "dark";
      cookie("camsla-theme", root.dataset.theme);
    } else if (target.hasAttribute("data-help")) { document.getElementById("help").showModal(); }
    else if (target.hasAttribute("data-print")) { print(); }
    else {
      const open = document.getElementById(target.dataset.toggle).classList.toggle("open");
      target.setAttribute("aria-expanded", String(open));
    }
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-columns]")) {
      form.elements.columns.value = [...form.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value).join(",");
    }
    const question = event.submitter && event.submitter.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  // A server that is gone or refuses says so on the page instead of doing nothing.
  document.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status >= 400) location.assign(event.detail.requestConfig.path); });
})();
