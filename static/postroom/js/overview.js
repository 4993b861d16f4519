// The overview's chart: 30 days of mail, stacked, in the colours of the page's mode.
(function () {
  "use strict";

  var canvas = document.getElementById("mail-chart");
  var source = document.getElementById("mail-chart-data");
  if (!canvas || !source || !window.Chart) {
    return;
  }
  var data = JSON.parse(source.textContent);
  var last = data.labels.length - 1;
  data.labels[last] = data.today;

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--pr-" + name).trim();
  }

  function dataset(index, name, values) {
    return { label: data.names[index], data: values, token: name, borderWidth: 0, barPercentage: 0.85, categoryPercentage: 0.8 };
  }

  // Today, and the same day of the weeks before.
  function weekly(value) {
    return (last - value) % 7 === 0 ? data.labels[value] : "";
  }

  var chart = new window.Chart(canvas, {
    type: "bar",
    data: {
      labels: data.labels,
      datasets: [dataset(0, "chart-ok", data.accepted), dataset(1, "chart-warn", data.bounced), dataset(2, "chart-bad", data.failed)]
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: { legend: { display: false } },
      scales: {
        x: { stacked: true, grid: { display: false }, border: { display: false }, ticks: { maxRotation: 0, autoSkip: false, callback: weekly } },
        y: { stacked: true, beginAtZero: true, suggestedMax: 4, border: { display: false }, ticks: { precision: 0, maxTicksLimit: 5 } }
      }
    }
  });

  function paint() {
    chart.data.datasets.forEach(function (set) {
      set.backgroundColor = set.data.map(function (_, day) {
        return set.token === "chart-ok" && day === last ? colour("chart-now") : colour(set.token);
      });
    });
    Object.keys(chart.options.scales).forEach(function (axis) {
      chart.options.scales[axis].ticks.color = colour("text-3");
      chart.options.scales[axis].ticks.font = { family: "Inter", size: 11 };
    });
    chart.options.scales.y.grid = { color: colour("line") };
    chart.update("none");
  }

  paint();
  new MutationObserver(paint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
})();
