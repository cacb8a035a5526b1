"use strict";
(() => {
  const data = JSON.parse(document.getElementById("payload").textContent);
  const $ = (id) => document.getElementById(id);
  for (const e of document.querySelectorAll(".js")) e.hidden = false;
  const clamp = (v, a, b) => Math.min(b, Math.max(a, v));
  const minus = (s) => s.replace("-", "−");
  const text = (v) => {
    const size = Math.abs(v);
    if (v == null) return "–";
    if (v !== 0 && (size < 1e-3 || size >= 1e6)) return minus((+v.toPrecision(4)).toExponential().replace("+", ""));
    return minus(String(+v.toPrecision(Math.max(4, String(Math.trunc(size)).length))));
  };

  // Curves: the same drawing as plot.go, at the reader's width, over a window of steps.
  const colours = 6;
  const margin = { left: 50, right: 10, top: 10, bottom: 26 }, height = 230;
  let view = null, smoothing = 0, cursor = null;
  const svg = (tag, attributes, words) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const k in attributes) e.setAttribute(k, attributes[k]);
    if (words !== undefined) e.textContent = words;
    return e;
  };
  const roundStep = (step) => {
    const power = 10 ** Math.floor(Math.log10(step));
    return power * ([1, 2, 5].find((f) => f * power >= step * (1 - 1e-9)) || 10);
  };
  const tickText = (v) => {
    const size = Math.abs(v);
    if (size >= 1e6) return minus(+(v / 1e6).toFixed(4) + "M");
    if (size >= 1e4) return minus(+(v / 1e3).toFixed(4) + "k");
    if (size < 1e-3 && v !== 0) return minus((+v.toPrecision(3)).toExponential());
    return minus(String(+v.toFixed(4)));
  };
  const rounds = (low, high, n, log) => {
    const list = [], hair = (high - low) * 1e-10;
    low -= hair; high += hair;
    if (log && high - low >= 1) {
      const every = Math.ceil((high - low) / n);
      for (let e = Math.ceil(low); e <= high; e += every) list.push(10 ** e);
      return list;
    }
    if (log) { low = 10 ** low; high = 10 ** high; }
    const step = roundStep((high - low) / n);
    for (let k = Math.ceil(low / step); k * step <= high && list.length < 4 * n; k++) list.push(k * step);
    return list;
  };
  // An exponential mean of weight s on the past, corrected for its start.
  const smooth = (values, s) => {
    let sum = 0, weight = 0;
    return values.map((v) => {
      if (v == null) return null;
      sum = s * sum + (1 - s) * v;
      weight = s * weight + (1 - s);
      return sum / weight;
    });
  };
  const extent = (values) => {
    let low = Infinity, high = -Infinity;
    for (const v of values) if (v != null && Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
    return low > high ? null : [low, high];
  };
  const spread = ([low, high]) => {
    if (low < high) return [low, high];
    const air = Math.max(Math.abs(low) / 10, 1e-3);
    return [low - air, high + air];
  };
  const nearestIndex = (xs, x) => {
    let low = 0, high = xs.length - 1;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (xs[mid] < x) low = mid + 1; else high = mid;
    }
    return low > 0 && x - xs[low - 1] < xs[low] - x ? low - 1 : low;
  };

  const whole = (() => {
    const all = extent((data.plots || []).flatMap((p) => p.series.flatMap((s) => s.x.filter((_, k) => s.y[k] != null))));
    return all && spread(all);
  })();

  class Plot {
    constructor(figure, data) {
      this.data = data;
      this.svg = figure.querySelector("svg");
      this.values = [...figure.querySelectorAll(".legend b")];
      this.svg.setAttribute("tabindex", "0");
      this.svg.setAttribute("aria-label", data.title + ": " + data.series.map((s) => s.name).join(", ") + ". Arrow keys read values, plus and minus zoom.");
      this.listen();
    }
    draw() {
      const { svg: root, data } = this;
      const width = Math.max(220, root.clientWidth || 480);
      this.right = width - margin.right;
      const [x0, x1] = view || whole;
      this.x = (v) => margin.left + (v - x0) / (x1 - x0) * (this.right - margin.left);
      this.back = (px) => x0 + (px - margin.left) / (this.right - margin.left) * (x1 - x0);
      this.shown = data.series.map((s) => smoothing ? smooth(s.y, smoothing) : s.y);
      const log = data.log, up = (v) => log ? Math.log10(v) : v;
      const inside = data.series.flatMap((s, k) => (smoothing ? [s.y, this.shown[k]] : [s.y]).flatMap((y) =>
        y.filter((v, j) => v != null && s.x[j] >= x0 && s.x[j] <= x1).map(up)));
      let [low, high] = spread(extent(inside) || [0, 1]);
      const air = (high - low) * 0.06, bottom = height - margin.bottom;
      const floor = !log && low >= 0;
      low -= air; high += air;
      if (floor) low = Math.max(0, low);
      this.y = (v) => bottom + (up(v) - low) / (high - low) * (margin.top - bottom);
      root.setAttribute("viewBox", `0 0 ${width} ${height}`);
      root.replaceChildren();
      for (const v of rounds(low, high, 6, log)) {
        const y = this.y(v);
        root.append(svg("line", { class: "grid", x1: margin.left, x2: this.right, y1: y, y2: y }),
          svg("text", { class: "tick y", x: margin.left - 7, y: y + 4 }, tickText(v)));
      }
      for (const v of rounds(x0, x1, Math.max(2, Math.floor(width / 95)), false))
        root.append(svg("text", { class: "tick x", x: this.x(v), y: height - 8 }, tickText(v)));
      const clip = "clip" + plots.indexOf(this), hole = svg("clipPath", { id: clip });
      hole.append(svg("rect", { x: margin.left - 2, y: 0, width: this.right - margin.left + 4, height }));
      const lines = svg("g", { "clip-path": `url(#${clip})` });
      data.series.forEach((s, k) => {
        if (smoothing) lines.append(svg("path", { class: `line raw c${k % colours}`, d: this.trace(s.x, s.y) }));
        lines.append(svg("path", { class: `line c${k % colours}`, d: this.trace(s.x, this.shown[k]) }));
      });
      root.append(hole, lines, svg("line", { class: "base", x1: margin.left, x2: this.right, y1: bottom, y2: bottom }));
      this.over = svg("g", {});
      root.append(this.over);
      this.read();
    }
    trace(xs, ys) {
      let d = "", pen = "M";
      for (let k = 0; k < xs.length; k++) {
        if (ys[k] == null) { pen = "M"; continue; }
        d += pen + this.x(xs[k]).toFixed(1) + " " + this.y(ys[k]).toFixed(1);
        if (pen === "M" && ys[k + 1] == null) d += "h0";
        pen = "L";
      }
      return d;
    }
    // read shows the values at the cursor, or the last ones.
    read(brush) {
      this.over.replaceChildren();
      if (brush) this.over.append(svg("rect", { class: "brush", x: Math.min(...brush), y: margin.top, width: Math.abs(brush[1] - brush[0]), height: height - margin.top - margin.bottom }));
      let at = null;
      this.data.series.forEach((s, k) => {
        let j = cursor == null ? s.x.length - 1 : nearestIndex(s.x, cursor);
        if (cursor == null) while (j > 0 && this.shown[k][j] == null) j--;
        const v = this.shown[k][j];
        if (this.values[k]) this.values[k].textContent = text(v);
        if (cursor == null || v == null) return;
        at = at == null || Math.abs(s.x[j] - cursor) < Math.abs(at - cursor) ? s.x[j] : at;
        this.over.append(svg("circle", { class: `spot c${k % colours}`, cx: this.x(s.x[j]), cy: this.y(v), r: 3.5 }));
      });
      if (at == null) return;
      const x = this.x(at);
      if (x < margin.left - 1 || x > this.right + 1) { this.over.replaceChildren(); return; }
      this.over.prepend(svg("line", { class: "cursor", x1: x, x2: x, y1: margin.top, y2: height - margin.bottom }));
      this.over.append(svg("text", { class: "at", x: clamp(x, margin.left + 12, this.right - 12), y: height - 8 }, String(Math.round(at))));
    }
    listen() {
      let from = null;
      const px = (e) => clamp((e.clientX - this.svg.getBoundingClientRect().left) * (this.right + margin.right) / this.svg.clientWidth, margin.left, this.right);
      this.svg.addEventListener("pointerdown", (e) => { if (e.button === 0) { from = px(e); if (e.pointerType === "mouse") this.svg.setPointerCapture(e.pointerId); e.preventDefault(); this.svg.focus({ preventScroll: true }); } });
      this.svg.addEventListener("pointermove", (e) => {
        cursor = this.back(px(e));
        for (const p of plots) if (p !== this) p.read();
        this.read(from != null && e.pointerType === "mouse" ? [from, px(e)] : undefined);
      });
      this.svg.addEventListener("pointerup", (e) => {
        const to = px(e);
        if (from != null && e.pointerType === "mouse" && Math.abs(to - from) > 6) zoomTo(this.back(Math.min(from, to)), this.back(Math.max(from, to)));
        from = null;
      });
      this.svg.addEventListener("pointerleave", () => { cursor = null; from = null; for (const p of plots) p.read(); });
      this.svg.addEventListener("dblclick", () => zoomTo());
      this.svg.addEventListener("blur", () => { cursor = null; for (const p of plots) p.read(); });
      this.svg.addEventListener("keydown", (e) => {
        const xs = this.data.series[0].x, [a, b] = view || whole;
        const here = cursor == null ? b : cursor;
        if (e.key === "ArrowLeft" || e.key === "ArrowRight") {
          const by = (e.key === "ArrowLeft" ? -1 : 1) * (e.shiftKey ? 10 : 1);
          cursor = xs[clamp(nearestIndex(xs, here) + (cursor == null ? 0 : by), 0, xs.length - 1)];
          for (const p of plots) p.read();
        } else if (e.key === "+" || e.key === "=") zoomTo(here - (here - a) / 2, here + (b - here) / 2);
        else if (e.key === "-") zoomTo(here - (here - a) * 2, here + (b - here) * 2);
        else if (e.key === "0" || e.key === "Escape") zoomTo();
        else return;
        e.preventDefault();
      });
    }
  }
  const zoomTo = (a, b) => {
    view = null;
    if (a !== undefined) {
      a = Math.max(a, whole[0]); b = Math.min(b, whole[1]);
      if (b - a > (whole[1] - whole[0]) / 1e4 && (a > whole[0] || b < whole[1])) view = [a, b];
    }
    for (const p of plots) p.draw();
  };
  const plots = [];
  if (whole) {
    document.querySelectorAll("#plots figure").forEach((f, k) => plots.push(new Plot(f, data.plots[k])));
    $("smooth").addEventListener("input", (e) => { smoothing = +e.target.value; for (const p of plots) p.draw(); });
    $("unzoom").addEventListener("click", () => zoomTo());
    new ResizeObserver(() => { for (const p of plots) p.draw(); }).observe($("plots"));
    for (const p of plots) p.draw();
  }

  // Still plots scale with their width; their words keep their size.
  const stills = [...document.querySelectorAll(".still-size .plot")];
  const steady = () => { for (const e of stills) if (e.clientWidth) e.style.setProperty("--k", clamp(e.viewBox.baseVal.width / e.clientWidth, 0.5, 1.8)); };
  for (const e of stills) new ResizeObserver(steady).observe(e);

  // The map.
  const map = data.map, canvas = $("canvas");
  if (!map || !canvas) return;
  const pen = canvas.getContext("2d"), n = map.class.length;
  const members = map.classes.map(() => []);
  map.class.forEach((c, i) => members[c].push(i));
  const dark = matchMedia("(prefers-color-scheme: dark)"), calm = matchMedia("(prefers-reduced-motion: reduce)");
  let size = { w: 0, h: 0, ratio: 1 }, scale = 1, moveX = 0, moveY = 0; // screen = fitted · scale + move
  let layout = map.layouts[0], xs = Float64Array.from(layout.x), ys = Float64Array.from(layout.y);
  let hover = -1, pinned = -1, showPictures = false, queued = false;
  const hues = [172, 24, 228, 312, 48, 265, 95, 345, 200, 5];
  const colour = (mark) => {
    const c = mark % map.colours, pale = c >= hues.length;
    const hue = hues[c % hues.length], light = dark.matches ? (pale ? 82 : 64) : (pale ? 62 : 38);
    return `hsl(${hue} ${pale ? 55 : 72}% ${light}%)`;
  };
  const shape = (mark) => Math.floor(mark / map.colours);
  const style = (v) => getComputedStyle(document.documentElement).getPropertyValue(v).trim();
  const sheet = new Image();
  const tipTile = document.querySelector(".map-tile");
  if (map.tile) {
    sheet.onload = () => paint();
    sheet.src = getComputedStyle(tipTile).backgroundImage.replace(/^url\("?|"?\)$/g, "");
  } else { tipTile.hidden = true; $("pictures").hidden = true; }

  const fit = () => Math.min(size.w, size.h) - 40;
  const px = (i) => ((xs[i] / map.extent - 0.5) * fit() + size.w / 2) * scale + moveX;
  const py = (i) => ((0.5 - ys[i] / map.extent) * fit() + size.h / 2) * scale + moveY;
  const paint = () => { if (!queued) { queued = true; requestAnimationFrame(() => { queued = false; draw(); }); } };
  const radius = () => clamp(Math.sqrt(fit() * fit() / n) * 0.13 * Math.sqrt(scale), 2.2, 8);
  const dot = (x, y, r, s) => {
    pen.beginPath();
    if (s === 0) pen.arc(x, y, r, 0, 7);
    else if (s === 1) pen.rect(x - r * .88, y - r * .88, r * 1.76, r * 1.76);
    else if (s === 2) { pen.moveTo(x, y - r * 1.25); pen.lineTo(x + r * 1.15, y + r * .8); pen.lineTo(x - r * 1.15, y + r * .8); pen.closePath(); }
    else { pen.moveTo(x, y - r * 1.3); pen.lineTo(x + r * 1.3, y); pen.lineTo(x, y + r * 1.3); pen.lineTo(x - r * 1.3, y); pen.closePath(); }
  };
  const pictureSize = () => clamp(Math.sqrt(fit() * fit() / n) * 0.8 * scale, 12, 84);
  const place = (i, x, y, edge) => {
    pen.drawImage(sheet, i % map.columns * map.tile, Math.floor(i / map.columns) * map.tile, map.tile, map.tile, x - edge / 2, y - edge / 2, edge, edge);
  };
  const mark = (i, r, ink) => {
    const x = px(i), y = py(i), m = map.marks[map.class[i]];
    if (x < -60 || y < -60 || x > size.w + 60 || y > size.h + 60) return;
    pen.fillStyle = colour(m);
    if (showPictures && sheet.naturalWidth) {
      const edge = pictureSize();
      place(i, x, y, edge);
      pen.lineWidth = edge < 24 ? 1 : 2; pen.strokeStyle = colour(m);
      pen.strokeRect(x - edge / 2, y - edge / 2, edge, edge);
      return;
    }
    dot(x, y, r, shape(m)); pen.fill();
    if (ink) { pen.lineWidth = 1.2; pen.strokeStyle = ink; pen.stroke(); }
  };
  function draw() {
    const { w, h, ratio } = size;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    pen.imageSmoothingEnabled = map.tile > 32;
    const chosen = pinned >= 0 ? pinned : hover >= 0 ? map.class[hover] : -1, r = radius(), card = style("--card");
    pen.globalAlpha = chosen >= 0 ? 0.1 : showPictures ? 1 : 0.9;
    for (let i = 0; i < n; i++) if (map.class[i] !== chosen) mark(i, r, null);
    pen.globalAlpha = 1;
    if (chosen >= 0) web(chosen, r, card);
    if (map.classes.length <= 60 && chosen < 0 && !showPictures) labels();
    if (hover >= 0) {
      pen.lineWidth = 2; pen.strokeStyle = style("--ink");
      const edge = pictureSize();
      if (showPictures && sheet.naturalWidth) { place(hover, px(hover), py(hover), edge); pen.strokeRect(px(hover) - edge / 2 - 1, py(hover) - edge / 2 - 1, edge + 2, edge + 2); }
      else { mark(hover, r + 1.5, null); dot(px(hover), py(hover), r + 3.5, 0); pen.stroke(); }
    }
  }
  // web joins the pictures of a class with its middle and names it.
  const web = (c, r, card) => {
    const list = members[c], [x, y] = middle(list);
    pen.strokeStyle = colour(map.marks[c]); pen.lineWidth = 1; pen.globalAlpha = 0.45;
    for (const i of list) { pen.beginPath(); pen.moveTo(x, y); pen.lineTo(px(i), py(i)); pen.stroke(); }
    pen.globalAlpha = 1;
    for (const i of list) mark(i, r + 1, card);
    if (pinned >= 0 && hover < 0) label(map.classes[c], ...above(list));
  };
  const middle = (list) => {
    const xm = list.map(px).sort((a, b) => a - b), ym = list.map(py).sort((a, b) => a - b);
    return [xm[xm.length >> 1], ym[ym.length >> 1]];
  };
  // label writes a class name centred at x with its foot at y, kept within the map,
  // unless it would cover one of the boxes taken.
  const label = (words, x, y, taken) => {
    if (words.length > 34) words = words.slice(0, 33) + "…";
    pen.font = "600 12px " + style("--sans"); pen.textAlign = "center"; pen.textBaseline = "alphabetic";
    const half = pen.measureText(words).width / 2;
    x = clamp(x, half + 6, Math.max(half + 6, size.w - half - 6)); y = clamp(y, 16, size.h - 6);
    const box = [x - half - 3, y - 13, x + half + 3, y + 4];
    if (taken && taken.some((t) => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3])) return;
    if (taken) taken.push(box);
    pen.lineWidth = 4; pen.lineJoin = "round"; pen.strokeStyle = style("--card"); pen.strokeText(words, x, y);
    pen.fillStyle = style("--ink"); pen.fillText(words, x, y);
  };
  // above is where a name stands: over the upper pictures of the class.
  const above = (list) => {
    const rows = list.map(py).sort((a, b) => a - b);
    return [middle(list)[0], rows[rows.length >> 3] - radius() - 5];
  };
  const labels = () => {
    const taken = [];
    members.forEach((list, c) => label(map.classes[c], ...above(list), taken));
  };

  const resize = () => {
    const box = canvas.getBoundingClientRect();
    if (!box.width) return;
    size = { w: box.width, h: box.height, ratio: devicePixelRatio || 1 };
    canvas.width = Math.round(size.w * size.ratio); canvas.height = Math.round(size.h * size.ratio);
    draw();
  };
  const zoom = (factor, x, y) => {
    const to = clamp(scale * factor, 1, 60);
    moveX = x - (x - moveX) * to / scale; moveY = y - (y - moveY) * to / scale;
    scale = to; hold();
  };
  const hold = () => { // some part of the map stays in sight
    moveX = clamp(moveX, size.w * (1 - scale) - 80, 80);
    moveY = clamp(moveY, size.h * (1 - scale) - 80, 80);
    if (scale === 1) moveX = moveY = 0;
    paint(); tip();
  };
  const all = () => { scale = 1; moveX = moveY = 0; hold(); };
  const find = (x, y) => {
    let best = -1, least = showPictures ? (pictureSize() * .6) ** 2 : 18 ** 2;
    for (let i = 0; i < n; i++) {
      const d = (px(i) - x) ** 2 + (py(i) - y) ** 2;
      if (d < least) { least = d; best = i; }
    }
    return best;
  };
  const tip = () => {
    const t = $("tip");
    t.hidden = hover < 0;
    if (hover < 0) return;
    const edge = 112;
    tipTile.style.backgroundSize = `${map.columns * edge}px auto`;
    tipTile.style.backgroundPosition = `${-(hover % map.columns) * edge}px ${-Math.floor(hover / map.columns) * edge}px`;
    if (map.tile <= 32) tipTile.style.imageRendering = "pixelated";
    t.querySelector("b").textContent = map.classes[map.class[hover]];
    t.querySelector(".path").textContent = map.paths ? map.paths[hover] : "";
    const x = px(hover), y = py(hover);
    t.style.transform = `translate(${clamp(x + 16 + t.offsetWidth > size.w ? x - 16 - t.offsetWidth : x + 16, 4, Math.max(4, size.w - t.offsetWidth - 4))}px, ${clamp(y - t.offsetHeight / 2, 4, Math.max(4, size.h - t.offsetHeight - 4))}px)`;
  };
  const point = (i) => { if (i !== hover) { hover = i; canvas.classList.toggle("over", i >= 0); tip(); paint(); } };
  const pin = (c) => {
    pinned = c;
    for (const b of document.querySelectorAll("#legend button")) b.setAttribute("aria-pressed", String(+b.dataset.class === c));
    $("find").value = c < 0 ? "" : map.classes[c];
    paint();
  };

  const pointers = new Map();
  let moved = 0;
  const local = (e) => { const b = canvas.getBoundingClientRect(); return [e.clientX - b.left, e.clientY - b.top]; };
  canvas.addEventListener("pointerdown", (e) => { canvas.setPointerCapture(e.pointerId); pointers.set(e.pointerId, local(e)); moved = 0; });
  canvas.addEventListener("pointermove", (e) => {
    const at = local(e), was = pointers.get(e.pointerId);
    if (!was) { point(find(...at)); return; }
    moved += Math.abs(at[0] - was[0]) + Math.abs(at[1] - was[1]);
    if (pointers.size === 2) {
      const other = [...pointers.entries()].find(([id]) => id !== e.pointerId)[1];
      const d0 = Math.hypot(was[0] - other[0], was[1] - other[1]), d1 = Math.hypot(at[0] - other[0], at[1] - other[1]);
      if (d0 > 0) zoom(d1 / d0, (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
    } else if (moved > 4) { canvas.classList.add("drag"); moveX += at[0] - was[0]; moveY += at[1] - was[1]; hold(); }
    pointers.set(e.pointerId, at);
  });
  const release = (e) => {
    if (pointers.delete(e.pointerId) && e.type === "pointerup" && moved <= 4) {
      const i = find(...local(e));
      point(i);
      pin(i < 0 || map.class[i] === pinned ? -1 : map.class[i]);
    }
    canvas.classList.remove("drag");
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => { if (!pointers.size) point(-1); });
  canvas.addEventListener("blur", () => point(-1));
  canvas.addEventListener("wheel", (e) => {
    if (scale === 1 && e.deltaY > 0 && !e.ctrlKey) return; // nothing to zoom out of: the page scrolls
    if (document.activeElement !== canvas && !e.ctrlKey && scale === 1) return; // a click gives the map the wheel
    e.preventDefault(); zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0018)), ...local(e));
  }, { passive: false });
  canvas.addEventListener("keydown", (e) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    if (way) walk(way);
    else if (e.key === "+" || e.key === "=") zoom(1.5, ...centre());
    else if (e.key === "-") zoom(1 / 1.5, ...centre());
    else if (e.key === "0") all();
    else if (e.key === "Enter" && hover >= 0) pin(map.class[hover]);
    else if (e.key === "Escape") { pin(-1); point(-1); }
    else return;
    e.preventDefault();
  });
  const centre = () => hover >= 0 ? [px(hover), py(hover)] : [size.w / 2, size.h / 2];
  // walk goes to the nearest picture within 45 degrees of a direction.
  const walk = ([dx, dy]) => {
    const [x, y] = centre();
    let best = -1, least = Infinity;
    for (let i = 0; i < n; i++) {
      const a = px(i) - x, b = py(i) - y, along = a * dx + b * dy, across = Math.abs(a * dy) + Math.abs(b * dx);
      if (i === hover || along <= 0 || across > along) continue;
      if (along + across < least) { least = along + across; best = i; }
    }
    if (hover < 0) best = nearestTo(x, y);
    if (best < 0) return;
    const px0 = px(best), py0 = py(best);
    if (px0 < 20 || px0 > size.w - 20) moveX += size.w / 2 - px0;
    if (py0 < 20 || py0 > size.h - 20) moveY += size.h / 2 - py0;
    hold(); point(best);
    $("spoken").textContent = map.classes[map.class[best]] + (map.paths ? ", " + map.paths[best] : "");
  };
  const nearestTo = (x, y) => { let b = 0; for (let i = 1; i < n; i++) if ((px(i) - x) ** 2 + (py(i) - y) ** 2 < (px(b) - x) ** 2 + (py(b) - y) ** 2) b = i; return b; };
  document.querySelectorAll("[data-zoom]").forEach((b) => b.addEventListener("click", () => b.dataset.zoom === "all" ? all() : zoom(b.dataset.zoom === "in" ? 1.6 : 1 / 1.6, size.w / 2, size.h / 2)));
  $("pictures").addEventListener("click", (e) => { showPictures = !showPictures; e.target.setAttribute("aria-pressed", String(showPictures)); paint(); });
  $("find").addEventListener("input", (e) => {
    const c = map.classes.indexOf(e.target.value);
    pinned = c;
    paint();
  });
  // turn moves every point to its place in another layout.
  let turning = 0;
  const turn = (k) => {
    layout = map.layouts[k];
    document.querySelectorAll("[data-layout]").forEach((b) => b.setAttribute("aria-pressed", String(+b.dataset.layout === k)));
    const x0 = xs.slice(), y0 = ys.slice(), start = performance.now(), mine = ++turning, time = calm.matches ? 0 : 700;
    const step = (now) => {
      if (mine !== turning) return;
      const t = time ? clamp((now - start) / time, 0, 1) : 1, s = t * t * (3 - 2 * t);
      for (let i = 0; i < n; i++) { xs[i] = x0[i] + (layout.x[i] - x0[i]) * s; ys[i] = y0[i] + (layout.y[i] - y0[i]) * s; }
      draw(); tip();
      if (t < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  };
  document.querySelectorAll("[data-layout]").forEach((b) => b.addEventListener("click", () => turn(+b.dataset.layout)));
  // The legend names the classes while they are few.
  const legend = () => {
    const box = $("legend");
    box.hidden = map.classes.length > 40;
    if (box.hidden) return;
    box.replaceChildren(...map.classes.map((c, k) => {
      const b = document.createElement("button"), m = map.marks[k];
      b.type = "button"; b.dataset.class = k; b.setAttribute("aria-pressed", String(k === pinned));
      const icon = svg("svg", { width: 13, height: 13, viewBox: "-6.5 -6.5 13 13", "aria-hidden": "true" });
      icon.append([svg("circle", { r: 5 }), svg("rect", { x: -4.6, y: -4.6, width: 9.2, height: 9.2 }), svg("path", { d: "M0-5.6L5.4 4.4H-5.4Z" }), svg("path", { d: "M0-6L6 0L0 6L-6 0Z" })][shape(m)]);
      icon.setAttribute("fill", colour(m));
      const many = document.createElement("span");
      many.textContent = members[k].length;
      b.append(icon, c, many);
      b.addEventListener("click", () => pin(k === pinned ? -1 : k));
      return b;
    }));
  };
  legend();
  dark.addEventListener("change", () => { legend(); paint(); });
  new ResizeObserver(resize).observe(canvas);
  resize();
})();
