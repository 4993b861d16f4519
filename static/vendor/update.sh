#!/bin/sh
# For maintainers: fetches the front-end libraries and the fonts again, rebuilds the icon sprite
# and writes VENDOR.md. Users never need it, everything it makes is committed.
# Needs node, npm, tar, gzip, sha256sum and python3. A new version is a change of the list below.
# CodeMirror comes in many packages: codemirror/package.json pins what entry.js imports, its lock file
# all the rest. Change a version there, delete the lock file, run this. (npm's "latest" of the
# package codemirror is version 5; ours is 6.)
set -eu

TABLER=1.6.1
HTMX=2.0.11
CHART=4.6.1
INTER=5.3.0
JETBRAINS=5.3.0
ICONS=3.51.0

cd "$(dirname "$0")"
here=$(pwd)
CODEMIRROR=$(sed -n 's/^ *"codemirror": "\(.*\)",\{0,1\}$/\1/p' codemirror/package.json)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch PACKAGE VERSION NAME: unpacks the package into $work/NAME
fetch() {
    mkdir -p "$work/$3" "$here/$3"
    (cd "$work" && tar xzf "$(npm pack --silent "$1@$2")" -C "$3" --strip-components=1)
}

# keep NAME FILE: copies a file; a source map is not shipped, so the line that names it goes too.
keep() {
    sed -e '/sourceMappingURL=/d' "$work/$1/$2" > "$here/$1/$(basename "$2")"
}

# The big ones are stored compressed as well: the web server sends those as they are.
compress() {
    gzip -9 -n -k -f "$here/$1"
}

fetch @tabler/core "$TABLER" tabler
keep tabler dist/css/tabler.min.css
compress tabler/tabler.min.css

fetch htmx.org "$HTMX" htmx
keep htmx dist/htmx.min.js
compress htmx/htmx.min.js
cp "$work/htmx/LICENSE" htmx/LICENSE

fetch chart.js "$CHART" chart
keep chart dist/chart.umd.min.js
compress chart/chart.umd.min.js
cp "$work/chart/LICENSE.md" chart/LICENSE

mkdir "$work/codemirror"
cp codemirror/entry.js codemirror/package*.json "$work/codemirror/"
(
    cd "$work/codemirror"
    if [ ! -f package-lock.json ]; then
        npm install --silent --package-lock-only --omit-lockfile-registry-resolved
        cp package-lock.json "$here/codemirror/"
    fi
    npm ci --silent
    npx --no-install esbuild entry.js --bundle --minify --format=iife --global-name=CodeMirror \
        --target=es2020 --legal-comments=none --log-level=warning \
        --outfile="$here/codemirror/codemirror.min.js"
    # All packages came under the same words; who wrote them differs.
    {
        printf 'MIT License\n\n'
        cat node_modules/*/LICENSE node_modules/@*/*/LICENSE | grep '^Copyright (C)' | sort -u
        sed '1,/^Copyright/d' node_modules/codemirror/LICENSE
    } > "$here/codemirror/LICENSE"
)
compress codemirror/codemirror.min.js

fetch @fontsource-variable/inter "$INTER" inter
cp "$work/inter/LICENSE" "$work"/inter/files/inter-latin-wght-normal.woff2 \
    "$work"/inter/files/inter-latin-ext-wght-normal.woff2 inter/

fetch @fontsource-variable/jetbrains-mono "$JETBRAINS" jetbrains-mono
cp "$work/jetbrains-mono/LICENSE" "$work"/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2 \
    "$work"/jetbrains-mono/files/jetbrains-mono-latin-ext-wght-normal.woff2 jetbrains-mono/

fetch @tabler/icons "$ICONS" tabler-icons
cp "$work/tabler-icons/LICENSE" tabler-icons/LICENSE
python3 icons.py icons.txt "$work/tabler-icons/icons/outline" > ../postroom/icons.svg
compress ../postroom/icons.svg

# row FILE NAME VERSION LICENCE
row() {
    printf '| `%s` | %s | %s | %s | `%s` |\n' "$1" "$2" "$3" "$4" "$(sha256sum "$1" | cut -d' ' -f1)"
}

{
    echo '# What is kept here from others'
    echo
    echo 'Made by `update.sh`; a test compares the sums. Each folder holds the licence it came under.'
    echo 'Only the line that names a source map is taken out of a file; `.gz` is the same file, packed.'
    echo '`codemirror/` is bundled by esbuild from `entry.js` and the packages of `package-lock.json`.'
    echo
    echo '| file | name | version | licence | sha256 |'
    echo '|---|---|---|---|---|'
    row tabler/tabler.min.css @tabler/core "$TABLER" MIT
    row htmx/htmx.min.js htmx.org "$HTMX" 0BSD
    row chart/chart.umd.min.js chart.js "$CHART" MIT
    row codemirror/codemirror.min.js codemirror "$CODEMIRROR" MIT
    row inter/inter-latin-wght-normal.woff2 @fontsource-variable/inter "$INTER" OFL-1.1
    row inter/inter-latin-ext-wght-normal.woff2 @fontsource-variable/inter "$INTER" OFL-1.1
    row jetbrains-mono/jetbrains-mono-latin-wght-normal.woff2 @fontsource-variable/jetbrains-mono "$JETBRAINS" OFL-1.1
    row jetbrains-mono/jetbrains-mono-latin-ext-wght-normal.woff2 @fontsource-variable/jetbrains-mono "$JETBRAINS" OFL-1.1
    row ../postroom/icons.svg @tabler/icons "$ICONS" MIT
} > VENDOR.md
