// The verdict, the objectives and the charts of the Broadcast tab, in a section of their own below Locust's table;
// and, on every tab, how the last run came out, with the way to its report. Reads ./broadcast/state.
// The section is the last child of the container that React fills: React takes away its own children only, and where
// it adds one behind ours, ours is moved to the end again.
"use strict";
(() => {
  const POLL_MS = 1000, LOOK_MS = 250, IDLE_POLLS = 3;
  const COLOURS = ["#1f8fd1", "#e69f00", "#2fa37c", "#d1669e"];
  const CHARTS = [
    { title: "Delivery latency (ms)", match: /_p(50|99)$/s, not: /^(generator_delay|loop_lag)_p99$/ },
    { title: "Events received a second, clients connected", match: /^(received|connected)$/ },
    { title: "Our own delay (ms): receive to read, and event loop", match: /^(generator_delay|loop_lag)_p99$/ },
  ];
  const make = (tag, parent, text, className) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    if (parent) parent.append(made);
    return made;
  };
  const number = (value) => (value === null || value === undefined ? "–" :
    Number(value).toLocaleString("en", { maximumSignificantDigits: Math.abs(value) >= 1000 ? 21 : 4 }));

  const outcome = make("div", document.body);
  outcome.id = "broadcast-outcome";
  outcome.setAttribute("role", "status");
  const section = make("section");
  section.id = "broadcast";
  outcome.hidden = section.hidden = true;
  const head = make("div", section);
  const reasons = make("ul", section);
  const charts = make("div", section, undefined, "charts");
  const rest = make("div", section);

  let data = null, columns = [], labels = [], plots = [], runId = "", dismissed = "", turn = 0;

  const drawCharts = () => {
    charts.replaceChildren();
    plots = [];
    const ink = getComputedStyle(document.body).color;
    const axis = { stroke: ink, grid: { stroke: "rgb(128 128 128 / 25%)" }, ticks: { stroke: "rgb(128 128 128 / 25%)" } };
    for (const chart of CHARTS) {
      const own = columns.map((name, at) => ({ name, at, label: labels[at] }))
        .filter(({ name }) => chart.match.test(name) && !(chart.not && chart.not.test(name)));
      if (!own.length) continue;
      const box = make("div", charts);
      make("h3", box, chart.title);
      const series = own.map(({ label }, place) => ({
        label, stroke: COLOURS[place % COLOURS.length], width: 1.5, points: { show: false },
        value: (_, value) => number(value),
      }));
      const plot = new uPlot({
        width: box.clientWidth || 440, height: 210, series: [{ label: "time" }, ...series], axes: [axis, { ...axis, size: 60 }],
        scales: { y: { range: (_, low, high) => [0, (high || 1) * 1.05] } },
      }, [[], ...own.map(() => [])], box);
      plots.push({ plot, own, box });
    }
  };

  const showCharts = (curves) => {
    if (curves.columns.join() !== columns.join() || !plots.length) {
      columns = curves.columns;
      labels = curves.labels;
      drawCharts();
    }
    data.push(...curves.rows);
    data.splice(0, Math.max(data.length - 1800, 0));
    for (const { plot, own, box } of plots) {
      if (plot.width !== box.clientWidth) plot.setSize({ width: box.clientWidth, height: 210 });
      plot.setData([data.map((row) => row[0]), ...own.map(({ at }) => data.map((row) => row[at]))]);
    }
  };

  const table = (parent, title, headings, rows) => {
    if (!rows.length) return;
    make("h3", parent, title);
    const made = make("table", parent);
    const line = make("tr", make("thead", made));
    headings.forEach((heading) => make("th", line, heading));
    const body = make("tbody", made);
    for (const row of rows) {
      const line = make("tr", body);
      row.forEach((cell) => make("td", line, String(cell), /^[-+–\d.,]+$/.test(cell) ? "number" : ""));
    }
  };

  const show = (found) => {
    head.replaceChildren();
    const word = found.outcome || found.state.toUpperCase();
    make("span", head, word, `verdict ${found.outcome ? found.outcome.toLowerCase() : found.verdict}`);
    if (found.verdict) make("span", head, `${found.verdict}${found.outcome ? "" : " so far"}`, "validity");
    const name = found.run_id ? `Run ${found.run_id}, ${number(Math.round(found.elapsed_s))} s` : "No run yet";
    make("span", head, found.finishing ? `${name}: it is over, and counting` : name);
    reasons.replaceChildren();
    [found.why, found.outcome_line, ...found.reasons].filter(Boolean).forEach((reason) => make("li", reasons, reason));
    rest.replaceChildren();
    table(rest, "Objectives", ["Objective", "Measured", "", "Limit", "So far"], found.objectives.map((row) => [
      row.title, number(row.value), row.comparison, number(row.limit),
      row.word,
    ]));
    if (!found.run_id) return;
    const { triggers, deliveries, connections } = found;
    table(rest, "Counts", ["", ""], [
      ["Triggers due", number(triggers.due)], ["Triggers sent", number(triggers.sent)],
      ["Triggers missed, refused or failed", number(triggers.missed + triggers.refused + triggers.failed)],
      ["Triggers whose work is not done", number(found.unfinished_triggers)],
      ["Deliveries corrupt, or of another run", number(deliveries.corrupt + deliveries.foreign)],
      ["Connections lost", number(connections.lost)], ["Connects failed", number(found.connect_ms.failed)],
    ]);
    table(rest, "Failures", ["Reason", "Times"], Object.entries(found.failures).map(([why, count]) => [why, number(count)]));
  };

  const showOutcome = (found) => {
    const key = `${found.state} ${found.run_id || found.why}`;
    outcome.hidden = !(["ended", "failed"].includes(found.state)) || dismissed === key;
    if (outcome.hidden || outcome.dataset.key === key) return;
    outcome.dataset.key = key;
    outcome.className = found.state === "failed" || ["INVALID", "FAILED"].includes(found.outcome) ? "bad" :
      found.outcome === "PASSED" ? "good" : "";
    outcome.replaceChildren();
    make("span", outcome, found.state === "failed" ? found.why : `${found.outcome}: run ${found.run_id}`);
    if (found.report) make("a", outcome, "Open the report", "report").href = found.report;
    if (found.record) make("a", outcome, "Download the record", "record").href = found.record;
    outcome.querySelectorAll("a.report").forEach((link) => { link.target = "_blank"; });
    const close = make("button", outcome, "✕");
    close.setAttribute("aria-label", "Dismiss");
    close.onclick = () => { dismissed = key; outcome.hidden = true; };
  };

  const container = () => {
    const tabs = document.querySelector("[role=tablist]");
    return tabs && tabs.closest(".MuiContainer-root");
  };

  const look = () => {
    const place = container();
    const shown = place !== null && new URLSearchParams(location.search).get("tab") === "broadcast";
    document.body.classList.toggle("broadcast-shown", shown);
    if (shown && place.lastElementChild !== section) place.append(section);
    if (section.hidden === shown) {
      section.hidden = !shown;
      turn = 0;
      if (shown) poll();
    }
  };

  let asking = false;
  const poll = async () => {
    if (asking || document.hidden || (section.hidden && turn++ % IDLE_POLLS)) return;
    asking = true;
    try {
      const after = data && data.length ? data[data.length - 1][0] : 0;
      const answer = await fetch(`./broadcast/state?after=${section.hidden ? 2 ** 53 : after}`);
      if (!answer.ok) return;
      const found = await answer.json();
      if ((found.run_id || "") !== runId || data === null) {
        runId = found.run_id || "";
        data = [];
      }
      showOutcome(found);
      if (!section.hidden) {
        show(found);
        if (found.curves) showCharts(found.curves);
      }
    } catch (error) {
      // The master is gone, or restarts: Locust's own page says so.
      console.debug("broadcast:", error);
    } finally {
      asking = false;
    }
  };

  setInterval(look, LOOK_MS);
  setInterval(poll, POLL_MS);
  poll();
})();
