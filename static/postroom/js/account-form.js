// A sender account's form: the user name follows the address and the encryption follows the port,
// until somebody types their own.
(function () {
  "use strict";

  var form = document.querySelector("[data-account-form]");
  var address = form && form.elements.from_address;
  var username = form && form.elements.username;
  var port = form && form.elements.port;
  var mode = form && form.elements.tls_mode;
  var MODES = { 25: "starttls", 465: "implicit", 587: "starttls", 2525: "starttls" };

  if (address && username) {
    var follows = username.value === "" || username.value === address.value;
    username.addEventListener("input", function () { follows = username.value === ""; });
    address.addEventListener("input", function () {
      if (follows) {
        username.value = address.value.trim();
      }
    });
  }
  if (port && mode) {
    port.addEventListener("input", function () {
      if (MODES[port.value]) {
        mode.value = MODES[port.value];
      }
    });
  }
})();
