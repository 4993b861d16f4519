// What is wrong in a code editor: wavy lines under words, tinted lines, marked line numbers.
// code-editor.js says what a problem is.
(function () {
  "use strict";

  var CM = window.CodeMirror;
  if (!CM) {
    return;
  }
  var SEVERITY = { error: "error", warning: "warning", advice: "info" };
  var ORDER = ["info", "warning", "error"];

  // Lines that hold a problem: the line is tinted, its number is marked.
  var showLines = CM.StateEffect.define();
  class NumberMark extends CM.GutterMarker {
    constructor(severity) {
      super();
      this.elementClass = "code-line-" + severity;
    }
  }
  var marks = { error: new NumberMark("error"), warning: new NumberMark("warning"), info: new NumberMark("info") };

  function linesOf(diagnostics, doc) {
    var worst = {};
    diagnostics.forEach(function (each) {
      var from = doc.lineAt(each.from).from;
      if (ORDER.indexOf(each.severity) > ORDER.indexOf(worst[from])) {
        worst[from] = each.severity;
      }
    });
    var starts = Object.keys(worst).map(Number);
    return {
      lines: CM.RangeSet.of(starts.map(function (from) {
        return CM.Decoration.line({ class: "code-line-" + worst[from] }).range(from);
      }), true),
      numbers: CM.RangeSet.of(starts.map(function (from) { return marks[worst[from]].range(from); }), true),
    };
  }

  var lines = CM.StateField.define({
    create: function () { return { lines: CM.RangeSet.empty, numbers: CM.RangeSet.empty }; },
    update: function (value, change) {
      var now = value;
      if (change.docChanged) {
        now = { lines: now.lines.map(change.changes), numbers: now.numbers.map(change.changes) };
      }
      change.effects.forEach(function (effect) {
        if (effect.is(showLines)) {
          now = linesOf(effect.value, change.newDoc);
        }
      });
      return now;
    },
    provide: function (field) {
      return [
        CM.EditorView.decorations.from(field, function (value) { return value.lines; }),
        CM.gutterLineClass.from(field, function (value) { return value.numbers; }),
      ];
    },
  });

  // Offset of a place whose line and column count characters from 1; a place beyond the end is the end.
  function offset(doc, line, column) {
    var there = doc.line(Math.min(Math.max(line || 1, 1), doc.lines));
    return there.from + Array.from(there.text).slice(0, Math.max((column || 1) - 1, 0)).join("").length;
  }

  function diagnostic(doc, problem) {
    var from = offset(doc, problem.line, problem.column);
    var line = doc.lineAt(from);
    var to = line.to;
    if (problem.column && problem.length) {
      to = offset(doc, problem.line, problem.column + problem.length);
    } else if (problem.column) {
      var word = /^(\{\{.*?\}\}|\{%.*?%\}|[\w.]+|.)/u.exec(line.text.slice(from - line.from));
      to = from + (word ? word[0].length : 0);
    } else {
      from += /^\s*/.exec(line.text)[0].length;
    }
    return {
      from: from,
      to: to,
      severity: SEVERITY[problem.severity] || "error",
      message: problem.message,
      markClass: problem.column ? "" : "code-whole",
    };
  }

  window.codeProblems = {
    lines: lines,
    offset: offset,
    show: function (view, problems) {
      var found = problems.map(function (each) { return diagnostic(view.state.doc, each); });
      view.dispatch(CM.setDiagnostics(view.state, found), { effects: showLines.of(found) });
    },
  };
})();
