(() => {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const cards = all(".card");
  const bars = all(".bar");
  const classButtons = all("[data-class]");
  const PAGE = 40;
  let pages = 1;

  const setMask = (element, percent) =>
    element.style.setProperty("--mask", percent / 100);

  function shareOneMaskSlider() {
    const slider = byId("opacity");
    if (!slider) return;
    const own = all(".own input");
    const apply = () => {
      byId("opacity-value").textContent = `${slider.value}%`;
      setMask(document.documentElement, slider.value);
      for (const input of own) {
        input.value = slider.value;
        input.closest(".card").style.removeProperty("--mask");
      }
    };
    slider.addEventListener("input", apply);
    for (const input of own) {
      input.addEventListener("input", () =>
        setMask(input.closest(".card"), input.value),
      );
    }
    apply();
  }

  const valueOf = (id) => {
    const input = byId(id);
    return input && input.value !== "" ? input.value : null;
  };
  const scoreOf = (card) => {
    const by = valueOf("by");
    return by in card.dataset ? Number(card.dataset[by]) : NaN;
  };

  const orders = {
    best: (a, b) => scoreOf(b) - scoreOf(a),
    worst: (a, b) => scoreOf(a) - scoreOf(b),
    name: (a, b) =>
      a.dataset.name.localeCompare(b.dataset.name, undefined, { numeric: true }),
  };

  function sort() {
    cards.sort(orders[byId("sort").value]);
    byId("cards").append(...cards);
    show();
  }

  function filter() {
    pages = 1;
    show();
  }

  function show() {
    const wanted = valueOf("class");
    const lowest = valueOf("lowest");
    const highest = valueOf("highest");
    const fits = (card) =>
      (wanted === null || card.dataset.classes.split(" ").includes(wanted)) &&
      (lowest === null || scoreOf(card) >= Number(lowest)) &&
      (highest === null || scoreOf(card) <= Number(highest));
    const fitting = cards.filter(fits);
    const shown = new Set(fitting.slice(0, pages * PAGE));
    for (const card of cards) card.hidden = !shown.has(card);

    const filtered = wanted !== null || lowest !== null || highest !== null;
    byId("count").textContent = filtered
      ? `${fitting.length} of ${cards.length} photos`
      : `${cards.length} photos`;
    byId("all").disabled = !filtered;
    byId("nothing").hidden = fitting.length > 0;
    const left = fitting.length - shown.size;
    byId("more").hidden = left === 0;
    byId("more").textContent = `Show ${Math.min(left, PAGE)} more of ${left}`;
    for (const button of classButtons) {
      button.setAttribute("aria-pressed", button.dataset.class === wanted);
    }
    for (const bar of bars) {
      bar.setAttribute("aria-pressed", isChosen(bar));
    }
  }

  const isChosen = (bar) =>
    valueOf("by") === bar.dataset.by &&
    valueOf("lowest") === bar.dataset.low && valueOf("highest") === bar.dataset.high;

  function showScale() {
    const by = byId("by");
    if (!by) return;
    const scale = by.selectedOptions[0].dataset;
    for (const id of ["lowest", "highest"]) {
      byId(id).min = scale.low;
      byId(id).max = scale.high;
    }
    byId("lowest").placeholder = scale.low;
    byId("highest").placeholder = scale.high;
  }

  function chooseBy() {
    byId("lowest").value = "";
    byId("highest").value = "";
    showScale();
    sort();
    filter();
  }

  function chooseScores(bar) {
    const chosen = isChosen(bar);
    byId("by").value = bar.dataset.by;
    showScale();
    byId("lowest").value = chosen ? "" : bar.dataset.low;
    byId("highest").value = chosen ? "" : bar.dataset.high;
    sort();
    filter();
  }

  function chooseClass(button) {
    const select = byId("class");
    select.value = select.value === button.dataset.class ? "" : button.dataset.class;
    filter();
  }

  function listen() {
    const form = byId("tools");
    if (!form) return;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => {
      if (event.target.id === "sort") sort();
      else if (event.target.id === "by") chooseBy();
      else if (event.target.id !== "opacity") filter();
    });
    byId("all").addEventListener("click", (event) => {
      event.preventDefault();
      for (const id of ["class", "lowest", "highest"]) {
        if (byId(id)) byId(id).value = "";
      }
      filter();
    });
    byId("more").addEventListener("click", () => {
      pages += 1;
      show();
    });
    for (const button of classButtons) {
      button.addEventListener("click", () => chooseClass(button));
    }
    for (const bar of bars) {
      bar.addEventListener("click", () => chooseScores(bar));
      bar.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        chooseScores(bar);
      });
    }
    showScale();
    // A browser may bring back what was typed before the page was loaded again.
    sort();
  }

  function offerCopy() {
    const button = byId("copy");
    if (!button) return;
    button.addEventListener("click", async () => {
      const command = byId("command");
      try {
        await navigator.clipboard.writeText(command.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(command);
        button.textContent = "Selected";
      }
    });
  }

  shareOneMaskSlider();
  listen();
  offerCopy();
})();
