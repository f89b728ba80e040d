// Draws the plots of a report from the numbers in #data. Everything else of the page works without.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const HEIGHT = 230; // CSS pixels, axes included
  const plots = [];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const three = (value) => String(Number(value.toPrecision(3)));
  const whole = (value) => value >= 100 ? Math.round(value).toLocaleString("en") : three(value);

  function milliseconds(value) {
    if (value == null) return "–";
    if (value >= 59995) return duration(value / 1000);
    return value >= 999.5 ? three(value / 1000) + " s" : three(value) + " ms";
  }
  function bytes(value) {
    if (value == null) return "–";
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
    return whole(value) + " " + units[unit];
  }
  function duration(seconds) {
    const all = Math.round(seconds);
    if (seconds < 60) return three(seconds) + " s";
    const two = (n) => String(n).padStart(2, "0");
    if (all < 3600) return Math.floor(all / 60) + " min " + two(all % 60) + " s";
    if (all < 86400) return Math.floor(all / 3600) + " h " + two(Math.floor(all % 3600 / 60)) + " min";
    return Math.floor(all / 86400) + " d " + Math.floor(all % 86400 / 3600) + " h";
  }
  const rate = (value) => value == null ? "–" : whole(value);
  const percent = (value) => value == null ? "–" : three(100 * value) + " %";
  const moment = (unix) => new Date(unix * 1000).toISOString().slice(0, 19).replace("T", " ");

  const axis = (more) => ({
    stroke: () => colour("soft"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { stroke: () => colour("line"), width: 1, size: 5 },
    font: "12px system-ui, sans-serif",
    ...more,
  });
  const tint = (name, alpha) => (u) => {
    const probe = u.ctx;
    probe.save();
    probe.fillStyle = colour(name);
    const hex = probe.fillStyle;
    probe.restore();
    return hex + alpha;
  };
  // A line is drawn from one value to the next: a value between gaps has none, and is a point.
  const alone = (u, series) => {
    const values = u.data[series], found = [];
    for (let i = 0; i < values.length; i += 1) {
      if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i);
    }
    return found;
  };
  const line = (label, name, value, more) => ({
    label, stroke: () => colour(name), width: 2, value: (u, v) => value(v), ...more,
    points: { show: false, filter: alone, size: 6, fill: () => colour(name) },
  });

  function draw(id, options, columns) {
    const place = document.getElementById(id);
    if (!place || !columns[0].length) return;
    const size = () => ({ width: Math.max(place.clientWidth, 200), height: HEIGHT });
    const read = (u) => u.root.classList.toggle("is-read", u.cursor.left >= 0);
    const hooks = { ...options.hooks, setCursor: [read] };
    const plot = new uPlot({ ...size(), ...options, hooks }, columns, place);
    plots.push(plot);
    new ResizeObserver(() => {
      if (size().width !== plot.width) plot.setSize(size());
    }).observe(place);
  }

  // -- over time: the axis is time of work, a dashed line stands where the job paused ------------
  const time = data.time;
  const SECONDS = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
    10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000, 315360000,
  ];
  function pauses(u) {
    u.ctx.save();
    u.ctx.strokeStyle = colour("soft");
    u.ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const [at] of time.pauses) {
      const x = Math.round(u.valToPos(at, "x", true));
      u.ctx.beginPath();
      u.ctx.moveTo(x, u.bbox.top);
      u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
      u.ctx.stroke();
    }
    u.ctx.restore();
  }
  // Steps that are round in the units of `bytes`.
  const BYTES = [0, 1, 2, 3, 4].flatMap((unit) => [1, 2, 5, 10, 20, 50, 100, 256, 512].map((n) => n * 1024 ** unit));
  const overTime = (series, show, incrs) => ({
    scales: {
      x: { time: false, range: (u, low, high) => time.worked_s.length > 1 ? [low, high] : [0, time.width_s] },
      y: { range: (u, low, high) => [0, high > 0 ? high * 1.08 : 1] },
    },
    axes: [
      axis({ incrs: SECONDS, values: (u, ticks) => ticks.map(duration), space: 70 }),
      axis({ values: (u, ticks) => ticks.map(show), size: 72, incrs }),
    ],
    series: [{ label: "UTC", value: (u, v, s, i) => i == null ? "–" : moment(time.at_s[i]) }, ...series],
    cursor: { sync: { key: "time" }, drag: { x: true, y: false } },
    hooks: { draw: [pauses] },
  });
  draw("plot-rate", overTime([
    line("ok", "ok", rate, { fill: tint("ok", "26") }),
    line("not ok", "timeout", rate, { fill: tint("timeout", "26") }),
  ], rate), [time.worked_s, time.ok_per_s, time.failed_per_s]);
  draw("plot-latency", overTime([
    line("median", "p-total", milliseconds),
    line("90 %", "p-tls", milliseconds),
    line("99 %", "p-dns", milliseconds),
  ], milliseconds), [time.worked_s, time.median_ms, time.p90_ms, time.p99_ms]);
  draw("plot-bytes", overTime([
    line("bytes/s", "p-first_byte", bytes, { fill: tint("p-first_byte", "26") }),
  ], bytes, BYTES), [time.worked_s, time.bytes_per_s]);

  draw("plot-found", overTime([
    line("found", "p-total", rate),
    line("done", "ok", rate, { fill: tint("ok", "26") }),
  ], rate), [time.worked_s, time.found, time.done]);

  // -- distributions: steps between bounds that are powers of ten to the 1/8 ---------------------
  const steps = uPlot.paths.stepped({ align: 1 });
  const distribution = (show, bounds, series, more) => ({
    scales: { x: { time: false, distr: 3 }, y: { range: (u, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [
      axis({ values: (u, ticks) => ticks.map((v) => v == null ? "" : show(v)), space: 60, ...more }),
      axis({ values: (u, ticks) => ticks.map(percent), size: 60 }),
    ],
    series: [{ label: "from", value: (u, v, s, i) => i == null ? "–" : show(bounds[i]) }, ...series],
    cursor: { drag: { x: true, y: false } },
  });
  const { shares, least_ms } = data.latency;
  const since = (value) => value < .99 * least_ms ? "<" + milliseconds(least_ms) : milliseconds(value);
  const marked = (value) => value < .99 * least_ms ? "" : milliseconds(value);
  const phases = ["total", "first_byte", "tls", "connect", "dns", "no answer"].filter((name) => name in shares);
  draw("plot-phases", distribution(since, data.latency.from_ms, phases.map((name) => {
    const key = "p-" + name.replace(" ", "-");
    return line(name, key, percent, { paths: steps, fill: name === "total" ? tint(key, "26") : undefined });
  }), { values: (u, ticks) => ticks.map((v) => v == null ? "" : marked(v)) }), [data.latency.from_ms, ...phases.map((name) => shares[name])]);
  // Powers of two; where it is zoomed in to less than two of them, equal steps.
  function sizes(u, _axis, low, high) {
    const most = u.bbox.width / devicePixelRatio / 60, octaves = Math.log2(high / low);
    const found = [];
    if (octaves < 2) {
      const step = BYTES.find((n) => (high - low) / n <= most);
      for (let at = Math.ceil(low / step) * step; at <= high; at += step) found.push(at);
    } else {
      const step = [1, 2, 5, 10].find((n) => octaves / n <= most) ?? 10;
      const first = Math.max(Math.ceil(Math.log2(low) / step) * step, 0); // no part of a byte
      for (let at = first; 2 ** at <= high; at += step) found.push(2 ** at);
    }
    return found;
  }
  draw("plot-sizes", distribution(bytes, data.size_plot.from_bytes, [
    line("bodies", "p-first_byte", percent, { paths: steps, fill: tint("p-first_byte", "26") }),
  ], { splits: sizes, filter: (u, ticks) => ticks }), [data.size_plot.from_bytes, data.size_plot.shares]);

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const plot of plots) plot.redraw(false, true);
  });
})();
