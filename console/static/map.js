// All points on one canvas. Shapes as well as colours say what they are; the filters are those of the form, the list stays the server's.
"use strict";
(() => {
  const box = document.getElementById("map");
  if (!box || !window.L) return;
  const NAMES = { n: "online", f: "offline", e: "excluded", u: "unknown", o: "not-in-service" };
  const FILLS = { n: "--fill-good", f: "--fill-bad", e: "--fill-excluded", u: "--fill-unknown", o: "--mute" };
  const ORDER = "onuef";  // drawn in this order: what matters most lies on top
  const RADIUS = 5, LOUD = 7, RELOAD_MS = 5000;
  const form = document.getElementById("map-filters");
  const chosenBox = document.getElementById("map-chosen");

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawings = {
    n: (ctx, x, y, r) => ctx.arc(x, y, r, 0, 2 * Math.PI),
    f: (ctx, x, y, r) => { ctx.moveTo(x - r, y - r * .8); ctx.lineTo(x + r, y - r * .8); ctx.lineTo(x, y + r); ctx.closePath(); },
    e: (ctx, x, y, r) => { ctx.moveTo(x, y - r); ctx.lineTo(x + r, y); ctx.lineTo(x, y + r); ctx.lineTo(x - r, y); ctx.closePath(); },
    u: (ctx, x, y, r) => ctx.rect(x - r * .8, y - r * .8, r * 1.6, r * 1.6),
    o: (ctx, x, y, r) => { ctx.moveTo(x - r * .7, y - r * .7); ctx.lineTo(x + r * .7, y + r * .7); ctx.moveTo(x + r * .7, y - r * .7); ctx.lineTo(x - r * .7, y + r * .7); },
  };
  L.Canvas.include({
    _updatePoint(layer) {
      if (!this._drawing || layer._empty()) return;
      const { x, y } = layer._point, ctx = this._ctx;
      ctx.beginPath();
      drawings[layer.state](ctx, x, y, layer._radius);
      this._fillStroke(ctx, layer);
    },
  });
  const Point = L.CircleMarker.extend({ _updatePath() { this._renderer._updatePoint(this); } });

  const map = L.map(box, { preferCanvas: true, zoomSnap: .5, attributionControl: false, minZoom: 3, maxZoom: 19 }).setView([35, 105], 4);
  if (box.dataset.tiles) L.tileLayer(box.dataset.tiles, { maxZoom: 19 }).addTo(map);
  const ground = L.layerGroup().addTo(map), marks = L.layerGroup().addTo(map);
  const renderer = L.canvas({ padding: .3 });
  let city = null, layers = [], down = new Map(), chosen = null, fitted = false, draws = 0, ahead = 0;  // ahead: by how much the server's clock is

  const wanted = () => {
    const given = new FormData(form), text = (name) => String(given.get(name) || "");
    return { state: text("state"), phase: text("phase"), area: text("area"), supplier: text("supplier"), hours: text("down_h"), words: text("q").trim() };
  };

  const passes = (n, filter) => {
    const [, , , , phase, area, supplier] = city.points[n], letter = city.states[n];
    if (filter.state && NAMES[letter] !== filter.state) return false;
    if (filter.phase && city.phases[phase] !== filter.phase) return false;
    if (filter.area && city.areas[area] !== filter.area) return false;
    if (filter.supplier && city.suppliers[supplier] !== filter.supplier) return false;
    if (filter.hours !== "") {
      const since = letter === "f" && down.get(n);
      if (!since || (Date.now() + ahead) / 1000 - since[1] < Number(filter.hours) * 3600) return false;
    }
    return !filter.found || filter.found.has(n);
  };

  const style = (letter) => ({
    radius: letter === "f" ? LOUD : RADIUS, weight: letter === "o" ? 2 : .8, fill: letter !== "o", fillOpacity: .92,
    color: letter === "o" ? colour("--mute") : colour("--paper"), fillColor: colour(FILLS[letter]),
  });

  // Words are looked up by the server, which knows addresses and device codes as well.
  const draw = async () => {
    const filter = wanted(), places = [], drawn = draws += 1;
    if (filter.words) {
      const response = await fetch(`${box.dataset.found}?q=${encodeURIComponent(filter.words)}`);
      filter.found = new Set(response.ok ? await response.json() : []);
      if (drawn !== draws) return;  // the filter changed meanwhile
    }
    marks.clearLayers();
    layers = new Array(city.points.length);
    const styles = Object.fromEntries(Object.keys(NAMES).map((letter) => [letter, style(letter)]));
    const order = [...city.points.keys()].sort((a, b) => ORDER.indexOf(city.states[a]) - ORDER.indexOf(city.states[b]));
    for (const n of order) {
      const [code, , lon, lat] = city.points[n];
      if (lon === null || lat === null || !passes(n, filter)) continue;
      const layer = new Point([lat, lon], { ...styles[city.states[n]], renderer });
      layer.state = city.states[n];
      layer.on("click", () => choose(code));
      marks.addLayer(layer);
      layers[n] = layer;
      places.push([lat, lon]);
    }
    if (places.length && !fitted) { map.fitBounds(L.latLngBounds(places).pad(.05), { animate: false }); fitted = true; }
  };

  const graticule = () => {
    ground.clearLayers();
    if (!city) return;
    if (!box.dataset.tiles) {
      const bounds = map.getBounds(), steps = [10, 5, 2, 1, .5, .2, .1, .05, .02, .01, .005, .002, .001];
      const step = steps.find((size) => (bounds.getEast() - bounds.getWest()) / size >= 4) || .001;
      const line = { color: colour("--line"), weight: 1, interactive: false };
      for (let lon = Math.ceil(bounds.getWest() / step) * step; lon < bounds.getEast(); lon += step) L.polyline([[bounds.getSouth(), lon], [bounds.getNorth(), lon]], line).addTo(ground);
      for (let lat = Math.ceil(bounds.getSouth() / step) * step; lat < bounds.getNorth(); lat += step) L.polyline([[lat, bounds.getWest()], [lat, bounds.getEast()]], line).addTo(ground);
    }
    for (const [name, [lat, lon]] of centres) {
      const word = document.createElement("span");
      word.className = "area-name";
      word.textContent = name;
      L.marker([lat, lon], { icon: L.divIcon({ html: word, className: "", iconSize: [0, 0] }), interactive: false, keyboard: false }).addTo(ground);
    }
  };

  let centres = new Map();
  const findCentres = () => {
    const sums = new Map();
    for (const [, , lon, lat, , area] of city.points) {
      const name = city.areas[area];
      if (lon === null || lat === null || !name) continue;
      const sum = sums.get(name) || [0, 0, 0];
      sums.set(name, [sum[0] + lat, sum[1] + lon, sum[2] + 1]);
    }
    centres = new Map([...sums].slice(0, 60).map(([name, [lat, lon, n]]) => [name, [lat / n, lon / n]]));
  };

  const choose = async (code) => {
    chosen = code;
    const response = await fetch(box.dataset.card + encodeURIComponent(code));
    if (!response.ok || chosen !== code) return;
    chosenBox.replaceChildren(...new DOMParser().parseFromString(await response.text(), "text/html").body.children);
    document.querySelectorAll("[data-point]").forEach((link) => { if (link.dataset.point === code) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current"); });
  };

  const take = (told) => { Object.assign(city, told); down = new Map(told.down.map((entry) => [entry[0], entry])); };

  const load = async () => {
    const response = await fetch(box.dataset.points);
    if (!response.ok) return;
    const date = Date.parse(response.headers.get("Date") || "");
    ahead = Number.isNaN(date) ? 0 : date - Date.now();
    const whole = await response.json();
    city = whole;
    take(whole);
    findCentres();
    await draw();
    graticule();
  };

  // Only what changed is drawn anew, unless the filter looks at states.
  const recolour = async () => {
    const response = await fetch(box.dataset.states);
    if (!response.ok || !city) return;
    const told = await response.json();
    if (told.facts !== city.facts || told.states.length !== city.points.length) { await load(); return; }
    const before = city.states;
    take(told);
    const filter = wanted();
    if (filter.state || filter.hours !== "") { await draw(); return; }
    for (let n = 0; n < before.length; n += 1) {
      if (before[n] === city.states[n] || !layers[n]) continue;
      layers[n].state = city.states[n];
      layers[n].setStyle(style(city.states[n]));
      layers[n].setRadius(style(city.states[n]).radius);
      layers[n].bringToFront();
    }
  };

  let reloads = 0;
  document.addEventListener("camsla:city", () => { if (!reloads) reloads = setTimeout(() => { reloads = 0; recolour(); }, RELOAD_MS); });
  document.body.addEventListener("htmx:afterSettle", () => { if (city) draw(); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-point]");
    if (!link || event.ctrlKey || event.metaKey || !city) return;
    event.preventDefault();
    const found = city.points.find(([code]) => code === link.dataset.point);
    if (found && found[2] !== null) map.setView([found[3], found[2]], Math.max(map.getZoom(), 15));
    choose(link.dataset.point);
  });
  map.on("moveend", graticule);
  new MutationObserver(() => { if (city) { draw(); graticule(); } }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  load();
})();
