// Narrows the help page down to the questions that hold all words typed. Without this file the
// box stays hidden and the browser's own search does it.
(function () {
  "use strict";

  var box = document.getElementById("help-find");
  var none = document.querySelector("#help-none span");
  var questions = Array.from(document.querySelectorAll("[data-question]"));

  function plain(text) {
    return text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  }

  var texts = questions.map(function (question) {
    return plain(question.textContent);
  });

  function narrow() {
    var words = plain(box.value).split(/\s+/).filter(Boolean);
    questions.forEach(function (question, number) {
      question.hidden = !words.every(function (word) {
        return texts[number].includes(word);
      });
    });
    document.querySelectorAll("[data-topic]").forEach(function (topic) {
      topic.hidden = !topic.querySelector("[data-question]:not([hidden])");
    });
    none.hidden = questions.some(function (question) {
      return !question.hidden;
    });
  }

  // A link to a question that the box has hidden shows it.
  window.addEventListener("hashchange", function () {
    var target = document.getElementById(location.hash.slice(1));
    if (target && target.closest("[hidden]")) {
      box.value = "";
      narrow();
      target.scrollIntoView();
    }
  });

  box.closest("[hidden]").hidden = false;
  box.addEventListener("input", narrow);
})();
