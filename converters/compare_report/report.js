"use strict";
(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);

  const theme = byId("theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  const controls = byId("controls");
  if (controls) {
    controls.hidden = false;
    const toggles = [["heat", "show-heat"], ["pixels", "show-pixels"], ["alternate", "alternate"]];
    for (const [id, name] of toggles) {
      const box = byId(id);
      const apply = () => document.body.classList.toggle(name, box.checked);
      box.addEventListener("change", apply);
      apply();
    }
    const opacity = byId("opacity");
    opacity.addEventListener("input", () => {
      root.style.setProperty("--heat", opacity.value / 100);
      if (!byId("heat").checked) byId("heat").click();
    });
    const zoom = byId("zoom");
    zoom.addEventListener("input", () => root.style.setProperty("--zoom", `${zoom.value}px`));
  }

  for (const figure of document.querySelectorAll(".gallery figure")) {
    const pair = figure.querySelector(".pair");
    const cut = figure.querySelector(".cut");
    const apply = () => figure.style.setProperty("--cut", `${cut.value}%`);
    const follow = (event) => {
      const box = pair.getBoundingClientRect();
      cut.value = ((event.clientX - box.left) / box.width) * 100;
      apply();
    };
    cut.addEventListener("input", apply);
    pair.addEventListener("pointerdown", (event) => {
      pair.setPointerCapture(event.pointerId);
      cut.focus({ preventScroll: true });
      event.preventDefault();
      follow(event);
    });
    pair.addEventListener("pointermove", (event) => {
      if (pair.hasPointerCapture(event.pointerId)) follow(event);
    });
    apply();
  }
})();
