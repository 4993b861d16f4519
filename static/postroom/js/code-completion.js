// What the code editor offers while somebody writes Liquid: variables in {{ }} and {% %}, filters
// after |, tags after {%. A source for CodeMirror's autocompletion; code-editor.js gives it the
// page's lists:
//   variables  [{"name": "order.number", "label": "Order number", "kind": "text", "sample": "10482"}]
//              kind "list": offered after "in". What its items hold says so: {"name": "item.name",
//              "of": "order.items"}, and is offered only in a loop over that list, by the loop's name.
//   filters    [{"name": "money", "label": "With the currency"}]
//   tags       the same; without it, the tags below
(function () {
  "use strict";

  var BLOCKS = ["if", "unless", "for", "case", "capture", "comment", "raw", "tablerow"];
  var BARE = ["else", "break", "continue", "comment", "raw"];
  var TAGS = ["if", "elsif", "else", "unless", "for", "break", "continue", "case", "when", "assign",
    "capture", "cycle", "comment", "raw"];
  var EXPECTS_VALUE = /(?:^-?|[=<>:,([]|\b(?:and|case|contains|cycle|echo|elsif|if|in|or|unless|when))\s*$/;

  // What is inside the unfinished {{ or {% before the cursor, or null: in the text, or in quotes.
  function unfinished(before) {
    var start = Math.max(before.lastIndexOf("{{"), before.lastIndexOf("{%"));
    var inside = before.slice(start + 2);
    var closed = /[%}]\}/.test(inside);
    var quoted = /["']/.test(inside.replace(/"[^"]*"|'[^']*'/g, ""));
    if (start < 0 || closed || quoted) {
      return null;
    }
    return { tag: before.charAt(start + 1) === "%", inside: inside };
  }

  // Blocks that are open, the innermost last, and names that the template gave itself.
  function readTags(before) {
    var open = [], names = [], found;
    var tag = /\{%-?\s*(\w+)\s*([^%]*?)-?%\}/g;
    while ((found = tag.exec(before))) {
      var loop = found[1] === "for" && /^(\w+)\s+in\s+([\w.]+)/.exec(found[2]);
      var given = /^(?:assign|capture)$/.test(found[1]) && /^\w+/.exec(found[2]);
      if (BLOCKS.indexOf(found[1]) >= 0) {
        open.push({ tag: found[1], item: loop && loop[1], list: loop && loop[2] });
      } else if (open.length && found[1] === "end" + open[open.length - 1].tag) {
        open.pop();
      }
      if (given && names.indexOf(given[0]) < 0) {
        names.push(given[0]);
      }
    }
    return { open: open, names: names };
  }

  // Inserts what was chosen, with the blanks and the closing braces that are still missing.
  function put(close, bare, more) {
    return function (view, chosen, from, to) {
      var doc = view.state.doc, line = doc.lineAt(to), after = doc.sliceString(to, line.to);
      var lead = /\{[{%]-?$/.test(doc.sliceString(line.from, from)) ? " " : "";
      var text = lead + chosen.label + (more ? " " : "");
      var closed = /^[^{}%]*[%}]\}/.test(after);
      var tail = closed ? (/^-?[%}]\}/.test(after) ? " " : "") : " " + close;
      var ahead = bare ? (/^ ?[%}]\}/.exec(after) || [""])[0].length + tail.length : 0;
      view.dispatch({
        changes: { from: from, to: to, insert: text + tail },
        selection: { anchor: from + text.length + ahead },
        userEvent: "input.complete",
        annotations: CodeMirror.pickedCompletion.of(chosen),
      });
    };
  }

  function named(each) {
    return typeof each === "string" ? { name: each } : each;
  }

  function option(each, name, apply) {
    return {
      label: name,
      detail: each.label,
      info: each.sample ? String(each.sample) : undefined,
      type: each.kind === "list" ? "list" : "variable",
      apply: apply,
    };
  }

  window.codeCompletion = function (lists) {
    var variables = lists.variables.map(named);
    var filters = lists.filters.map(named).map(function (each) {
      return { label: each.name, detail: each.label, type: "function" };
    });
    var tags = (lists.tags.length ? lists.tags : TAGS).map(named);

    function isList(name) {
      return variables.some(function (each) { return each.kind === "list" && each.name === name; });
    }
    var plain = variables.filter(function (each) { return !isList(each.of); });

    function fields(list, item) {
      return variables.filter(function (each) { return each.of === list; }).map(function (each) {
        return { said: each, name: item + each.name.slice(each.name.indexOf(".")) };
      });
    }

    // Outer loops come first, so a list that is a field of an outer loop's item is known by then.
    function inLoops(open) {
      var known = [], lists = {};
      open.filter(function (block) { return block.item; }).forEach(function (block) {
        var list = lists[block.list] || block.list;
        var mine = fields(list, block.item);
        mine.forEach(function (field) {
          if (field.said.kind === "list") {
            lists[field.name] = field.said.name;
          }
        });
        known = mine.concat(known);
      });
      var turns = known.length ? ["forloop.index", "forloop.first", "forloop.last"] : [];
      return known.concat(turns.map(function (name) { return { said: {}, name: name }; }));
    }

    function values(read, close, listsOnly) {
      var apply = put(close);
      var own = read.names.map(function (name) { return { said: {}, name: name }; });
      var all = inLoops(read.open).concat(own, plain.map(function (each) { return { said: each, name: each.name }; }));
      return all.filter(function (each, at) {
        var first = all.findIndex(function (other) { return other.name === each.name; }) === at;
        return first && (!listsOnly || each.said.kind === "list");
      }).map(function (each, at) {
        return Object.assign(option(each.said, each.name, apply), { boost: Math.max(-99, 50 - at) });
      });
    }

    function tagNames(open) {
      var last = open.length && open[open.length - 1].tag;
      var ends = last ? [{ name: "end" + last }] : [];
      return ends.concat(tags).map(function (each, at) {
        var bare = BARE.indexOf(each.name) >= 0 || each.name.indexOf("end") === 0;
        return {
          label: each.name, detail: each.label, type: "keyword", boost: Math.max(-99, 50 - at),
          apply: put("%}", bare, !bare), more: !bare,
        };
      });
    }

    return function (context) {
      var before = context.state.doc.sliceString(0, context.pos);
      var here = unfinished(before);
      if (!here) {
        return null;
      }
      var word = /[\w.]*$/.exec(here.inside)[0];
      var lead = here.inside.slice(0, here.inside.length - word.length);
      var options = [];
      if (here.tag && /^-?\s*$/.test(lead)) {
        options = tagNames(readTags(before).open);
      } else if (/\|\s*$/.test(lead)) {
        options = filters;
      } else if (EXPECTS_VALUE.test(lead) || context.explicit) {
        options = values(readTags(before), here.tag ? "%}" : "}}", here.tag && /^-?\s*for\s+\w+\s+in\s*$/.test(lead));
      }
      return options.length ? { from: context.pos - word.length, options: options, validFor: /^[\w.]*$/ } : null;
    };
  };
})();
