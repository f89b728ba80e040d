// Asks for the job's numbers once a second and shows them. Whatever a URL, a host or an error holds
// is text: nothing here makes HTML of it.
"use strict";
(() => {
  const EVERY_MS = 1000, LOST_MS = 3000, LATE_MS = 8000, MOST_POINTS = 1200, MOST_COUNTS = 14;
  const SLOW_LAG_MS = 100; // as in roles/worker/loop_lag.py
  const $ = (id) => document.getElementById(id);
  const points = []; // [Unix time, lines done, the most in flight]
  const plots = [];
  let word = "", command = "", phase = "", wasLost = false, isStopAsked = false, lastAt = 0;

  // -- words ------------------------------------------------------------------------------------
  const number = (n) => Math.round(n).toLocaleString("en");
  const rate = (n) => n >= 99.95 ? number(n) : String(+n.toPrecision(3)); // as in humanize.py
  // As humanize.percent: only nothing is shown as 0, and only all as 100.
  function share(part, whole) {
    if (!whole) return "–";
    const of = part / whole;
    if (of > 0 && of < .0005) return "<0.1 %";
    return of >= .9995 && of < 1 ? ">99.9 %" : (100 * of).toFixed(1) + " %";
  }
  function size(bytes) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; unit += 1; }
    return [unit ? bytes.toFixed(1) : String(bytes), units[unit]];
  }
  function duration(seconds) {
    const s = Math.round(seconds), two = (n) => String(n).padStart(2, "0");
    if (s < 60) return s + " s";
    if (s < 3600) return Math.floor(s / 60) + " min " + two(s % 60) + " s";
    if (s < 86400) return Math.floor(s / 3600) + " h " + two(Math.floor(s % 3600 / 60)) + " min";
    return Math.floor(s / 86400) + " d " + Math.floor(s % 86400 / 3600) + " h";
  }

  // Characters that cannot be seen, or that turn the text around, become replacement characters.
  const plain = (text) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\uFFFD");

  // -- elements ---------------------------------------------------------------------------------
  function put(id, text) {
    const element = $(id);
    if (element.textContent !== text) element.textContent = text;
  }
  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children); // strings become text
    return element;
  }
  function fill(id, rows, none) {
    const body = $(id).tBodies[0], wide = $(id).tHead.rows[0].cells.length;
    if (!rows.length) {
      const cell = make("td", "none", none);
      cell.colSpan = wide;
      rows = [make("tr", "", cell)];
    }
    body.replaceChildren(...rows);
  }
  function head(text) {
    const cell = make("th", "text", text);
    cell.scope = "row";
    return cell;
  }
  const right = (text) => make("td", "n", text);
  function bar(part, whole, name) {
    const inner = make("div");
    inner.style.width = 100 * part / whole + "%";
    if (name) inner.style.setProperty("--key", "var(--" + name + ")");
    return make("td", "wide", make("div", "bar", inner));
  }

  // -- the look ---------------------------------------------------------------------------------
  const NAMES = { finish: "complete", frozen: "waits for the sink" };
  const CLASSES = { finish: "complete" };

  function showPhase(name, said) {
    put("phase", said || NAMES[name] || name);
    $("phase").className = "state " + (CLASSES[name] || name);
    document.title = said || NAMES[name] || name;
  }
  function notice(text, typed = "") {
    $("notice").hidden = !text;
    put("notice_text", text);
    $("command").hidden = !typed;
    // A line is broken between two arguments, never at the hyphens of one.
    if ($("command").textContent !== typed) {
      $("command").replaceChildren(...typed.split(" ").flatMap((each) => [make("span", "", each), " "]).slice(0, -1));
    }
  }

  function show(moment) {
    const live = moment.live;
    word = moment.word;
    command = plain(moment.command);
    put("version", moment.version);
    put("job", plain(moment.job));
    if (!live) { showPhase("starting"); return; }
    phase = live.phase;
    showPhase(phase);
    notice(plain(live.trouble));
    showProgress(live, moment.job);
    put("rate", phase === "paused" ? "–" : rate(live.rate_per_s));
    put("in_flight", number(live.in_flight));
    put("parked", number(live.parked));
    const ok = live.totals.outcomes.ok || 0;
    unit("failed", number(live.rows - ok), live.rows ? share(live.rows - ok, live.rows) : "");
    put("worker_count", number(live.workers.length + live.unlisted));
    unit("bodies", ...size(live.totals.body_bytes));
    counts("outcomes", live.totals.outcomes, live.rows, (name) => name);
    put("done_lines", "the " + number(live.rows));
    const { 0: none, ...statuses } = live.totals.statuses;
    const answered = Object.values(statuses).reduce((sum, n) => sum + n, 0);
    counts("statuses", statuses, answered, () => "");
    put("answered_lines", "the " + number(answered));
    showFailedLines(live.mishaps);
    fill("hosts", live.hosts.map((each) => make("tr", "", head(plain(each.host) || "(none)"),
      right(number(each.in_flight)), right(number(each.waiting)), right(number(each.failed)),
      right(each.rest_s ? duration(each.rest_s) + " after " + plain(each.rest_why) : ""))),
      "no host is busy");
    $("routes_section").hidden = !live.routes.length;
    fill("routes", live.routes.map((each) => make("tr", "", head(each.route),
      make("td", each.waiting_lines && !each.workers ? "n warns" : "n", number(each.workers)),
      right(number(each.leased_lines)), right(number(each.waiting_lines)))), "no routes");
    showWorkers(live);
    put("leases", number(live.leases) + " (" + number(live.leased_lines) + " lines)");
    put("oldest", live.oldest ? "line " + live.oldest.line + ", for " + duration(live.oldest.age_s) +
      (live.oldest.worker ? ", at " + live.oldest.worker : ", not taken by a worker yet") : "none");
    put("waiting", number(live.waiting));
    put("redelivered", number(live.redelivered) + (live.many_redelivered ?
      ": many; workers died or stood still" : ""));
    $("redelivered").className = live.many_redelivered ? "warns" : "";
    put("job_id", live.job);
    showControls();
  }
  function unit(id, text, small) {
    const key = text + " " + small;
    if ($(id).dataset.key === key) return;
    $(id).dataset.key = key;
    $(id).replaceChildren(text, " ", make("small", "", small));
  }
  // A crawl has no total: its lines are found while it runs.
  function found(crawl) {
    return crawl ? " lines done, " + number(crawl.found) + " found so far" : " lines";
  }
  function notFollowed(crawl) {
    const all = Object.entries(crawl ? crawl.refused : {}).slice(0, 3);
    return all.length ? "· links not followed: " + all.map(([why, n]) => why + " " + number(n)).join(", ") : "";
  }
  function showProgress(live, job) {
    const isKnown = phase !== "starting"; // else its ventilator does not know yet what is done
    const total = isKnown ? live.url_lines : null, part = total ? Math.min(live.rows / total, 1) : 0;
    const percent = total === null ? "" : (Math.floor(1000 * part) / 10).toFixed(1) + " %";
    $("fill").style.width = 100 * part + "%";
    $("track").setAttribute("aria-valuenow", String(Math.floor(100 * part)));
    put("percent", percent || "–");
    const all = total === null ? found(live.crawl) :
      " of " + (live.url_lines_exact ? "" : "about ") + number(total) + " lines";
    put("done", isKnown ? number(live.rows) + all : "what is done is not known yet");
    put("left", phase === "running" && live.left_s !== null ?
      "· " + (live.left_is_least ? "at least " : "") + duration(live.left_s) + " left" :
      notFollowed(live.crawl));
    if (phase === "running" && percent) document.title = percent + " · " + job;
  }
  // In the order of the JSON; of many, only the most frequent.
  function counts(id, found, whole, colour) {
    const all = Object.entries(found).filter(([, n]) => n);
    const least = all.map(([, n]) => n).sort((a, b) => b - a)[MOST_COUNTS - 1] || 0;
    const shown = all.filter(([, n]) => n >= least).slice(0, MOST_COUNTS);
    const rest = all.reduce((sum, [, n]) => sum + n, 0) - shown.reduce((sum, [, n]) => sum + n, 0);
    if (rest) shown.push(["others", rest]);
    fill(id, shown.map(([name, n]) => {
      const title = head(plain(name));
      if (colour(name)) {
        const key = make("span", "key");
        key.style.setProperty("--key", "var(--" + name + ")");
        title.prepend(key);
      }
      return make("tr", "", title, right(number(n)), right(share(n, whole)), bar(n, whole, colour(name)));
    }), "none yet");
  }
  function showFailedLines(mishaps) {
    const items = mishaps.slice(-8).reverse().map((each) => {
      const key = make("span", "key");
      key.style.setProperty("--key", "var(--" + each.outcome + ")");
      return make("li", "",
        make("span", "what", key, each.outcome + (each.status ? " " + each.status : "")),
        make("span", "line", "line " + each.line),
        make("span", "url text", plain(each.url)),
        make("span", "said text", plain(each.error)));
    });
    $("mishaps").replaceChildren(...(items.length ? items : [make("li", "none", "none")]));
  }
  function lag(ms) {
    const cell = right((ms / 1000).toFixed(2) + " s");
    cell.classList.toggle("warns", ms >= SLOW_LAG_MS);
    return cell;
  }
  function showWorkers(live) {
    fill("workers", live.workers.map((each) => make("tr", "", head(plain(each.worker)),
      right(rate(each.rate_per_s)), right(number(each.rows)),
      right(number(each.in_flight) + "/" + number(each.slots)), right(number(each.queued)),
      right(number(each.parked)), right(number(each.leases)), lag(each.lag_ms),
      right(each.seen_s_ago.toFixed(1) + " s"))), "no worker is connected");
    $("unlisted").hidden = !live.unlisted;
    put("unlisted", "… and " + number(live.unlisted) + " more workers");
  }

  // -- plots ------------------------------------------------------------------------------------
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const short = (n) => n >= 1e6 ? n / 1e6 + " M" : n >= 1e4 ? n / 1e3 + " k" : String(+n.toPrecision(3));

  // The axis is as wide as its longest number.
  const wide = (_, values) => 14 + 7.5 * Math.max(1, ...(values || []).map((text) => text.length));
  const WHOLE = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((n) => n * 10 ** power));
  const PARTS = [.001, .002, .005, .01, .02, .05, .1, .2, .5];

  // `isCount`: the values are whole numbers, so the axis has no fractions.
  function plot(id, name, isCount) {
    const incrs = (u, _, low, high) => isCount || high > 3 ? WHOLE : [...PARTS, ...WHOLE];
    const box = $(id), tip = make("div", "tip");
    const axis = {
      stroke: () => colour("--soft"), grid: { stroke: () => colour("--line"), width: 1 },
      ticks: { show: false }, font: "12px system-ui, sans-serif",
    };
    const made = new uPlot({
      width: box.clientWidth, height: 190,
      padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: { points: { size: 7 }, drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
      axes: [
        { ...axis, space: 70, size: 28, values: "{HH}:{mm}:{ss}" },
        { ...axis, size: wide, incrs: incrs, values: (_, splits) => splits.map(short) },
      ],
      series: [{}, {
        stroke: () => colour(name), width: 2, points: { show: false },
        fill: () => colour(name) + "22",
      }],
      hooks: { setCursor: [(u) => {
        const at = u.cursor.idx;
        tip.textContent = at == null || u.data[1][at] == null ? "" :
          new Date(1000 * u.data[0][at]).toLocaleTimeString("en-GB") + "  " + rate(u.data[1][at]);
      }] },
    }, [[], []], box);
    made.over.append(tip);
    plots.push(made);
    new ResizeObserver(() => made.setSize({ width: box.clientWidth, height: 190 })).observe(box);
    return made;
  }
  function draw() {
    const times = points.slice(1).map((p) => p[0]);
    const rates = points.slice(1).map((p, index) => {
      const i = index + 1;
      // over three seconds, as commits come in bursts
      let j = Math.max(i - 1, 0);
      while (j > 0 && p[0] - points[j][0] < 3) j -= 1;
      const before = points[j], took = p[0] - before[0];
      return took > 0 ? Math.max(p[1] - before[1], 0) / took : null;
    });
    plots[0].setData([times, rates]);
    plots[1].setData([times, points.slice(1).map((p) => p[2])]);
  }
  function remember(history) {
    points.push(...history);
    while (points.length > MOST_POINTS) {
      const fresh = points.splice(points.length - 60);
      const half = points.filter((_, i) => i % 2 === 0);
      half.forEach((p, i) => { if (points[2 * i + 1]) p[2] = Math.max(p[2], points[2 * i + 1][2]); });
      points.splice(0, points.length, ...half, ...fresh);
    }
  }

  // -- asking -----------------------------------------------------------------------------------
  async function ask() {
    const since = points.length ? points[points.length - 1][0] : 0;
    const answer = await fetch("/live.json?since=" + since, {
      signal: AbortSignal.timeout(LATE_MS), cache: "no-store",
    });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) throw new Error(await answer.text());
    const moment = await answer.json();
    lastAt = Date.now();
    if (wasLost) isStopAsked = false; // it is another run of it
    wasLost = false;
    remember(moment.history);
    show(moment);
    draw();
  }
  function showLost() {
    wasLost = true;
    if (phase === "finish") { showPhase("complete"); notice("The job is complete; its page has ended with it."); }
    else if (isStopAsked || phase === "stopping") {
      phase = "stopping"; // also where its end came before it said so
      showPhase("stopped");
      notice("The job is stopped; all that is done is safe. " +
        (command ? "This command resumes it, in the directory where it was begun:" : "The same job again resumes it."), command);
    }
    else {
      showPhase("lost", "no answer");
      const since = lastAt ? " since " + new Date(lastAt).toLocaleTimeString("en-GB") : "";
      notice("The ventilator does not answer" + since + ": it has ended, is started again, or cannot be reached. What is below is old." +
        (command ? " Where it has ended, this command resumes the job:" : ""), command);
    }
    put("left", "");
    put("rate", "–");
    for (const id of ["in_flight", "parked", "worker_count"]) put(id, "–");
    showControls();
  }
  async function turn() {
    if (!document.hidden) {
      try { await ask(); } catch (error) { showLost(); }
    }
    if (!(wasLost && phase === "finish")) setTimeout(turn, wasLost ? LOST_MS : EVERY_MS);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !wasLost) ask().catch(showLost); });

  // -- commands ---------------------------------------------------------------------------------
  const STEPS = {
    pause: ["Pause the job?", "Requests in flight end, and their rows are kept. Nothing new is begun, at any worker, until you resume. No line loses its turn.", "Pause"],
    resume: ["Resume the job?", "Workers go on where they were.", "Resume"],
    stop: ["Stop the job?", "Requests in flight may finish; what is done is safe. To go on, run the same command again.", "Stop the job"],
  };
  function showControls() {
    $("controls").hidden = phase === "finish" || (wasLost && phase === "stopping");
    const isOpen = !wasLost && (phase === "running" || phase === "paused" || phase === "frozen");
    $("pause").disabled = !isOpen;
    $("stop").disabled = wasLost || phase === "stopping" || phase === "finish" || !phase;
    put("pause", phase === "paused" ? "Resume" : "Pause");
  }
  async function steer(step) {
    const [question, meaning, yes] = STEPS[step];
    put("question", question);
    put("meaning", meaning);
    put("yes", yes);
    $("yes").className = step === "stop" ? "primary danger" : "primary";
    $("confirm").returnValue = "no";
    $("confirm").showModal();
    await new Promise((done) => $("confirm").addEventListener("close", done, { once: true }));
    if ($("confirm").returnValue !== "yes") return;
    try {
      const answer = await fetch("/" + step, { method: "POST", headers: { "X-Fetcher-Word": word } });
      if (!answer.ok) throw new Error(await answer.text());
      if (step === "stop") isStopAsked = true;
      await ask();
    } catch (error) {
      if (isStopAsked) showLost();
      else notice("The command was refused: " + error.message);
    }
  }
  $("pause").addEventListener("click", () => steer(phase === "paused" ? "resume" : "pause"));
  $("stop").addEventListener("click", () => steer("stop"));

  plot("plot_rate", "--accent", false);
  plot("plot_in_flight", "--too_large", true);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plots.forEach((each) => each.redraw()));
  turn();
})();
