// Asks before something that cannot be taken back: <form data-confirm="Question">, with
// data-confirm-yes naming what will happen; htmx elements say hx-confirm="Question" as usual.
(function () {
  "use strict";

  var dialog = document.getElementById("confirm");
  if (!dialog || !dialog.showModal) {
    return;
  }
  var text = dialog.querySelector("[data-confirm-text]");
  var yes = dialog.querySelector("[data-confirm-go]");
  var usual = yes.textContent;
  var agreed = null;

  function ask(question, label, then) {
    text.textContent = question;
    yes.textContent = label || usual;
    agreed = then;
    dialog.returnValue = "";
    dialog.showModal();
  }

  dialog.addEventListener("close", function () {
    var then = agreed;
    agreed = null;
    if (dialog.returnValue === "yes" && then) {
      then();
    }
  });

  document.addEventListener("submit", function (submit) {
    var form = submit.target;
    var button = submit.submitter;
    var source = button && button.dataset.confirm ? button : form;
    if (!source.dataset.confirm || form.dataset.agreed) {
      return;
    }
    submit.preventDefault();
    submit.stopImmediatePropagation();
    ask(source.dataset.confirm, source.dataset.confirmYes, function () {
      form.dataset.agreed = "yes";
      form.requestSubmit(button);
      delete form.dataset.agreed;
    });
  }, true);

  document.addEventListener("htmx:confirm", function (asked) {
    if (!asked.detail.question) {
      return;
    }
    asked.preventDefault();
    ask(asked.detail.question, asked.detail.elt.dataset.confirmYes, function () {
      asked.detail.issueRequest(true);
    });
  });

  // Any other dialog: <button data-dialog="id"> opens <dialog id="id">.
  document.addEventListener("click", function (click) {
    var opener = click.target.closest("[data-dialog]");
    var other = opener && document.getElementById(opener.dataset.dialog);
    if (other) {
      click.preventDefault();
      other.showModal();
    }
    if (click.target.closest("[data-dialog-close]")) {
      click.target.closest("dialog").close();
    }
  });
})();
