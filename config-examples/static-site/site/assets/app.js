// Says below the page how long the server took to send it.
addEventListener("load", () => {
  const [page] = performance.getEntriesByType("navigation");
  const footer = document.createElement("footer");
  footer.textContent = `Served in ${Math.round(page.responseEnd - page.requestStart)} ms.`;
  document.body.append(footer);
});
