// Draws the pictures of a report. What they hold stands in the file as JSON; nothing is fetched.
for (const place of document.querySelectorAll("[data-figure]")) {
  const { data, layout } = JSON.parse(document.getElementById(place.dataset.figure).textContent);
  Plotly.newPlot(place, data, layout, { displayModeBar: false, responsive: false });
}
document.documentElement.dataset.drawn = String(document.querySelectorAll("[data-figure] .main-svg").length);
