"use strict";
// Without this script everything but the large comparison and the keys works.
(() => {
  const cards = [...document.querySelectorAll(".card")];
  let current = -1;
  let timer = 0;

  const close = (card) => {
    clearInterval(timer);
    const large = card.querySelector(".large");
    if (!large) return;
    large.hidden = true;
    card.querySelector('[data-mode="close"]').hidden = true;
    card.querySelectorAll("[data-mode]").forEach((button) => button.classList.remove("on"));
  };

  const open = (card, mode) => {
    const large = card.querySelector(".large");
    if (!large) return;
    const wasOn = !large.hidden && large.classList.contains(mode);
    cards.forEach(close);
    if (wasOn) return;
    large.hidden = false;
    large.className = "large " + mode;
    card.querySelector('[data-mode="close"]').hidden = false;
    card.querySelector(`[data-mode="${mode}"]`).classList.add("on");
    const tag = large.querySelector(".tag");
    tag.textContent = mode === "slide" ? "accepted | now" : "now";
    if (mode === "blink") {
      timer = setInterval(() => {
        tag.textContent = large.classList.toggle("first") ? "accepted" : "now";
      }, 450);
    }
  };

  const show = (index) => {
    if (!cards.length) return;
    current = Math.max(0, Math.min(cards.length - 1, index));
    cards.forEach((card, place) => card.classList.toggle("current", place === current));
    cards[current].scrollIntoView({ block: "start" });
  };

  cards.forEach((card, index) => {
    card.addEventListener("click", () => { current = index; });
    card.querySelectorAll("[data-mode]").forEach((button) => button.addEventListener("click", () => {
      button.dataset.mode === "close" ? close(card) : open(card, button.dataset.mode);
    }));
    const large = card.querySelector(".large");
    if (large) {
      large.addEventListener("pointermove", (event) => {
        const edges = large.getBoundingClientRect();
        const share = Math.max(0, Math.min(1, (event.clientX - edges.left) / edges.width));
        large.style.setProperty("--cut", 100 * share + "%");
      });
    }
    const copy = card.querySelector(".copy");
    if (copy) {
      copy.addEventListener("click", () => {
        const command = card.querySelector(".command");
        const done = () => { copy.textContent = "copied"; };
        const select = () => getSelection().selectAllChildren(command);
        navigator.clipboard ? navigator.clipboard.writeText(command.textContent).then(done, select) : select();
      });
    }
  });

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j") show(current + 1);
    if (event.key === "k") show(current - 1);
    if (event.key === "s" && cards.length) open(cards[Math.max(0, current)], "slide");
    if (event.key === "b" && cards.length) open(cards[Math.max(0, current)], "blink");
  });
})();
