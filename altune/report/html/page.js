"use strict";
(function () {
  const NARROW = 620;

  // Names beside the lines need space; a narrow screen shows the legend instead.
  function fit(plot) {
    const narrow = plot.clientWidth < NARROW;
    if (plot.dataset.narrow === String(narrow)) return;
    plot.dataset.narrow = String(narrow);
    const meta = plot.layout.meta || {};
    const labels = (plot.layout.annotations || []).filter((note) => note.name === "direct");
    const change = { "margin.r": narrow ? meta.narrow_right : meta.wide_right };
    (plot.layout.annotations || []).forEach((note, i) => {
      if (note.name === "direct") change["annotations[" + i + "].visible"] = !narrow;
    });
    if (labels.length) {
      change.showlegend = narrow;
      change.height = Number(plot.dataset.height) + (narrow ? 28 * (labels.length + 1) : 0);
    }
    // A figure may have its own layout for a narrow screen, such as panels above each other.
    window.Plotly.relayout(plot, Object.assign(change, narrow ? meta.narrow : meta.wide));
  }

  // Draw one figure at a time, so that a page with many figures responds from the start.
  const waiting = [...document.querySelectorAll(".plot")];
  function draw() {
    const plot = waiting.shift();
    if (!plot) return Promise.resolve();
    const spec = JSON.parse(document.getElementById(plot.id + "-data").textContent);
    plot.dataset.height = spec.layout.height;
    const config = { responsive: true, displayModeBar: false, displaylogo: false, scrollZoom: false, doubleClick: false };
    return window.Plotly.newPlot(plot, spec.data, spec.layout, config).then(() => fit(plot));
  }
  function drawRest() {
    if (waiting.length) draw().then(() => setTimeout(drawRest, 0));
  }
  drawRest();
  window.addEventListener("beforeprint", () => { while (waiting.length) draw(); });
  window.addEventListener("resize", () => document.querySelectorAll(".plot[data-narrow]").forEach(fit));

  // A table that is wider than the screen says so.
  function hint() {
    document.querySelectorAll(".hint").forEach((note) => {
      const table = note.nextElementSibling;
      note.hidden = table.scrollWidth <= table.clientWidth + 1;
    });
  }
  hint();
  window.addEventListener("resize", hint);

  function copyBySelection(code) {
    const range = document.createRange();
    range.selectNodeContents(code);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand("copy");
  }

  document.querySelectorAll(".copy").forEach((button) => {
    const code = document.getElementById(button.dataset.copies);
    const status = document.getElementById("status");
    const say = (worked) => {
      button.textContent = worked ? "Copied" : "Press Ctrl+C";
      status.textContent = worked ? "Copied to the clipboard" : "Selected; press Ctrl+C to copy";
      setTimeout(() => { button.textContent = "Copy"; status.textContent = ""; }, 2500);
    };
    button.addEventListener("click", () => {
      const fallback = () => say(copyBySelection(code));
      if (!navigator.clipboard) { fallback(); return; }
      navigator.clipboard.writeText(code.textContent).then(() => say(true), fallback);
    });
  });
})();
