// "Find a page" (Ctrl K): filters the menu by label, by the name other shop software gives the
// page and by words of other languages (data-find). Letters are compared without accents.
(function () {
  "use strict";

  var box = document.getElementById("find-page");
  if (!box) {
    return;
  }
  var side = document.getElementById("menu");
  var links = Array.prototype.slice.call(side.querySelectorAll("[data-find]"));
  var groups = Array.prototype.slice.call(side.querySelectorAll("[data-group]"));
  var none = side.querySelector("[data-find-none]");
  var at = -1;

  function fold(text) {
    return text.toLowerCase().replace(/ł/g, "l").replace(/ø/g, "o").replace(/æ/g, "ae").replace(/ß/g, "ss")
      .normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[^a-z0-9]+/g, " ").trim();
  }

  links.forEach(function (link) {
    link.words = link.dataset.find.split("|").map(function (word) {
      return { shown: word, folded: fold(word) };
    });
  });

  // The word that fits: the label's own (index 0) says nothing new, another one is shown beside it.
  function match(link, asked) {
    var parts = fold(asked).split(" ");
    return link.words.findIndex(function (word) {
      return parts.every(function (part) { return word.folded.includes(part); });
    });
  }

  function visible() {
    return links.filter(function (link) { return !link.parentElement.hidden; });
  }

  function mark(index) {
    var found = visible();
    links.forEach(function (link) { link.classList.remove("at"); });
    at = found.length ? (index + found.length) % found.length : -1;
    if (at >= 0 && box.value) {
      found[at].classList.add("at");
      found[at].scrollIntoView({ block: "nearest" });
      box.setAttribute("aria-activedescendant", found[at].id);
    } else {
      box.removeAttribute("aria-activedescendant");
    }
  }

  function filter() {
    links.forEach(function (link) {
      var index = box.value ? match(link, box.value) : 0;
      var hint = link.querySelector(".as");
      link.parentElement.hidden = index < 0;
      hint.textContent = index > 0 ? link.words[index].shown : "";
      hint.hidden = index <= 0;
    });
    groups.forEach(function (group) {
      group.hidden = !group.querySelector("li:not([hidden])");
    });
    none.hidden = visible().length > 0;
    mark(0);
  }

  function leave() {
    box.value = "";
    filter();
    box.blur();
  }

  box.addEventListener("input", filter);
  box.addEventListener("keydown", function (key) {
    if (key.key === "ArrowDown" || key.key === "ArrowUp") {
      key.preventDefault();
      mark(at + (key.key === "ArrowDown" ? 1 : -1));
    } else if (key.key === "Enter" && at >= 0 && box.value) {
      key.preventDefault();
      visible()[at].click();
    } else if (key.key === "Escape" && box.value) {
      key.stopPropagation();
      leave();
    }
  });

  document.addEventListener("keydown", function (key) {
    if ((key.ctrlKey || key.metaKey) && key.key.toLowerCase() === "k") {
      key.preventDefault();
      var burger = document.querySelector("[data-menu-open]");
      if (burger.offsetParent !== null && !side.classList.contains("open")) {
        burger.click();
      }
      box.focus();
      box.select();
    }
  });
})();
