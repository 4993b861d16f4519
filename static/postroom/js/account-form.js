// A sender account's form: the user name follows the address, the encryption follows the port, and
// a chosen hoster fills in its server, until somebody types their own.
(function () {
  "use strict";

  var form = document.querySelector("[data-account-form]");
  var MODES = { 25: "starttls", 465: "implicit", 587: "starttls", 2525: "starttls" };
  var source = document.getElementById("hosters");
  var hosters = source ? JSON.parse(source.textContent) : {};

  if (!form) {
    return;
  }
  var field = form.elements;

  // After a refusal: to the first field that is to be mended.
  var wrong = form.querySelector("[aria-invalid=true]");
  if (wrong) {
    var folded = wrong.closest("details");
    if (folded) {
      folded.open = true;
    }
    wrong.focus();
    wrong.scrollIntoView({ block: "center" });
  }

  function login(style) {
    var address = field.from_address ? field.from_address.value.trim() : "";
    return style === "other" ? "" : style === "local" ? address.split("@")[0] : address;
  }

  function put(name, value) {
    if (field[name] && value !== null && value !== undefined) {
      field[name].value = value;
    }
  }

  function chosen() {
    return field.preset && hosters[field.preset.value];
  }

  function explain() {
    form.querySelectorAll("[data-hoster]").forEach(function (each) {
      each.hidden = !field.preset || each.dataset.hoster !== field.preset.value;
    });
  }

  if (field.from_address && field.username) {
    var follows = field.username.value === "" || field.username.value === field.from_address.value;
    field.username.addEventListener("input", function () { follows = field.username.value === ""; });
    field.from_address.addEventListener("input", function () {
      if (follows) {
        field.username.value = login(chosen() ? chosen().login : "address");
      }
    });
  }
  if (field.port && field.tls_mode) {
    field.port.addEventListener("input", function () {
      if (MODES[field.port.value]) {
        field.tls_mode.value = MODES[field.port.value];
      }
    });
  }
  if (field.preset) {
    explain();
    field.preset.addEventListener("change", function () {
      var hoster = chosen();
      explain();
      if (!hoster) {
        return;
      }
      ["host", "port", "tls_mode", "concurrency"].forEach(function (name) {
        put(name, hoster[name]);
      });
      put("username", login(hoster.login));
      put("per_day", hoster.per_day === null ? "" : hoster.per_day);
      put("per_minute", hoster.per_minute === null ? "" : hoster.per_minute);
      if (hoster.imap_host) {
        put("imap_host", hoster.imap_host);
        put("imap_port", hoster.imap_port);
        put("imap_username", login(hoster.login));
      }
      follows = true;
    });
  }
})();
